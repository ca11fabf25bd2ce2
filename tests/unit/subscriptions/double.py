"""Stands in for the vendor and for the topic, and can be killed between any two steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr

from streams.subscribe.testing import SettableClock
from streams.subscriptions.held import Account, Held
from streams.subscriptions.run import Subscriber
from streams.subscriptions.sealing import UnopenedError
from streams.vendor import Subscription, VendorError

CALLBACK = "https://hooks.example.com/path-token/txpush"


class Killed(BaseException):
    """The process ends here."""


@dataclass
class FakeVendor:
    """Keeps subscriptions by account, and answers errors where it is told to."""

    errors: list[VendorError | None] = field(default_factory=list)
    lost: int = 0
    """Subscribe calls that take effect and whose answer does not come."""
    live: dict[Account, set[str]] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    replaces: bool = False
    made: int = 0

    async def subscribe(self, customer_id: str, account_id: str, callback_url: str) -> tuple[Subscription, ...]:
        self._called("subscribe", account_id)
        account = Account(customer_id, account_id)
        self.made += 1
        granted = tuple(
            Subscription(f"{name}-{self.made}", account_id, name, callback_url, SecretStr(f"key-{name}-{self.made}"))
            for name in ("account", "transaction")
        )
        kept = set() if self.replaces else self.live.get(account, set())
        self.live[account] = kept | {one.id for one in granted}
        if self.lost:
            self.lost -= 1
            raise self.errors.pop(0) or AssertionError
        return granted

    async def unsubscribe(self, customer_id: str, account_id: str) -> None:
        self._called("unsubscribe", account_id)
        self.live.pop(Account(customer_id, account_id), None)

    async def delete_subscription(self, customer_id: str, subscription_id: str) -> None:
        self._called("delete", subscription_id)
        for account, ids in self.live.items():
            if account.customer_id == customer_id:
                ids.discard(subscription_id)

    def _called(self, *call: str) -> None:
        self.calls.append(call)
        if not self.lost and self.errors and (error := self.errors.pop(0)) is not None:
            raise error


@dataclass
class FakeRecords:
    """Records in memory; the process is killed before or after the write of a number."""

    values: dict[Account, Held] = field(default_factory=dict)
    unopened: set[Account] = field(default_factory=set)
    kill_before: int = 0
    error: Exception | None = None
    writes: int = 0

    def held(self, account: Account) -> Held | None:
        if account in self.unopened:
            raise UnopenedError("none of TXPUSH_SEALING_KEYS opens it")
        return self.values.get(account)

    async def keep(self, account: Account, held: Held) -> None:
        self._written()
        self.values[account] = held

    async def drop(self, account: Account) -> None:
        self._written()
        self.values.pop(account, None)

    def _written(self) -> None:
        self.writes += 1
        if self.error is not None:
            raise self.error
        if self.writes == self.kill_before:
            raise Killed


@dataclass
class Waits:
    """Notes waits instead of waiting."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def subscriber(
    vendor: FakeVendor,
    records: FakeRecords,
    *,
    renew: bool = False,
    callback_url: str = CALLBACK,
    waits: Waits | None = None,
) -> Subscriber:
    """Give one that never waits."""
    return Subscriber(vendor, records, callback_url, SettableClock(), renew=renew, sleep=waits or Waits())


def ids_of(held: Held) -> Sequence[str]:
    """Give the ids of the subscriptions whose keys are known."""
    return sorted(held.ids.values())
