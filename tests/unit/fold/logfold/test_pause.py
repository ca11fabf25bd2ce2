"""The pause that too large a share of dead letters brings."""

import pytest

from schemas.events import OverrideAction
from schemas.policy import DeadLetter, Policy
from streams.agent import turn, wide
from streams.domain import Decision
from streams.fold.effects import ShareTooLarge
from streams.fold.share import MINIMUM
from tests.unit.fold.build import (
    CUSTOMERS,
    DAY,
    HOUR,
    PARTITION,
    START,
    LogRecord,
    World,
    activated,
    deleted,
    ids_of,
    looked,
    overridden,
    record,
    tick,
)
from tests.unit.fold.logfold.build import dead, failing_at_ticks_of, unreadable

FIX = "remediation.connect-fix"
ONE, *_ = CUSTOMERS


def failing(*_: object) -> Decision:
    """Stand for a decision that a bad release cannot make."""
    raise ZeroDivisionError


def flood(good: int, bad: int) -> list[LogRecord]:
    """Give records of which some cannot be read."""
    return [record(n, looked(ONE, 185, START)) for n in range(good)] + [unreadable(good + n) for n in range(bad)]


def test_too_many_dead_letters_pause_the_partition(agent: World) -> None:
    """Above the policy's share nothing of the poll is kept, and the message says what to do."""
    before = agent.state()
    with pytest.raises(ShareTooLarge, match=r"21% .* above the policy's 20%.*`txpush override resume`"):
        agent.poll(flood(79, 21))
    assert agent.out == {}
    assert agent.state() == before


def test_a_share_at_the_limit_goes_on(agent: World) -> None:
    """The limit is inclusive."""
    agent.poll(flood(80, 20))
    assert len(dead(agent)) == 20


def test_few_records_do_not_pause(agent: World) -> None:
    """A handful of records that are all bad is no share yet."""
    agent.poll(flood(0, MINIMUM - 1))
    assert len(dead(agent)) == MINIMUM - 1


def test_the_share_counts_over_polls(agent: World) -> None:
    """Dead letters that come one by one pause the partition as well."""
    agent.poll(flood(80, 20))
    with pytest.raises(ShareTooLarge):
        agent.poll([unreadable(100)])
    assert len(dead(agent)) == 20


def test_the_share_outlasts_a_restart(agent: World) -> None:
    """A worker that starts again remembers what it set aside: a restart is no way around the pause."""
    agent.poll(flood(80, 20))
    agent.restart()
    with pytest.raises(ShareTooLarge):
        agent.poll([unreadable(100)])


def test_good_records_pass_after_many_bad_ones(agent: World) -> None:
    """A poll without any dead letter is never refused: it makes the share smaller."""
    agent.poll(flood(0, MINIMUM - 1))
    agent.poll([record(MINIMUM + n, looked(ONE, 185, START)) for n in range(2)])
    assert agent.sent(FIX) != []


def test_timers_that_fail_are_counted(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick whose customers all fail is as many dead letters: a bad release must not use up every timer."""
    customers = ids_of(PARTITION, 40)
    agent.hear(*(looked(one, 0, START) for one in customers), *(deleted(one, START) for one in customers))
    before = agent.state()
    monkeypatch.setattr(turn, "decide", failing)
    with pytest.raises(ShareTooLarge, match="33% of the latest"):
        agent.hear(tick(START + 31 * DAY))
    assert agent.state() == before
    assert dead(agent) == []


def test_reviews_that_fail_are_counted(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event about the whole partition at which many customers fail is as many dead letters."""
    agent.hear(overridden(OverrideAction.SILENCE, START, all=True))
    agent.hear(*(looked(one, 185, START) for one in ids_of(PARTITION, 90)))
    monkeypatch.setattr(wide, "review", failing)
    with pytest.raises(ShareTooLarge, match="50% of the latest"):
        agent.hear(overridden(OverrideAction.SILENCE, START + HOUR, all=True, until=START))


def test_a_record_counts_once_at_least(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick at which one of many fails is one dead letter, one at which nobody does a good record."""
    customers = ids_of(PARTITION, 40)
    agent.hear(*(looked(one, 0, START) for one in customers), *(deleted(one, START) for one in customers))
    monkeypatch.setattr(turn, "decide", failing_at_ticks_of(ONE))
    agent.hear(tick(START + 31 * DAY))
    agent.hear(tick(START + 32 * DAY))
    control = agent.fold.tables[-1].partition(PARTITION)[str(PARTITION)]
    assert (control.looked_at, control.dead_ago) == (82, (1,))


def test_the_limit_is_policy(agent: World) -> None:
    """An activation may raise the limit, for its own poll already."""
    generous = Policy(dead_letter=DeadLetter(max_share=0.5))
    agent.hear(activated(START, generous))
    agent.poll(flood(60, 50))
    assert len(dead(agent)) == 50
