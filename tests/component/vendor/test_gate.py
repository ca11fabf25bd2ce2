"""The gate before the credentials, in memory: its contract, its records, and a log that is away."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from streams.kafka.view import RecordRefusedError, ViewRecord
from streams.vendor import MemoryGate, RefusedError, TryAgainError
from streams.vendor.gate import ClaimGate, MemoryLog, Outcome, pair_of
from streams.vendor.gate.claims import AuthRecord
from streams.vendor.gate.gate import LEASE_SECONDS
from streams.vendor.gate.kafka import _heard as heard_on_topic
from streams.vendor.gate.standing import Entry, Standing, State
from tests.component.vendor.gates import CONTRACT, PAIR, Later, NewGate, opened, tried

LEASE_MS = int(LEASE_SECONDS * 1000)
Scenario = Callable[[NewGate, Later, pytest.MonkeyPatch], Coroutine[Any, Any, None]]


@pytest.mark.parametrize("scenario", CONTRACT, ids=lambda one: one.__name__)
async def test_contract(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate over memory holds what every gate holds."""
    log = MemoryLog()
    await scenario(lambda name: MemoryGate(log, name), Later(monkeypatch), monkeypatch)


def test_a_record_that_cannot_be_heard_is_not_passed_by() -> None:
    """It may be a refusal: without it the credentials could be tried once too often."""

    def hear(_key: str, _value: bytes | None, _at_ms: int) -> None:
        raise KeyError("canary")

    with pytest.raises(RecordRefusedError, match=r"vendor\.auth/0/7: KeyError") as told:
        heard_on_topic(hear, ViewRecord("vendor.auth", 0, 7, PAIR.encode(), b"{}", 0))
    assert "canary" not in str(told.value)


# -- the name of a pair


def test_a_pair_is_named_without_being_told() -> None:
    """The name is the same for the same credentials and another for any that differ; nothing of them is in it."""
    one = ("https://api.example.com", SecretStr("canary-key"), "2445", SecretStr("canary-secret"))
    others = [
        ("https://sandbox.example.com", *one[1:]),
        (one[0], SecretStr("canary-kez"), *one[2:]),
        (*one[:2], "2446", one[3]),
        (*one[:3], SecretStr("canary-secreu")),
    ]
    names = [pair_of(*credentials) for credentials in (one, *others)]
    assert len({*names, pair_of(*one)}) == 5
    assert {len(bytes.fromhex(name)) for name in names} == {16}


# -- the records


