"""The gate over a log of claims and outcomes: claim, read back, and only the first unexpired claim may try."""

import asyncio
import contextlib
import os
import socket
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.kafka.refusals import LOOK_AT_BROKERS
from streams.vendor.errors import RefusedError, TryAgainError
from streams.vendor.gate.gate import LEASE_SECONDS, Claim, Outcome
from streams.vendor.gate.standing import Entry, Standing, State, Told, read_entry

CLAIM_SECONDS = 20.0
STEP_SECONDS = 10.0
AGAIN_SECONDS = 5.0
CLOSE_SECONDS = 2.0


class AuthRecord(NamedTuple):
    """A record of the log; the part of the key before the slash is the pair."""

    key: str
    value: bytes | None


Hear = Callable[[str, bytes | None, int], None]
"""Takes key, value and time in milliseconds of a record, in the order of the log of its pair."""


class AuthLog(Protocol):
    """Where the records are; all records of a pair are read in one order by all."""

    async def start(self, hear: Hear) -> None:
        """Begin to read from the beginning, and return at once."""

    async def stop(self) -> None:
        """End; never raises."""

    async def write(self, records: Sequence[AuthRecord]) -> None:
        """Write records of one pair in order, durably; raises OSError, TimeoutError or a KafkaError, as `caught_up`."""

    async def caught_up(self, seconds: float) -> None:
        """Return once everything has been heard that stood there at the start; at once when that has been."""

    def problems(self) -> list[str]:
        """Say in words why nothing can be read."""


