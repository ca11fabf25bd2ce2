"""Announcements of incidents are looked for among the decisions in front of those that were read, to a limit."""

import orjson
import pytest

from schemas.times import from_epoch_ms, rfc3339
from streams.audit.faults import Kind
from streams.audit.messages import earlier
from streams.audit.messages.earlier import AFTER_MS, Unnamed, looked_for, looked_for_records
from streams.audit.messages.incidents import Announced, Decided
from streams.fold.messages import hash_of
from streams.history import Place, Span
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS
from streams.testing.broker import Record
from tests.unit.audit.tape import Tape, TapeHistory

AT_MS = 1_793_000_000_000
HERE, SHA256 = Place(EVENTS, 0), "a" * 64


def decision(log: str, at_ms: int, *names: str) -> Record:
    """Give a decision that names announcements."""
    said = {
        "topic": log,
        "partition": 0,
        "offset": 1,
        "event_id": "x",
        "event_time": rfc3339(from_epoch_ms(at_ms)),
        "messages": [{"topic": EVENTS, "id": name, "sha256": SHA256} for name in names],
        "dead_letter": None,
        "inputs_sha256": "",
        "previous": "",
    }
    return Record(0, at_ms, None, orjson.dumps(said), ())


def history(*decisions: Record) -> TapeHistory:
    """Give a history of these decisions."""
    return TapeHistory(Tape({Place(AUDIT, 0): [one._replace(offset=at) for at, one in enumerate(decisions)]}))


def announced(name: str, sha256: str = SHA256) -> Unnamed:
    """Give an announcement that none of the decisions that were read names."""
    return Unnamed(name, sha256, HERE, Announced(7, 0, AT_MS, AT_MS))


async def test_the_decision_of_an_announcement_is_found() -> None:
    """As it was decided it is no fault; with another hash it is changed, and without a decision forged."""
    there = history(decision(SIGNALS, AT_MS, "one"))
    asked = [announced("one"), announced("one", "b" * 64), announced("other")]
    faults, unknown = await looked_for(there, asked)
    assert ([one.kind for one in faults], unknown) == ([Kind.CHANGED, Kind.FORGED], 0)
    assert {(one.place, one.offset) for one in faults} == {(HERE, 7)}


async def test_another_agent_may_be_far_ahead() -> None:
    """Decisions on events of weeks later end no search among those on signals; one on signals does."""
    ahead = AT_MS + AFTER_MS + 1
    there = history(decision(EVENTS, ahead), decision(SIGNALS, AT_MS, "one"))
    assert await looked_for(there, [announced("one")]) == ([], 0)
    behind = history(decision(SIGNALS, ahead), decision(SIGNALS, AT_MS, "one"))
    ((fault,), _) = await looked_for(behind, [announced("one")])
    assert fault.kind is Kind.FORGED


@pytest.mark.parametrize("limit", ["MOST", "MOST_READ"])
async def test_what_is_beyond_a_limit_is_counted(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Neither more announcements nor more decisions are looked at, and nobody is accused for it."""
    monkeypatch.setattr(earlier, limit, 1)
    there = history(decision(SIGNALS, AT_MS), decision(SIGNALS, AT_MS, "one", "two"))
    faults, unknown = await looked_for(there, [announced("one"), announced("two")])
    assert (faults, unknown) == ([], 1 if limit == "MOST" else 2)


HOUR_MS = 3_600_000
TOLD = Decided(hash_of(b"{}"), 5, AT_MS)


def log(name: str, at: int, value: bytes = b"{}", begins: int = 0) -> TapeHistory:
    """Give an hourly log of two weeks around the time that has an announcement at an offset; where it begins."""
    records = [Record(offset, AT_MS + (offset - 300) * HOUR_MS, None, b"", ()) for offset in range(336)]
    records[at] = records[at]._replace(value=value, headers=(("ce_id", name.encode()),))
    return TapeHistory(Tape({HERE: list(records)}, {HERE: begins}))


@pytest.mark.parametrize("at", [290, 330])
async def test_an_announcement_outside_of_what_was_heard_is_found(at: int) -> None:
    """In front of it, as the one agent is ahead of the other, or behind, as it goes on meanwhile; or it is changed."""
    heard = Span(310, 320)
    assert await looked_for_records(log("one", at), 0, {"one": TOLD}, heard) == ([], 0)
    ((fault,), _) = await looked_for_records(log("one", at, b"[]"), 0, {"one": TOLD}, heard)
    assert (fault.kind, fault.place, fault.offset) == (Kind.CHANGED, HERE, at)
    ((fault,), _) = await looked_for_records(log("other", at), 0, {"one": TOLD}, heard)
    assert (fault.kind, fault.place, fault.offset) == (Kind.MISSING, HERE, None)


async def test_of_an_announcement_whose_records_are_not_there_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retention has taken those of its time, or there are too many in front of what was heard, or behind it."""
    begins = log("other", 330, begins=200)
    assert await looked_for_records(begins, 0, {"one": TOLD}, Span(310, 336)) == ([], 1)
    monkeypatch.setattr(earlier, "MOST_READ", 15)
    for heard in (Span(310, 336), Span(140, 150)):
        assert await looked_for_records(log("other", 330), 0, {"one": TOLD}, heard) == ([], 1)