async def test_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who claimed and what came of it is kept; a settled claim is deleted, an open one stays."""
    log, later = MemoryLog(), Later(monkeypatch)
    async with opened(lambda name: MemoryGate(log, name), "executor-0") as (gate,):
        claim = await gate.claim(PAIR)
        await gate.settle(claim, Outcome.ACCEPTED)
        later.by(1)
        await tried(gate, Outcome.WITHDRAWN)
        await tried(gate, Outcome.REFUSED)
    told = [(key.partition("/")[2], value and orjson.loads(value)["state"]) for (key, value), _ in log.records]
    assert [state for _, state in told] == ["claimed", "accepted", None, "claimed", None, "claimed", "refused", None]
    assert told[2][0] == told[0][0] == claim.id
    first = log.records[0][0].value
    assert first is not None
    assert orjson.loads(first) == {"version": 1, "state": "claimed", "who": "executor-0"}


def compacted(log: MemoryLog) -> MemoryLog:
    """Give what compaction leaves: the last record of each key, in order, and no deletions."""
    last = {record.key: number for number, (record, _) in enumerate(log.records)}
    left = MemoryLog()
    left.records = [log.records[number] for number in sorted(last.values()) if log.records[number][0].value is not None]
    return left


@pytest.mark.parametrize(
    ("outcomes", "is_open"),
    [
        ([Outcome.REFUSED], False),
        ([Outcome.ACCEPTED, Outcome.REFUSED], False),
        ([Outcome.UNANSWERED, Outcome.UNANSWERED], False),
        ([Outcome.UNANSWERED, Outcome.WITHDRAWN], True),
        ([Outcome.UNANSWERED, Outcome.ACCEPTED, Outcome.UNANSWERED], True),
    ],
)
async def test_compaction_changes_nothing(outcomes: list[Outcome], *, is_open: bool) -> None:
    """What is left of the log says the same as all of it."""
    log = MemoryLog()
    async with opened(lambda name: MemoryGate(log, name), "a") as (gate,):
        for outcome in outcomes:
            await tried(gate, outcome)
    for what in (log, compacted(log)):
        async with opened(lambda name, what=what: MemoryGate(what, name), "b") as (gate,):  # type: ignore[misc]
            assert (gate.closed(PAIR) is None) is is_open


async def test_a_reset_outlives_compaction() -> None:
    """The pair stays open, whatever the broker keeps."""
    log = MemoryLog()
    async with opened(lambda name: MemoryGate(log, name), "a") as (gate,):
        await tried(gate, Outcome.REFUSED)
        await gate.reset(PAIR, "ann", "because")
    async with opened(lambda name: MemoryGate(compacted(log), name), "b") as (gate,):
        assert gate.closed(PAIR) is None


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"state":"other","who":"x"}', b'{"version":2,"who":"x"}'])
async def test_a_record_of_another_release(value: bytes) -> None:
    """What cannot be read is left alone, and stops nobody."""
    log = MemoryLog()
    await log.write([AuthRecord(f"{PAIR}/x", value), AuthRecord("no slash", value)])
    async with opened(lambda name: MemoryGate(log, name), "a") as (gate,):
        await tried(gate, Outcome.ACCEPTED)


@pytest.mark.parametrize("at_ms", [2**63 - 1, -(2**63), 10**15])
async def test_a_record_of_no_time(at_ms: int) -> None:
    """A broker takes any number for a time: what was refused then stays refused, and the records after it are heard."""
    log = MemoryLog()
    refused = AuthRecord(f"{PAIR}/refused", b'{"state":"refused","who":"x"}')
    claims = [AuthRecord(f"{PAIR}/{name}", b'{"state":"claimed","who":"x"}') for name in ("one", "two")]
    log.records = [(one, at_ms) for one in (refused, *claims)]
    async with opened(lambda name: MemoryGate(log, name), "a") as (gate,):
        assert "the vendor refused the credentials" in (gate.closed(PAIR) or "")


def test_attempts_of_no_time_are_told() -> None:
    """The same where the time says when the next attempt may be made."""
    standing = Standing()
    standing.hear("accepted", Entry(state=State.ACCEPTED, who="x"), 0)
    for name in ("one", "two"):
        standing.hear(name, Entry(state=State.UNANSWERED, who="x"), 2**63 - 1)
    assert "have no known end" in (standing.closed(1000) or "")


# -- the fold


def claimed(who: str = "a") -> Entry:
    return Entry(state=State.CLAIMED, who=who)


def test_the_first_claim_of_the_log_wins() -> None:
    """A second claim within the lease is void, one after it is not."""
    standing = Standing()
    standing.hear("one", claimed(), 1000)
    standing.hear("two", claimed(), 1001)
    standing.hear("three", claimed(), 1000 + LEASE_MS)
    assert [standing.holds(name) for name in ("one", "two", "three")] == [True, False, True]
    assert standing.busy_ms(1000 + LEASE_MS) == LEASE_MS


def test_success_does_not_free_who_tries() -> None:
    """Where a second process tries after a lease, the first one's success takes nothing from it."""
    standing = Standing()
    standing.hear("one", claimed(), 0)
    standing.hear("two", claimed(), LEASE_MS)
    standing.hear("accepted", Entry(state=State.ACCEPTED, claim="one", who="a"), LEASE_MS + 1)
    assert (standing.holds("one"), standing.holds("two")) == (False, True)


def test_a_pair_that_worked_has_four_attempts() -> None:
    """Where no answer ever comes: two at once, then after ten minutes, then after two hours, and none in a year."""
    standing = Standing()
    standing.hear("accepted", Entry(state=State.ACCEPTED, who="a"), 0)
    tries = []
    for minute in [*range(1, 24 * 60), 365 * 24 * 60]:
        at_ms = minute * 60_000
        standing.hear(str(minute), claimed(), at_ms)
        if standing.holds(str(minute)):
            tries.append(minute)
            standing.hear(str(minute), Entry(state=State.UNANSWERED, who="a"), at_ms + 1)
    assert tries == [1, 2, 13, 134]  # each rest begins when the attempt has ended
    assert standing.closed(10**12) == "4 attempts with the credentials have no known end, and may have been refused"