class ClaimGate:
    """A gate over a log; several processes share it by sharing the log.

    Args:
        log: where claims and outcomes stand.
        who: the name of this process in them.
        unavailable: what the log raises when it is away.
    """

    def __init__(
        self, log: AuthLog, who: str | None = None, unavailable: tuple[type[Exception], ...] = (OSError, TimeoutError)
    ) -> None:
        self._log = log
        self._who = who or f"{socket.gethostname()}/{os.getpid()}"
        self._unavailable = unavailable
        self._standings: dict[str, Standing] = {}
        self._owed: dict[str, dict[str, bytes | None]] = {}
        self._heard = asyncio.Event()
        self._awaited: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        """Begin to read the log."""
        await self._log.start(self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is still owed, where that is quickly done, and stop reading."""
        with contextlib.suppress(TimeoutError, TryAgainError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for pair in self._owed:
                    await self._pay(pair)
        await self._log.stop()

    async def claim(self, pair: str) -> Claim:
        """Wait for the right to try; see `Gate`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLAIM_SECONDS):
                return await self._claimed(pair)
        busy = self._busy_seconds(pair)
        after = max(busy, AGAIN_SECONDS)
        raise TryAgainError("another process tries the credentials", after_seconds=after, is_of_all=True)

    async def settle(self, claim: Claim, outcome: Outcome, code: int | None = None) -> None:
        """Write what came of it, and delete the claim where its outcome stands elsewhere; see `Gate`."""
        own = f"{claim.pair}/{claim.id}"
        told = self._told(claim, outcome, code)
        self._owed.setdefault(claim.pair, {}).update(told if own in told else told | {own: None})
        await self._pay(claim.pair)

    def closed(self, pair: str) -> str | None:
        """Say why the pair is not tried any more; see `Gate`."""
        standing = self._standing(pair)
        is_open = standing.refused is None and self._busy_seconds(pair) > 0
        return None if is_open else standing.closed(_now_ms())

    def problems(self) -> list[str]:
        """Say why nothing can be decided now."""
        return self._log.problems()

    def pairs(self) -> dict[str, Standing]:
        """Give what is known of every pair."""
        return self._standings

    async def caught_up(self) -> None:
        """Return once all is read that stood in the log; raises TryAgainError."""
        await self._within_reach(self._log.caught_up(STEP_SECONDS))

    async def reset(self, pair: str, who: str, why: str) -> None:
        """Let a pair be tried again, as an operator decides; raises TryAgainError."""
        entry = Entry(state=State.RESET, who=who, why=why)
        gone = [AuthRecord(f"{pair}/{name}", None) for name in (*self._standing(pair).claims, State.REFUSED)]
        await self._write([_record(f"{pair}/{State.RESET}", entry), *gone])

    async def _claimed(self, pair: str) -> Claim:
        """Claim until a claim is the first; what is not yet read does no harm, as the log decides and not this."""
        while True:
            with contextlib.suppress(TryAgainError):
                await self._pay(pair)
            if self._standing(pair).refused is not None:
                raise self._refusal(pair)
            self._heard.clear()
            await self.caught_up()
            if self.closed(pair):
                raise self._refusal(pair)
            if busy := self._busy_seconds(pair):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(busy):
                        await self._heard.wait()
            elif claim := await self._claim_now(pair):
                return claim

    async def _claim_now(self, pair: str) -> Claim | None:
        """Claim, and read back whether it was the first; one that is not, or not known to be, is owed a deletion."""
        claim = Claim(uuid.uuid4().hex, pair, time.monotonic() + LEASE_SECONDS)
        key, is_first = f"{pair}/{claim.id}", False
        heard = self._awaited[key] = asyncio.Event()
        try:
            await self._write([_record(key, Entry(state=State.CLAIMED, who=self._who))])
            await self._within_reach(heard.wait())
            is_first = self._standing(pair).holds(claim.id)
        finally:
            del self._awaited[key]
            if not is_first:
                self._owed.setdefault(pair, {})[key] = None
        return replace(claim, is_doubtful=len(self._standing(pair).claims) > 1) if is_first else None

    def _told(self, claim: Claim, outcome: Outcome, code: int | None) -> dict[str, bytes | None]:
        """Give the record of an outcome by its key, and remember a refusal, whether it gets written or not."""
        if outcome is Outcome.WITHDRAWN:
            return {}
        entry = Entry(state=State(outcome.value), claim=claim.id, who=self._who, code=code)
        if outcome is Outcome.REFUSED:
            self._standing(claim.pair).refused = Told(_now_ms(), entry)
        name = claim.id if outcome is Outcome.UNANSWERED else entry.state
        return dict([_record(f"{claim.pair}/{name}", entry)])

    async def _pay(self, pair: str) -> None:
        """Write what this process owes the log: outcomes, and deletions of claims that it did not use."""
        if owed := dict(self._owed.get(pair, {})):
            await self._write([AuthRecord(key, value) for key, value in owed.items()])
            for key in owed:
                self._owed[pair].pop(key, None)

    def _refusal(self, pair: str) -> RefusedError:
        standing = self._standing(pair)
        entry = standing.refused
        first = "then, " if entry is None and standing.opens_ms() is not None else ""
        text = f"{self.closed(pair)}; nothing is tried until {first}the secret changes or `txpush vendor reset`"
        return RefusedError(text, code=None if entry is None else entry.entry.code)

    def _hear(self, key: str, value: bytes | None, at_ms: int) -> None:
        pair, _, name = key.partition("/")
        entry = None if value is None else read_entry(value)
        if value is None or entry is not None:
            self._standing(pair).hear(name, entry, at_ms)
        self._heard.set()
        if key in self._awaited:
            self._awaited[key].set()

    def _standing(self, pair: str) -> Standing:
        return self._standings.setdefault(pair, Standing())

    def _busy_seconds(self, pair: str) -> float:
        return self._standing(pair).busy_ms(_now_ms()) / 1000

    async def _write(self, records: Sequence[AuthRecord]) -> None:
        await self._within_reach(self._log.write(records))

    async def _within_reach(self, step: Coroutine[Any, Any, object]) -> None:
        """Wait for a step of the log; what it raises may name addresses, and stays here."""
        why = ""
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await step
        except self._unavailable as error:
            why = type(error).__name__
        if why:
            what = f"what is known about the credentials cannot be read or written: {why}; nothing is tried without it"
            raise TryAgainError(f"{what}: {LOOK_AT_BROKERS}", after_seconds=AGAIN_SECONDS, is_of_all=True)


def _record(key: str, entry: Entry) -> AuthRecord:
    return AuthRecord(key, entry.model_dump_json(exclude_none=True).encode())


def _now_ms() -> int:
    return to_epoch_ms(WallClock().now())
