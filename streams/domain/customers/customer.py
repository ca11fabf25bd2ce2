"""One customer's whole state, immutable: each change gives another."""

from collections.abc import Container, Iterator, Mapping

from schemas.state import AccountState, CustomerState, LoginState, Record, field, replace

FORMER_ACCOUNTS = 1000
"""Dropped accounts of a customer whose health can still be erased."""
FORMER_CASES = 100
"""Cases of a customer that are remembered after their last account went: the state has to stay small."""
INDEXED = 16
"""Accounts from which on those of a login are looked up: fewer are looked through sooner."""
_NEW_CASE = LoginState()


class AccountsByLogin:  # noqa: PLW1641 - nobody asks for its hash
    """Which accounts each login has, in the order of their coming: made when it is first asked for.

    It says nothing but what the accounts say, so any two of them count as equal. Customers who differ in other things
    share one.
    """

    __slots__ = ("_ids",)

    def __init__(self, ids: dict[str, tuple[str, ...]] | None = None) -> None:
        self._ids = ids

    def __eq__(self, other: object) -> bool:
        """Tell nothing apart."""
        return isinstance(other, AccountsByLogin)

    def of(self, accounts: Mapping[str, AccountState]) -> Mapping[str, tuple[str, ...]]:
        """Give the ids of these accounts by their login; those whose login is not known are left out."""
        if self._ids is None:
            ids: dict[str, list[str]] = {}
            for account_id, account in accounts.items():
                if account.login_id is not None:
                    ids.setdefault(account.login_id, []).append(account_id)
            self._ids = {login_id: tuple(of_login) for login_id, of_login in ids.items()}
        return self._ids

    def with_new(self, account_id: str, login_id: str | None) -> "AccountsByLogin":
        """Give what holds with an account that has come last."""
        if self._ids is None:
            return AccountsByLogin()
        if login_id is None:
            return self
        return AccountsByLogin({**self._ids, login_id: (*self._ids.get(login_id, ()), account_id)})

    def without(self, account_id: str, login_id: str | None) -> "AccountsByLogin":
        """Give what holds without an account."""
        if self._ids is None:
            return AccountsByLogin()
        if login_id is None:
            return self
        ids = {**self._ids}
        left = tuple(key for key in ids.pop(login_id) if key != account_id)
        return AccountsByLogin(ids | {login_id: left} if left else ids)


class Customer(Record, frozen=True):
    """A customer: accounts by account id (deleted ones too, until forgotten), cases by institutionLoginId.

    `state.account_ids` and `state.login_ids` list the keys of the two mappings, in the order of their coming.
    """

    customer_id: str
    state: CustomerState
    accounts: Mapping[str, AccountState] = {}
    logins: Mapping[str, LoginState] = {}
    by_login: AccountsByLogin = field(default_factory=AccountsByLogin)

    @property
    def remembers_nothing(self) -> bool:
        """Whether nothing but the clock would be kept."""
        state = self.state
        return not (self.accounts or self.logins or state.seen or state.silences or state.former_ids)

    def live_at(self, login_id: str) -> Iterator[tuple[str, AccountState]]:
        """Give the accounts of a login that are not deleted."""
        accounts = self.accounts
        for account_id in accounts if len(accounts) < INDEXED else self.by_login.of(accounts).get(login_id, ()):
            account = accounts[account_id]
            if account.login_id == login_id and account.deleted_at is None:
                yield account_id, account

    def case(self, login_id: str | None) -> LoginState:
        """Give the state of a case; a new one where it never had an episode, or where no login is known."""
        return _NEW_CASE if login_id is None else self.logins.get(login_id, _NEW_CASE)

    def with_account(self, account_id: str, account: AccountState) -> "Customer":
        """Give the customer with that account in that state."""
        accounts = {**self.accounts, account_id: account}
        was = self.accounts.get(account_id)
        if was is not None:
            if was.login_id == account.login_id:
                return replace(self, accounts=accounts)
            return replace(self, accounts=accounts, by_login=AccountsByLogin())
        former = tuple(key for key in self.state.former_ids if key != account_id)
        state = replace(self.state, account_ids=tuple(accounts), former_ids=former)
        by_login = self.by_login.with_new(account_id, account.login_id)
        return replace(self, accounts=accounts, state=state, by_login=by_login)

    def with_login(self, login_id: str, login: LoginState) -> "Customer":
        """Give the customer with that case in that state."""
        if login_id in self.logins:
            return replace(self, logins={**self.logins, login_id: login})
        logins = {**self.logins, login_id: login}
        if len(logins) > FORMER_CASES:
            logins = _limited(logins, self.by_login.of(self.accounts), login_id)
        return replace(self, logins=logins, state=replace(self.state, login_ids=tuple(logins)))

    def without_account(self, account_id: str) -> "Customer":
        """Give the customer without that account; its case is kept, though no other account may name it.

        An ordinal that began anew could give an old command's id to a later one (R4), and an OTP mark outlasts accounts
        (R7). Of such former cases the latest `FORMER_CASES` are kept, as long as the customer is.
        """
        accounts, logins = {**self.accounts}, {**self.logins}
        gone = accounts.pop(account_id).login_id
        by_login = self.by_login.without(account_id, gone)
        if gone in logins and gone not in by_login.of(accounts):
            logins[gone] = logins.pop(gone)
        logins = _limited(logins, by_login.of(accounts), None)
        former = (*self.state.former_ids, account_id)[-FORMER_ACCOUNTS:]
        ids = {"account_ids": tuple(accounts), "former_ids": former, "login_ids": tuple(logins)}
        return replace(self, state=replace(self.state, **ids), accounts=accounts, logins=logins, by_login=by_login)


def _limited(logins: dict[str, LoginState], named: Container[str], newest: str | None) -> dict[str, LoginState]:
    """Drop the oldest former cases beyond their number: no account names them, and nothing of theirs is open."""
    if len(logins) <= FORMER_CASES:
        return logins
    former = [key for key, login in logins.items() if key not in named and key != newest and not login.episodes]
    gone = set(former[: max(0, len(former) - FORMER_CASES)])
    if not gone:
        return logins
    return {key: login for key, login in logins.items() if key not in gone}
