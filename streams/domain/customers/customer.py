"""One customer's whole state, immutable: each change gives another."""

from collections.abc import Iterator, Mapping

from schemas.state import AccountState, CustomerState, LoginState, Record, replace

FORMER_ACCOUNTS = 1000
"""Dropped accounts of a customer whose health can still be erased."""
FORMER_CASES = 100
"""Cases of a customer that are remembered after their last account went: the state has to stay small."""
_NEW_CASE = LoginState()


class Customer(Record, frozen=True):
    """A customer: accounts by account id (deleted ones too, until forgotten), cases by institutionLoginId.

    `state.account_ids` and `state.login_ids` list the keys of the two mappings, in the order of their coming.
    """

    customer_id: str
    state: CustomerState
    accounts: Mapping[str, AccountState] = {}
    logins: Mapping[str, LoginState] = {}

    @property
    def remembers_nothing(self) -> bool:
        """Whether nothing but the clock would be kept."""
        state = self.state
        return not (self.accounts or self.logins or state.seen or state.silences or state.former_ids)

    def live_at(self, login_id: str) -> Iterator[tuple[str, AccountState]]:
        """Give the accounts of a login that are not deleted."""
        for account_id, account in self.accounts.items():
            if account.login_id == login_id and account.deleted_at is None:
                yield account_id, account

    def case(self, login_id: str | None) -> LoginState:
        """Give the state of a case; a new one where it never had an episode, or where no login is known."""
        return _NEW_CASE if login_id is None else self.logins.get(login_id, _NEW_CASE)

    def with_account(self, account_id: str, account: AccountState) -> "Customer":
        """Give the customer with that account in that state."""
        accounts = {**self.accounts, account_id: account}
        if account_id in self.accounts:
            return replace(self, accounts=accounts)
        former = tuple(key for key in self.state.former_ids if key != account_id)
        return replace(
            self, accounts=accounts, state=replace(self.state, account_ids=tuple(accounts), former_ids=former)
        )

    def with_login(self, login_id: str, login: LoginState) -> "Customer":
        """Give the customer with that case in that state."""
        if login_id in self.logins:
            return replace(self, logins={**self.logins, login_id: login})
        logins = _limited({**self.logins, login_id: login}, self.accounts, login_id)
        return replace(self, logins=logins, state=replace(self.state, login_ids=tuple(logins)))

    def without_account(self, account_id: str) -> "Customer":
        """Give the customer without that account; its case is kept, though no other account may name it.

        An ordinal that began anew could give an old command's id to a later one (R4), and an OTP mark outlasts accounts
        (R7). Of such former cases the latest `FORMER_CASES` are kept, as long as the customer is.
        """
        accounts = {key: account for key, account in self.accounts.items() if key != account_id}
        gone, logins = self.accounts[account_id].login_id, dict(self.logins)
        if gone in logins and all(account.login_id != gone for account in accounts.values()):
            logins[gone] = logins.pop(gone)
        logins = _limited(logins, accounts, None)
        former = (*self.state.former_ids, account_id)[-FORMER_ACCOUNTS:]
        ids = {"account_ids": tuple(accounts), "former_ids": former, "login_ids": tuple(logins)}
        return replace(self, state=replace(self.state, **ids), accounts=accounts, logins=logins)


def _limited(
    logins: dict[str, LoginState], accounts: Mapping[str, AccountState], newest: str | None
) -> dict[str, LoginState]:
    """Drop the oldest former cases beyond their number: no account names them, and nothing of theirs is open."""
    if len(logins) <= FORMER_CASES:
        return logins
    named = {account.login_id for account in accounts.values()} | {newest}
    former = [key for key, login in logins.items() if key not in named and not login.episodes]
    gone = set(former[: max(0, len(former) - FORMER_CASES)])
    return {key: login for key, login in logins.items() if key not in gone}
