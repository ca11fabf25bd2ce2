"""Subscribes and unsubscribes many accounts: a few at once, each to its end, and what failed is told at the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Protocol

from aiokafka.errors import KafkaError

from schemas.times import rfc3339
from streams.clock import Clock
from streams.subscriptions.held import Account, Grant, Held, begun, renewed
from streams.subscriptions.sealing import UnopenedError
from streams.vendor import (
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    Subscription,
    TryAgainError,
    VendorError,
)

log = logging.getLogger(__name__)

AT_ONCE = 4
ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 60.0


class VendorCalls(Protocol):
    """What is asked of the vendor."""

    async def subscribe(self, customer_id: str, account_id: str, callback_url: str) -> tuple[Subscription, ...]:
        """Subscribe to an account."""

    async def unsubscribe(self, customer_id: str, account_id: str) -> None:
        """End all subscriptions of an account; that there are none is no error."""

    async def delete_subscription(self, customer_id: str, subscription_id: str) -> None:
        """End one subscription; that it is not there is no error."""


class Records(Protocol):
    """Where it is kept: see `Book`."""

    def held(self, account: Account) -> Held | None:
        """Give what is held of an account."""

    async def keep(self, account: Account, held: Held) -> None:
        """Write what is held of an account."""

    async def drop(self, account: Account) -> None:
        """Write that nothing is held of an account any more."""


class Done(StrEnum):
    """What became of an account."""

    DONE = "done"
    ALREADY = "already"
    GONE = "gone"


Step = Callable[[Account], Awaitable[Done]]


@dataclass(slots=True)
class Report:
    """What became of all of them; `stopped` says why the rest was not tried."""

    counts: dict[Done, int] = field(default_factory=lambda: dict.fromkeys(Done, 0))
    failed: list[tuple[Account, str]] = field(default_factory=list)
    stopped: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to do."""
        return not self.failed and self.stopped is None


async def each(
    accounts: Iterable[Account], step: Step, on_step: Callable[[], None] = lambda: None, at_once: int = AT_ONCE
) -> Report:
    """Take one step for every account, `at_once` at a time; refused credentials and a Kafka that is away stop all."""
    report, waiting = Report(), iter(accounts)

    async def work() -> None:
        for account in waiting:
            if report.stopped is not None:
                return
            try:
                report.counts[await step(account)] += 1
            except (RefusedError, MisconfiguredError) as error:
                report.stopped = str(error)
                return
            except (KafkaError, OSError, TimeoutError) as error:
                report.stopped = f"Kafka does not take what has to be kept: {error!r}"
                return
            except (VendorError, UnopenedError) as error:
                report.failed.append((account, str(error)))
            on_step()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return report


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Subscribes accounts to one callback, such that a kill at any moment leaves nothing that a second run misses.

    Before the call a record says that it is made: if nothing follows it, there may be a subscription whose keys nobody
    has, and whose notifications would be refused. The next run ends all of the account before it subscribes again.

    Attributes:
        callback_url: where notifications go; has the path token.
        renew: subscribe again also where the keys are known; where they are not, end first what there may be.
        sleep: waits so many seconds.
    """

    vendor: VendorCalls
    records: Records
    callback_url: str = field(repr=False)
    clock: Clock
    renew: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def subscribe(self, account: Account) -> Done:
        """Subscribe one account, unless it is subscribed to this callback already; its former keys stay valid."""
        before = self._before(account)
        if before is not None and self._is_there(before):
            return Done.ALREADY
        await self.records.keep(account, begun(before, self._now()))
        try:
            granted = await self._subscribed(account, before)
        except GoneError:
            await self.records.drop(account)
            return Done.GONE
        await self._keep(account, before, granted)
        return Done.DONE

    async def unsubscribe(self, account: Account) -> Done:
        """End all subscriptions of one account, and forget its keys."""
        try:
            await self._patiently(partial(self.vendor.unsubscribe, *account))
        except GoneError:
            await self.records.drop(account)
            return Done.GONE
        await self.records.drop(account)
        return Done.DONE

    def _before(self, account: Account) -> Held | None:
        """Give what is held; where it cannot be opened, `renew` means to do without."""
        try:
            return self.records.held(account)
        except UnopenedError:
            if not self.renew:
                raise
            return None

    def _is_there(self, held: Held) -> bool:
        return not (self.renew or held.begun) and held.callback_url == self.callback_url

    async def _subscribed(self, account: Account, before: Held | None) -> Sequence[Grant]:
        """Make the call; after an answer that did not come, end what it may have made before it is made again."""
        uncertain = self.renew if before is None else before.begun
        for left in reversed(range(ATTEMPTS)):
            if uncertain:
                await self._patiently(partial(self.vendor.unsubscribe, *account))
            try:
                granted = await self.vendor.subscribe(*account, self.callback_url)
            except TryAgainError as error:
                if not left:
                    raise
                uncertain = True
                await self.sleep(min(error.after_seconds, LONGEST_WAIT_SECONDS))
            except (InvalidRequestError, MisconfiguredError, RefusedError):
                if not uncertain:
                    await self._put_back(account, before)
                raise
            else:
                return [Grant(one.id, one.class_name, one.signing_key.get_secret_value()) for one in granted]
        raise AssertionError("the last attempt returns or raises")

    async def _put_back(self, account: Account, before: Held | None) -> None:
        """Take the call back that was refused: nothing was made, and what was there before is not to be ended."""
        if before is None:
            await self.records.drop(account)
        else:
            await self.records.keep(account, before)

    async def _keep(self, account: Account, before: Held | None, granted: Sequence[Grant]) -> None:
        """Keep the new keys, then end the former subscriptions, where the vendor did not replace them."""
        held = renewed(before, granted, self.callback_url, self._now())
        former = set() if before is None else set(before.ids.values()) - set(held.ids.values())
        if former and not (before and before.begun):
            await self.records.keep(account, begun(held, held.subscribed_at))
            for subscription_id in sorted(former):
                await self._patiently(partial(self.vendor.delete_subscription, account.customer_id, subscription_id))
        await self.records.keep(account, held)

    async def _patiently(self, call: Callable[[], Awaitable[None]]) -> None:
        """Make a call that may be made twice, up to `ATTEMPTS` times."""
        for left in reversed(range(ATTEMPTS)):
            try:
                return await call()
            except TryAgainError as error:
                if not left:
                    raise
                await self.sleep(min(error.after_seconds, LONGEST_WAIT_SECONDS))
        return None

    def _now(self) -> str:
        return rfc3339(self.clock.now())
