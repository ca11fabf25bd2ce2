"""What every gate has to hold, over memory and over Kafka: scenarios for several gates that share one log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import pytest

from streams.clock import WallClock
from streams.vendor import RefusedError, TryAgainError
from streams.vendor.gate import Claim, ClaimGate, Outcome, claims
from streams.vendor.gate.gate import LEASE_SECONDS
from tests.waiting import until

PAIR, OTHER = "0a" * 16, "0b" * 16
NewGate = Callable[[str], ClaimGate]
"""Makes the gate of a process of that name."""


class Later:
    """Moves the wall clock of this process forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._by = timedelta()
        real = WallClock.now
        monkeypatch.setattr(WallClock, "now", lambda clock: self._moved(real(clock)))

    def _moved(self, at: datetime) -> datetime:
        return at + self._by

    def by(self, seconds: float) -> None:
        self._by += timedelta(seconds=seconds)


@asynccontextmanager
async def opened(new: NewGate, *names: str) -> AsyncIterator[list[ClaimGate]]:
    """Enter a gate for each process."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(new(name)) for name in names]


async def tried(gate: ClaimGate, outcome: Outcome, pair: str = PAIR) -> None:
    """Claim and settle."""
    await gate.settle(await gate.claim(pair), outcome)


async def one_at_a_time(new: NewGate, _later: Later, _patch: pytest.MonkeyPatch) -> None:
    """Processes that claim at the same moment get the right one after the other; all get it in the end."""
    holding: list[str] = []
    most = 0

    async def one(gate: ClaimGate) -> Claim:
        nonlocal most
        claim = await gate.claim(PAIR)
        holding.append(claim.id)
        most = max(most, len(holding))
        await asyncio.sleep(0)
        holding.remove(claim.id)
        await gate.settle(claim, Outcome.ACCEPTED)
        return claim

    async with opened(new, "a", "b", "c", "d") as gates:
        given = await asyncio.gather(*(one(gate) for gate in gates))
    assert (len({claim.id for claim in given}), most) == (4, 1)


async def refused_once_is_refused_for_all(new: NewGate, _later: Later, _patch: pytest.MonkeyPatch) -> None:
    """Three executors and a sweep, started at the same moment and 20 times again, try a wrong secret once in all."""
    attempts: list[str] = []

    async def life(name: str) -> None:
        async with opened(new, name) as (gate,):
            with contextlib.suppress(RefusedError):
                claim = await gate.claim(PAIR)
                attempts.append(name)
                await gate.settle(claim, Outcome.REFUSED, 10001)
            with pytest.raises(RefusedError):
                await gate.claim(PAIR)

    for _ in range(20):
        await asyncio.gather(*(life(name) for name in ("executor-0", "executor-1", "executor-2", "sweep")))
    assert len(attempts) == 1


async def two_in_all_when_processes_die(new: NewGate, later: Later, _patch: pytest.MonkeyPatch) -> None:
    """A claim whose process died may have been a refusal: after its lease one more may try, and then nobody."""
    attempts = 0
    for _ in range(5):
        async with opened(new, "executor-0") as (gate,):
            try:
                await gate.claim(PAIR)
                attempts += 1
            except RefusedError as error:
                assert "2 attempts with the credentials have no known end" in str(error)  # noqa: PT017 - the other way is good too
            later.by(LEASE_SECONDS + 1)
    assert attempts == 2


async def held_claims_keep_others_waiting(new: NewGate, _later: Later, patch: pytest.MonkeyPatch) -> None:
    """While another tries, a process waits, and is told for how long when that takes too long."""
    async with opened(new, "a", "b") as (holder, waiter):
        claim = await holder.claim(PAIR)
        patch.setattr(claims, "CLAIM_SECONDS", 0.5)
        with pytest.raises(TryAgainError, match="another process tries") as told:
            await waiter.claim(PAIR)
        assert 5 <= told.value.after_seconds <= LEASE_SECONDS
        assert told.value.is_of_all
        patch.setattr(claims, "CLAIM_SECONDS", 20.0)
        waiting = asyncio.create_task(waiter.claim(PAIR))
        await holder.settle(claim, Outcome.ACCEPTED)
        await waiter.settle(await waiting, Outcome.ACCEPTED)


async def pairs_are_apart(new: NewGate, _later: Later, _patch: pytest.MonkeyPatch) -> None:
    """What is known of one pair says nothing about another."""
    async with opened(new, "a", "b") as (one, other):
        await tried(one, Outcome.REFUSED)
        await tried(other, Outcome.ACCEPTED, OTHER)
        assert (one.closed(PAIR) is None, other.closed(OTHER)) == (False, None)


async def a_pair_that_worked_is_trusted_longer(new: NewGate, later: Later, _patch: pytest.MonkeyPatch) -> None:
    """Credentials that were accepted may be without a known end four times, ever more slowly, never a fifth time."""
    later.by(-40 * 3600)  # a broker takes no record from hours ahead
    doubtful = []
    async with opened(new, "a") as (gate,):
        await tried(gate, Outcome.ACCEPTED)
        for minutes in (0, 10, 120, 24 * 60):
            doubtful.append((await gate.claim(PAIR)).is_doubtful)
            later.by(LEASE_SECONDS + 1)
            if 0 < minutes <= 120:
                with pytest.raises(RefusedError, match=r"attempts.*next is made after.*nothing is tried until then,"):
                    await gate.claim(PAIR)
            later.by(minutes * 60)
        assert doubtful == [False, True, True, True]
        with pytest.raises(RefusedError, match=r"4 attempts.*refused; nothing is tried until the secret changes"):
            await gate.claim(PAIR)


async def success_forgets_the_unknown(new: NewGate, later: Later, _patch: pytest.MonkeyPatch) -> None:
    """Once accepted, what was left open before counts no more; nor does what cannot have been a refusal."""
    async with opened(new, "a") as (gate,):
        for _ in range(3):
            await gate.claim(PAIR)
            later.by(LEASE_SECONDS + 1)
            await tried(gate, Outcome.ACCEPTED)
            await tried(gate, Outcome.WITHDRAWN)
        assert gate.closed(PAIR) is None


async def an_answer_that_did_not_come_counts(new: NewGate, _later: Later, _patch: pytest.MonkeyPatch) -> None:
    """An attempt without an answer holds nobody up, and counts: two of them close."""
    async with opened(new, "a", "b") as (one, other):
        await tried(one, Outcome.UNANSWERED)
        await tried(other, Outcome.UNANSWERED)
        with pytest.raises(RefusedError):
            await one.claim(PAIR)


async def an_operator_resets(new: NewGate, later: Later, _patch: pytest.MonkeyPatch) -> None:
    """After a reset a refused pair, or one with attempts left open, may be tried again, by processes that run on."""
    async with opened(new, "executor-0", "operator") as (gate, operator):
        await tried(gate, Outcome.REFUSED)
        for _ in range(2):
            with pytest.raises(RefusedError):
                await gate.claim(PAIR)
            await until(lambda: operator.closed(PAIR) is not None)
            await operator.reset(PAIR, "ann", "the vendor had it wrong")
            await until(lambda: gate.closed(PAIR) is None)
            await tried(gate, Outcome.UNANSWERED)
            await gate.claim(PAIR)
            later.by(LEASE_SECONDS + 1)
        told = operator.pairs()[PAIR].reset
        assert told is not None
        assert (told.entry.who, told.entry.why) == ("ann", "the vendor had it wrong")


CONTRACT = (
    one_at_a_time,
    refused_once_is_refused_for_all,
    two_in_all_when_processes_die,
    held_claims_keep_others_waiting,
    pairs_are_apart,
    a_pair_that_worked_is_trusted_longer,
    success_forgets_the_unknown,
    an_answer_that_did_not_come_counts,
    an_operator_resets,
)
