"""Announcements of incidents are looked for among the decisions in front of those that were read, to a limit."""

import orjson
import pytest

from schemas.times import from_epoch_ms, rfc3339
from streams.audit.faults import Kind
from streams.audit.messages import earlier
from streams.audit.messages.earlier import AFTER_MS, Unnamed, looked_for
from streams.audit.messages.incidents import Announced
from streams.history import Place
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
