"""Sweeps all customers, a few at once: who fails in passing is read again at the end, and what concerns all ends it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka.errors import KafkaError

from streams import pseudonyms
from streams.kafka.log import LogError
from streams.sweep.customer import TooManyDeletionsError
from streams.sweep.report import Findings, Report
from streams.sweep.resume import Order
from streams.vendor import MisconfiguredError, RefusedError, TryAgainError, VendorError
from streams.vendor.answers import BUSY_CODE, INSTITUTION_LIMIT_CODE

log = logging.getLogger(__name__)

ROUNDS = 3
"""How often all that are read at once may be without an answer, one after the other, before the sweep ends."""
LONGEST_REST_SECONDS = 300.0
MAX_PUT_OFF = 10_000
"""Customers that a run reads again at its end; further ones are left for the run that goes on."""
_OWN_CODES = frozenset({BUSY_CODE, INSTITUTION_LIMIT_CODE})
"""Vendor codes that ask to wait with one account or institution only (domain 3.4)."""
_FIRST_ERROR = 400


class Step(Protocol):
    """Sweeps a customer: see `CustomerSweep.sweep`."""

    async def __call__(self, customer_id: str) -> Findings:
        """Sweep a customer."""


@dataclass(slots=True)
class Sweep:
    """One run over the customers of `order`, `at_once` at a time.

    Attributes:
        on_step: called after each customer: the place to keep how far it is, and to show it.
        stop_seconds: how long customers under way may take after an end was asked for.
    """

    order: Order
    step: Step
    report: Report
    on_step: Callable[[], None] = lambda: None
    at_once: int = 8
    stop_seconds: float = 10.0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _rested: asyncio.Event = field(default_factory=asyncio.Event)
    _resting: int = 0
    _in_a_row: int = 0
    _waits_in_a_row: int = 0

    def stop(self, why: str) -> None:
        """Take no more customers; the first reason is told."""
        self.report.stopped = self.report.stopped or why
        self._stopping.set()

    async def run(self) -> None:
        """Sweep until all were read or `stop` was called; then customers under way have `stop_seconds`."""
        self._rested.set()
        workers = [asyncio.create_task(self._work(), name=f"sweep-{number}") for number in range(self.at_once)]
        ender = asyncio.create_task(self._end(workers), name="sweep-end")
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in (*workers, ender):
                task.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
        _raise_first(ended)

    async def _end(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Give customers under way their time, once an end is asked for."""
        await self._stopping.wait()
        await asyncio.wait(workers, timeout=self.stop_seconds)
        for worker in workers:
            worker.cancel()

    async def _work(self) -> None:
        while not self._stopping.is_set() and (customer_id := self.order.take()) is not None:
            await self._one(customer_id)
            self.on_step()
            if self._resting:
                await self._until_rested()

    async def _one(self, customer_id: str) -> None:
        try:
            findings = await self._stepped(customer_id)
        except (RefusedError, MisconfiguredError) as error:
            self._refused(customer_id, error)
        except TooManyDeletionsError:
            self.stop(
                f"customer {customer_id}: more accounts are missing at the vendor than --max-deletions lets be told: "
                "is this the right account at the vendor? Look with --dry-run, then allow more"
            )
        except (LogError, KafkaError, OSError, TimeoutError) as error:
            self.stop(f"Kafka: {error}")
        except TryAgainError as error:
            await self._try_later(customer_id, error)
        except VendorError as error:
            self._fail(customer_id, error)
        else:
            if findings is None:
                self.order.leave(customer_id)
                return
            self._in_a_row = 0
            self.report.read(customer_id, findings)
            self.order.done(customer_id)

    async def _stepped(self, customer_id: str) -> Findings | None:
        """Sweep a customer; at the end of the run an institution is waited for, and None says that this was cut off."""
        try:
            return await self.step(customer_id)
        except TryAgainError as error:
            if error.code != INSTITUTION_LIMIT_CODE or not self._may_wait(customer_id):
                raise
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(error.after_seconds, LONGEST_REST_SECONDS))
        if self._stopping.is_set():
            return None
        self._waits_in_a_row += 1
        findings = await self.step(customer_id)
        self._waits_in_a_row = 0
        return findings

    def _may_wait(self, customer_id: str) -> bool:
        """Whether a customer may wait for an institution: at the end, and not after rounds of waiting in vain."""
        return self.order.is_second(customer_id) and self._waits_in_a_row < ROUNDS * self.at_once

    def _refused(self, customer_id: str, error: RefusedError | MisconfiguredError) -> None:
        """Go on where one customer is forbidden; rounds of them in a row concern all, as any other refusal does."""
        if isinstance(error, MisconfiguredError) and error.is_of_one:
            self._fail(customer_id, error)
            self._in_a_row += 1
            if self._in_a_row < ROUNDS * self.at_once:
                return
        self.stop(f"{error}; `txpush vendor show` tells more")

    async def _try_later(self, customer_id: str, error: TryAgainError) -> None:
        if self.order.is_second(customer_id) or self.order.put_off() >= MAX_PUT_OFF:
            self._fail(customer_id, error)
        else:
            level = logging.DEBUG if _was_not_asked(error) else logging.WARNING
            log.log(level, "customer %s is read again at the end: %s", pseudonyms.customer(customer_id), error)
            self.order.put_to_the_end(customer_id)
        if not _concerns_all(error):
            return
        self._in_a_row += 1
        if self._in_a_row >= ROUNDS * self.at_once:
            self.stop(f"the vendor has no answer for {self._in_a_row} customers in a row: {error}")
        elif self.order:
            await self._rest(min(error.after_seconds, LONGEST_REST_SECONDS))

    def _fail(self, customer_id: str, error: VendorError) -> None:
        log.warning("customer %s cannot be read: %s", pseudonyms.customer(customer_id), error)
        self.report.failed[customer_id] = str(error)
        self.order.leave(customer_id)

    async def _rest(self, seconds: float) -> None:
        """Have nobody ask the vendor for so long; an end that is asked for ends it."""
        self._resting += 1
        self._rested.clear()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)
        finally:
            self._resting -= 1
            if not self._resting:
                self._rested.set()

    async def _until_rested(self) -> None:
        """Wait while somebody rests; a rest has its own end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rested.wait(), 2 * LONGEST_REST_SECONDS)


def _concerns_all(error: TryAgainError) -> bool:
    """Whether other customers would fare the same now: no word of this one, and no answer that cannot be read."""
    is_answer = error.status is not None and error.status < _FIRST_ERROR
    return not is_answer and error.code not in _OWN_CODES


def _was_not_asked(error: TryAgainError) -> bool:
    """Whether the vendor was left alone, as it asked to be about an institution: that was told of when it asked."""
    return error.code == INSTITUTION_LIMIT_CODE and error.status is None


def _raise_first(ended: Sequence[object]) -> None:
    """Raise what a worker met that nobody expected."""
    for one in ended:
        if isinstance(one, Exception):
            raise one
