"""One connection to a bank: which code it gives, and what changes on the account; refreshes and the nightly batch."""

from collections.abc import Iterable
from datetime import datetime

from schemas.catalogue import Catalogue
from streams.sandbox.books.model import Account, Institution, Login
from streams.sandbox.books.world import World

OK = 0
BAD_CREDENTIALS = 103
DUPLICATE = 169
CHALLENGED = 185
TOKEN_EXPIRED = 947
NOT_AUTHENTICATED = 948
CENTS = 100
SPREAD_CENTS = 5000


class Aggregator:
    """Connects to banks on paper; `event_on_attempt` sends notifications where only the attempt's date changed."""

    def __init__(self, world: World, catalogue: Catalogue, *, event_on_attempt: bool) -> None:
        self._world = world
        self._catalogue = catalogue
        self._event_on_attempt = event_on_attempt

    def nightly(self, at: datetime) -> None:
        """Run the nightly batch: every account, but for those whose code stops it (vendor page, the list)."""
        self.attempt([one for one in self._world.accounts.values() if not self.stops_batch(one.code)], at)

    def stops_batch(self, code: int | None) -> bool:
        """Say whether the batch leaves an account with this code alone."""
        return code is not None and self._catalogue.entry(code).stops_batch

    def is_fixable(self, code: int | None) -> bool:
        """Say whether Data Connect Fix repairs this code."""
        return code is not None and self._catalogue.entry(code).fix_applies

    def attempt(self, accounts: Iterable[Account], at: datetime, *, attended: bool = False) -> None:
        """Aggregate accounts once; `attended` means that somebody has just answered the bank's challenge."""
        for account in accounts:
            self.record(account, self.outcome(account, at, attended=attended), at)

    def outcome(self, account: Account, at: datetime, *, attended: bool = False) -> int:
        """Give the code that a connection now would give for the account."""
        login = self._world.logins[account.login_id]
        trouble = self.login_outcome(login, at, attended=attended)
        if trouble in {OK, CHALLENGED} and self._is_duplicate(account):
            return DUPLICATE
        return trouble or account.trouble or OK

    def login_outcome(self, login: Login, at: datetime, *, attended: bool = False) -> int:
        """Give the code that a connection now would give whatever the account."""
        bank = self._world.bank_of(login)
        if bank.trouble is not None:
            return bank.trouble
        if login.trouble is not None:
            return login.trouble
        if login.password != login.bank_password:
            return BAD_CREDENTIALS
        if login.consent_until is not None and at >= login.consent_until:
            return TOKEN_EXPIRED
        return CHALLENGED if not attended and asks(bank, login, at) else OK

    def record(self, account: Account, code: int, at: datetime) -> None:
        """Write an attempt down; subscribers hear of it where a field has changed that they would see."""
        changed = code != account.code or self._event_on_attempt
        account.attempted_at = at
        account.code = code
        if code == OK:
            account.succeeded_at = at
            account.balance = self._moved(account, at)
            changed = True
        if changed:
            account.updated_at = at
            self._world.hear(account, "modified", at)

    def _is_duplicate(self, account: Account) -> bool:
        return account.twin_of is not None and account.twin_of in self._world.accounts

    def _moved(self, account: Account, at: datetime) -> float:
        """Give a balance that is not yesterday's: a success is always something to notify of."""
        cents = 1 + int(self._world.seed.share("movement", account.id, at) * SPREAD_CENTS)
        return round(account.balance + cents / CENTS, 2)


def asks(bank: Institution, login: Login, at: datetime) -> bool:
    """Say whether the bank asks a question: it does when it does not know the device (domain 7)."""
    if bank.oauth or not (bank.challenges or login.profile.challenge is not None):
        return False
    return login.device_until is None or at >= login.device_until
