"""What a test or a developer may do to the sandbox behind the API's back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from streams.clock import Clock
from streams.sandbox.books import errors
from streams.sandbox.books.aggregation import Aggregator
from streams.sandbox.books.migration import duplicate, migrate_institution
from streams.sandbox.books.model import Account, Institution, Login
from streams.sandbox.books.partner import Partner
from streams.sandbox.books.profiles import Opening, sign_in
from streams.sandbox.books.world import World
from streams.sandbox.clock import MovableClock
from streams.sandbox.delivery.agenda import Agenda
from streams.sandbox.delivery.courier import Courier, Tried
from streams.sandbox.delivery.faults import Fault, FaultName, Faults

CONSENT_DAYS = 365.0


class ClockStandsError(RuntimeError):
    """The clock cannot be moved from here: move it where it was made, and the sandbox follows."""


@dataclass(frozen=True, slots=True)
class Truth:
    """How one account stands at the vendor."""

    customer_id: str
    account_id: str
    institution_login_id: str
    institution_id: str
    code: int | None
    attempted_at: datetime | None
    succeeded_at: datetime | None


class Controls:
    """The controls; all of them take and give ids as text."""

    world: World
    aggregator: Aggregator
    partner: Partner
    faults: Faults
    agenda: Agenda
    courier: Courier
    clock: Clock

    async def settle(self) -> None:
        """Carry out everything that is due by now; returns when it has been delivered, or put off."""
        await self.courier.settle()

    async def advance(self, by: timedelta) -> datetime:
        """Move the clock on and settle; nights that lie between are run in order. Gives the time then.

        Raises:
            ClockStandsError: the clock has no `move_to`.
        """
        if not isinstance(self.clock, MovableClock):
            raise ClockStandsError(ClockStandsError.__doc__)
        self.clock.move_to(self.clock.now() + by)
        await self.settle()
        return self.clock.now()

    def run_batch(self) -> None:
        """Run the nightly batch now."""
        self.aggregator.nightly(self.clock.now())

    def truth(self) -> list[Truth]:
        """List every account as it stands."""
        return [_truth(account) for account in self.world.accounts.values()]

    def set_fault(self, name: FaultName | str, **fields: Any) -> None:  # noqa: ANN401 - fields of a Fault by name
        """Ask for a fault; fields as in `Fault`. It replaces an earlier one of the same name."""
        self.faults.wanted[FaultName(name)] = Fault(**fields)

    def clear_faults(self) -> None:
        """Have nothing go wrong any more."""
        self.faults.wanted.clear()

    def add_institution(self, name: str, *, otp: bool = False, **traits: Any) -> Institution:  # noqa: ANN401 - fields
        """Make up a bank; `otp` asks everybody at every connection, `traits` are fields of `Institution`."""
        if otp:
            traits = {"challenges": True, "device_days": 0.0, "knows_first_device": False, **traits}
        return self.world.institutions.add(name, **traits)

    def set_institution(self, institution_id: str, **traits: Any) -> Institution:  # noqa: ANN401 - fields by name
        """Change how a bank behaves: fields of `Institution`, for example `trouble=102`."""
        bank = self.world.institutions.get(institution_id)
        replace(bank, **traits)  # refuses a name that is no field
        for name, value in traits.items():
            setattr(bank, name, value)
        return bank

    def migrate(self, institution_id: str, *, consent_days: float | None = CONSENT_DAYS) -> Institution:
        """Move a bank's logins to a new OAuth entry: code 948 and another institution id for every account."""
        bank = self.world.institutions.get(institution_id)
        return migrate_institution(self.world, bank, consent_days, self.clock.now())

    def add_customer(self, username: str | None = None, kind: str = "testing") -> str:
        """Enrol a customer."""
        name = username or f"customer{self.world.ids.customer}"
        return self.world.add_customer(name, kind, self.clock.now(), {}).id

    def add_login(
        self,
        customer_id: str,
        institution_id: str,
        username: str,
        password: str,
        openings: Sequence[Opening] | None = None,
    ) -> Login:
        """Connect a test profile without the hosted page; all its accounts, or those that are given."""
        self.world.customer(customer_id)
        bank, at = self.world.institutions.get(institution_id), self.clock.now()
        profile = sign_in(username, password)
        if profile.code is not None:
            raise errors.aggregation_failed(profile.code)
        login = self.world.add_login(customer_id, bank, profile, at)
        for opening in profile.openings if openings is None else openings:
            self.world.open_account(login, opening, at)
        return login

    def accounts_of(self, login_id: str) -> list[str]:
        """Give the ids of a login's accounts."""
        return [account.id for account in self.world.of_login(login_id)]

    def refresh(self, login_id: str) -> None:
        """Refresh the accounts of a login, as the API does when it is asked to."""
        self.aggregator.attempt(list(self.world.of_login(login_id)), self.clock.now())

    def set_login(self, login_id: str, **changes: Any) -> Login:  # noqa: ANN401 - fields of a Login by name
        """Change a login: `trouble` (a code or None), `bank_password`, `device_until`, `consent_until`."""
        if login_id not in self.world.logins:
            raise errors.no_resource()
        login = self.world.logins[login_id]
        replace(login, **changes)  # refuses a name that is no field
        for name, value in changes.items():
            setattr(login, name, value)
        return login

    def set_account(self, account_id: str, *, trouble: int | None) -> None:
        """Have every connection give a code for this account alone; None takes it back."""
        self._account(account_id).trouble = trouble

    def move_account(self, account_id: str, login_id: str) -> None:
        """Put an account under another login of its customer; the login that it leaves may have none any more."""
        if login_id not in self.world.logins:
            raise errors.no_resource()
        self.world.move_account(self._account(account_id), self.world.logins[login_id], self.clock.now())

    def duplicate(self, account_id: str) -> str:
        """Add an account once more; gives the id of the second one, which is 169 from its next attempt on."""
        return duplicate(self.world, self._account(account_id), self.clock.now()).id

    def delete_account(self, account_id: str) -> None:
        """Delete an account."""
        self.world.delete_accounts([self._account(account_id)], self.clock.now())

    def tried(self) -> list[Tried]:
        """List the latest tries of webhooks, oldest first."""
        return list(self.courier.tried)

    def _account(self, account_id: str) -> Account:
        if account_id not in self.world.accounts:
            raise errors.no_resource()
        return self.world.accounts[account_id]


def _truth(account: Account) -> Truth:
    return Truth(
        customer_id=account.customer_id,
        account_id=account.id,
        institution_login_id=account.login_id,
        institution_id=account.institution_id,
        code=account.code,
        attempted_at=account.attempted_at,
        succeeded_at=account.succeeded_at,
    )
