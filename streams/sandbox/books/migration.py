"""Planned and unplanned changes at banks: the move to OAuth, and accounts that are there twice."""

from datetime import datetime

from streams.sandbox.books.aggregation import NOT_AUTHENTICATED
from streams.sandbox.books.model import Account, Institution
from streams.sandbox.books.profiles import Opening
from streams.sandbox.books.world import World


def migrate_login(world: World, login_id: str, consent_days: float | None, at: datetime) -> None:
    """Move a login to the bank's OAuth entry, unless it is there: accounts get that id and 948 (domain 2.2)."""
    login = world.logins[login_id]
    bank = world.bank_of(login)
    if bank.oauth:
        return
    login.institution_id = world.institutions.oauth_twin(bank, consent_days).id
    login.trouble = NOT_AUTHENTICATED
    for account in world.of_login(login_id):
        account.institution_id = login.institution_id
        account.code = NOT_AUTHENTICATED
        account.attempted_at = account.updated_at = at
        world.hear(account, "modified", at)


def migrate_institution(world: World, bank: Institution, consent_days: float | None, at: datetime) -> Institution:
    """Move all logins of a bank; gives its OAuth entry."""
    twin = world.institutions.oauth_twin(bank, consent_days)
    for login in [login for login in world.logins.values() if login.institution_id == bank.id]:
        migrate_login(world, login.id, consent_days, at)
    return twin


def duplicate(world: World, account: Account, at: datetime) -> Account:
    """Add the account once more under its login: from its next aggregation on the second one is at 169."""
    opening = Opening(account.type, account.name, account.balance, account.number)
    twin = world.open_account(world.logins[account.login_id], opening, at)
    twin.twin_of = account.id
    return twin
