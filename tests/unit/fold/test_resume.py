"""How a pause for dead letters ends: an operator's record accepts what comes before it, for every fold alike."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from schemas.events import Event, OverrideAction, Source
from schemas.state import ControlState
from streams.fold.effects import ShareTooLarge
from streams.fold.share import MINIMUM, WINDOW
from streams.kafka.topics import DEAD_LETTER
from tests.unit.fold.build import (
    CUSTOMERS,
    DAY,
    PARTITION,
    START,
    LogRecord,
    World,
    agent_world,
    institution_world,
    looked,
    overridden,
    record,
)

ONE, *_ = CUSTOMERS
BAD = 120


def unreadable(offset: int) -> LogRecord:
    """Give a record that is no event."""
    return replace(record(offset, looked(ONE, 185, START)), headers=())


def resume(offset: int, event: Event | None = None) -> LogRecord:
    """Give an operator's word to go on."""
    return record(offset, event or overridden(OverrideAction.RESUME, START + DAY, all=True))


LOG = [*(unreadable(n) for n in range(BAD)), resume(BAD), record(BAD + 1, looked(ONE, 185, START))]


def in_polls(world: World, records: Sequence[LogRecord], size: int) -> World:
    """Feed a log in polls; a poll that pauses is folded again once the log ahead says that it may be."""
    at = 0
    while at < len(records):
        try:
            world.poll(records[at : at + size])
        except ShareTooLarge:
            assert world.fold.resumed(PARTITION, records[at:])
        else:
            at += size
    return world


def test_what_comes_before_the_word_is_accepted() -> None:
    """The poll that paused is folded as it is: every record in it a dead letter, and the good one behind it decided."""
    agent = agent_world()
    with pytest.raises(ShareTooLarge):
        agent.poll(LOG[:BAD])
    assert not agent.fold.resumed(PARTITION, LOG[:BAD])
    assert agent.fold.resumed(PARTITION, LOG[BAD:])
    agent.poll(LOG[:BAD])
    agent.poll(LOG[BAD:])
    assert len(agent.sent(DEAD_LETTER)) == BAD
    assert [one["action"] for one in agent.sent("remediation.connect-fix")] == ["issue"]


def test_the_share_begins_anew_behind_the_word() -> None:
    """What comes after it is judged again, once there is enough of it."""
    agent = in_polls(agent_world(), LOG, len(LOG))
    control: ControlState = agent.fold.tables[-1].partition(PARTITION)[str(PARTITION)]
    assert (control.looked_at, control.dead_ago) == (2, ())
    more = [unreadable(BAD + 2 + n) for n in range(MINIMUM)]
    with pytest.raises(ShareTooLarge, match="98% of the latest records"):
        agent.poll(more)
    assert not agent.fold.resumed(PARTITION, more)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("bad", [BAD, WINDOW + 50])
def test_a_pause_leaves_no_trace(size: int, bad: int) -> None:
    """Whoever folds the log again, in whatever polls, knowing the word before or not, gets the same bytes of all."""
    log = [*(unreadable(n) for n in range(bad)), resume(bad), record(bad + 1, looked(ONE, 185, START))]
    paused = in_polls(agent_world(), log, size)
    state, out = paused.state(), paused.out
    knowing = agent_world()
    assert knowing.fold.resumed(PARTITION, log)
    knowing.poll(log)
    assert (state, out) == (knowing.state(), knowing.out)


def test_a_restart_finds_the_word_again() -> None:
    """Nothing of it is kept but the log: a worker that takes over in the middle looks ahead itself."""
    agent = agent_world()
    assert agent.fold.resumed(PARTITION, LOG)
    agent.poll(LOG[: BAD - 1])
    agent.restart()
    with pytest.raises(ShareTooLarge):
        agent.poll(LOG[BAD - 1 : BAD])
    assert agent.fold.resumed(PARTITION, LOG[BAD - 1 :])
    agent.poll(LOG[BAD - 1 :])
    assert len(agent.sent(DEAD_LETTER)) == BAD


def test_only_an_operator_may_say_it() -> None:
    """One from another source, about a customer, or of another action ends no pause."""
    agent = agent_world()
    word = overridden(OverrideAction.RESUME, START, all=True)
    others = [
        resume(0, Event(word.id, word.type, Source.BRIDGE, word.time, word.data)),
        resume(1, overridden(OverrideAction.SILENCE, START, all=True)),
        replace(resume(2), value=b'{"action": "resume", "customerId": "7", "who": "a", "why": "b"}'),
        replace(resume(3), headers=[("ce_type", b"operator.override")]),
    ]
    assert not agent.fold.resumed(PARTITION, others)


def test_the_word_is_in_the_chain() -> None:
    """It is a decision: the audit says where the share began anew."""
    agent = agent_world()
    agent.poll([resume(0)])
    (link,) = agent.sent("audit.decisions")
    assert (link["rules"], link["offset"], link["dead_letter"]) == (["R16"], 0, None)


def test_the_institution_agent_resumes_alike() -> None:
    """Its log has the same record, and nothing else of operators but rules."""
    institutions = institution_world()
    in_polls(institutions, LOG[: BAD + 1], 50)
    assert len(institutions.sent(DEAD_LETTER)) == BAD