def test_a_pair_that_never_worked_forgets_nothing() -> None:
    """Two attempts in all, however long ago: a wrong secret is not tried on and on."""
    standing = Standing()
    for name in ("one", "two"):
        standing.hear(name, Entry(state=State.UNANSWERED, who="a"), 0)
    told = standing.closed(10**12)
    assert told is not None
    assert "2 attempts" in told


def test_a_refusal_is_never_forgotten() -> None:
    """Nor is one of a pair that worked."""
    standing = Standing()
    standing.hear("accepted", Entry(state=State.ACCEPTED, who="a"), 0)
    standing.hear("refused", Entry(state=State.REFUSED, who="a"), 1)
    assert standing.closed(10**12) is not None


def test_a_refusal_after_success_counts() -> None:
    """The latest word holds, in either order."""
    standing = Standing()
    standing.hear("accepted", Entry(state=State.ACCEPTED, who="a"), 1)
    standing.hear("refused", Entry(state=State.REFUSED, who="a", code=10001), 2)
    assert standing.closed(2) == "the vendor refused the credentials, 1970-01-01T00:00:00.002000Z to a"
    standing.hear("accepted", Entry(state=State.ACCEPTED, who="b"), 3)
    assert standing.closed(3) is None
    standing.hear("accepted", None, 4)
    assert standing.accepted is None


def test_a_reset_is_one_record() -> None:
    """An operator's process that dies behind the reset has reset: the deletions after it are only for the broker."""
    standing = Standing()
    standing.hear("one", Entry(state=State.UNANSWERED, who="a"), 1)
    standing.hear("refused", Entry(state=State.REFUSED, who="a"), 2)
    standing.hear("reset", Entry(state=State.RESET, who="ann", why="because"), 3)
    assert (standing.closed(3), standing.claims) == (None, {})


# -- a log that is away


class AwayLog(MemoryLog):
    """Fails as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_to_write = False
        self.fails_to_read = False
        self.gets_in = False

    async def write(self, records: Sequence[AuthRecord]) -> None:
        if not self.fails_to_write or self.gets_in:
            await super().write(records)
        if self.fails_to_write:
            raise OSError("canary")

    async def caught_up(self, seconds: float) -> None:
        if self.fails_to_read:
            raise TimeoutError("canary")
        await super().caught_up(seconds)


@pytest.fixture
def away() -> AwayLog:
    return AwayLog()


async def test_nothing_is_tried_without_the_log(away: AwayLog) -> None:
    """Where nobody knows who else tries, nobody tries; what failed is named by its type alone."""
    async with opened(lambda name: ClaimGate(away, name), "a") as (gate,):
        for failing in ("fails_to_write", "fails_to_read"):
            setattr(away, failing, True)
            with pytest.raises(TryAgainError, match="nothing is tried without it") as told:
                await gate.claim(PAIR)
            assert "canary" not in str(told.value)
            assert told.value.is_of_all
            assert told.value.__cause__ is None
            setattr(away, failing, False)
        await gate.settle(await gate.claim(PAIR), Outcome.ACCEPTED)


async def test_a_claim_that_got_in_unheard_is_taken_back(away: AwayLog) -> None:
    """A claim that failed to be confirmed was not used: it is deleted before the next one, and counts for nothing."""
    async with opened(lambda name: ClaimGate(away, name), "a") as (gate,):
        for _ in range(5):
            away.fails_to_write = away.gets_in = True
            with pytest.raises(TryAgainError):
                await gate.claim(PAIR)
        away.fails_to_write = False
        await tried(gate, Outcome.ACCEPTED)


async def test_a_refusal_is_remembered_without_the_log(away: AwayLog) -> None:
    """A process that cannot write that it was refused does not try again; it is written once that is possible."""
    async with opened(lambda name: ClaimGate(away, name), "a", "b") as (gate, other):
        claim = await gate.claim(PAIR)
        away.fails_to_write = True
        with pytest.raises(TryAgainError):
            await gate.settle(claim, Outcome.REFUSED, 10001)
        with pytest.raises(RefusedError) as told:
            await gate.claim(PAIR)
        assert told.value.code == 10001
        away.fails_to_write = False
        with pytest.raises(RefusedError):
            await gate.claim(PAIR)
        with pytest.raises(RefusedError):
            await other.claim(PAIR)
