"""Many timers of the institution agent, and timers that fail: the work of a tick is bounded, and nobody is held up."""

import logging
from datetime import datetime

import pytest

from schemas.events import Source
from schemas.signals import SignalType
from schemas.times import rfc3339
from streams.domain.institutions import Timed, due
from streams.domain.rules import Rules
from streams.fold import PartitionPaused
from streams.institutions import timers
from streams.kafka.topics import DEAD_LETTER, SIGNALS
from streams.observe.parts.deciding import AGENT_TIMERS_FAILED
from tests.unit.fold.build import (
    BANKS,
    DAY,
    HOUR,
    INSTITUTION_TABLES,
    PARTITION,
    START,
    World,
    ids_of,
    institution_world,
    record,
    signal,
    tick,
)

TICKETS = "remediation.support-ticket"
BANK, OTHER = BANKS
KEY = f"{BANK}/148"
BY = START + 7 * DAY + HOUR
"""A tick by which quiet tickets are complete."""


@pytest.fixture
def world() -> World:
    return institution_world()


def quiet_ticket(world: World, *banks: str) -> None:
    """Open a ticket at each institution, and have its login leave."""
    for bank in banks:
        world.hear(*(signal(kind, "1", START, bank) for kind in (SignalType.FAILING, SignalType.LEFT)))


def completed(world: World) -> list[str]:
    """Give the institutions whose tickets are complete, in order."""
    return [one["institution_id"] for one in world.sent(TICKETS) if one["action"] == "complete"]


def fail_due(monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> None:
    """Make it impossible to tell when the ticket at a key is due."""

    def failing(timed: Timed, rules: Rules) -> datetime | None:
        if timed is INSTITUTION_TABLES.tickets.partition(PARTITION).get(key):
            raise ZeroDivisionError
        return due(timed, rules)

    monkeypatch.setattr(timers, "due", failing)


def letters(world: World) -> list[str]:
    """Give what the dead letters say."""
    return [one["detail"] for one in world.sent(DEAD_LETTER)]


def test_a_tick_looks_at_each_timer_a_few_times(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has fired has its timer looked at anew, and nobody else: the work goes by the timers, not by their square."""
    banks, looks = ids_of(PARTITION, 200), 0

    def counted(timed: Timed, rules: Rules) -> datetime | None:
        nonlocal looks
        looks += 1
        return due(timed, rules)

    quiet_ticket(world, *banks)
    monkeypatch.setattr(timers, "due", counted)
    world.hear(tick(BY, Source.INSTITUTIONS))
    assert sorted(completed(world)) == sorted(banks)
    assert looks <= 5 * len(banks)


def test_a_tick_changes_so_many_records_at_most(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is due still, so that the next tick comes at once, and goes on where this one stopped.

    Of each institution a ticket and its login go, and its window.
    """
    monkeypatch.setattr("streams.institutions.turn.CHANGED_AT_ONCE", 6)
    banks = sorted(ids_of(PARTITION, 4))
    quiet_ticket(world, *banks)
    due_at = world.fold.next_due(PARTITION)
    world.hear(tick(BY, Source.INSTITUTIONS))
    assert completed(world) == banks[:2]
    assert world.fold.next_due(PARTITION) == due_at
    world.hear(tick(BY + HOUR, Source.INSTITUTIONS))
    assert completed(world) == banks
    times = {dict(one.headers)["ce_time"] for one in world.out[TICKETS, PARTITION][-4:]}
    assert times == {rfc3339(START + 7 * DAY).encode()}


def test_what_is_left_over_fires_alike_in_any_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ticks of one poll come to the same as two polls, in bytes."""
    monkeypatch.setattr("streams.institutions.turn.CHANGED_AT_ONCE", 6)
    banks, said = ids_of(PARTITION, 5), []
    ticks = [tick(BY + n * HOUR, Source.INSTITUTIONS) for n in range(2)]
    for polls in ([ticks], [[one] for one in ticks]):
        one = institution_world()
        quiet_ticket(one, *banks)
        for events in polls:
            one.hear(*events)
        assert len(completed(one)) == 4
        said.append((one.said(), one.state(), one.fold.next_due(PARTITION)))
    assert said[0] == said[1]


def test_whose_due_time_cannot_be_told_ends_no_worker(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A partition opens without that timer and with all others, and the worker's log says so once."""
    quiet_ticket(world, BANK, OTHER)
    world.restart()
    fail_due(monkeypatch)
    with caplog.at_level(logging.ERROR):
        world.restart()
        assert world.fold.next_due(PARTITION) == START + 7 * DAY
    assert [one.getMessage() for one in caplog.records] == [f"a timer of {SIGNALS}/{PARTITION} could not be told"]
    world.hear(tick(BY, Source.INSTITUTIONS))
    assert (completed(world), letters(world)) == ([OTHER], [])


@pytest.mark.parametrize("how", ["opened", "ticked", "committed"])
def test_state_that_cannot_be_read_pauses(world: World, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A later release has worked here: that is no failure of one institution, and nothing may be set aside for it."""
    quiet_ticket(world, BANK)

    def refused(_timed: Timed, _rules: Rules) -> datetime | None:
        raise PartitionPaused("a later release has worked here")

    monkeypatch.setattr(timers, "due", refused)
    world.restart()
    events = {
        "opened": [],
        "ticked": [signal(SignalType.HEALTHY, "1", START, OTHER), tick(BY, Source.INSTITUTIONS)],
        "committed": [signal(SignalType.FAILING, "1", START, OTHER)],
    }
    with pytest.raises(PartitionPaused):
        world.hear(*events[how]) if events[how] else world.fold.next_due(PARTITION)


def test_a_due_time_that_fails_at_a_tick(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for its institution's next own signal, and the timers of others fire; it is counted, and no record."""
    quiet_ticket(world, BANK, OTHER)
    assert world.fold.prepare(PARTITION)
    fail_due(monkeypatch)
    world.tallies.clear()
    for at in (BY, BY + HOUR):
        world.hear(tick(at, Source.INSTITUTIONS))
    assert (completed(world), letters(world)) == ([OTHER], [])
    assert sum(one.counts[AGENT_TIMERS_FAILED,] for one in world.tallies) == 1


@pytest.mark.parametrize("polls", [(4,), (1, 3), (2, 2), (3, 1), (1, 1, 1, 1)])
def test_a_timer_that_failed_comes_again_with_the_next_own_signal(
    world: World, monkeypatch: pytest.MonkeyPatch, polls: tuple[int, ...]
) -> None:
    """Whatever the cut into polls: it fails at the first tick, not at the second, and at the one behind the signal."""
    quiet_ticket(world, BANK)
    monkeypatch.setattr("streams.institutions.turn.fire", lambda *_: 1 / 0)
    own = signal(SignalType.HEALTHY, "1", START, BANK)
    events = [
        record(n, one)
        for n, one in enumerate(
            (
                tick(BY, Source.INSTITUTIONS),
                tick(BY + HOUR, Source.INSTITUTIONS),
                own,
                tick(BY + 2 * HOUR, Source.INSTITUTIONS),
            ),
            world.seen,
        )
    ]
    for size in polls:
        world.poll(events[:size])
        del events[:size]
    assert len(letters(world)) == 2


def test_a_due_time_that_fails_at_a_signal_leaves_the_signal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of the institution is decided on all the same."""
    quiet_ticket(world, BANK)
    fail_due(monkeypatch)
    world.hear(signal(SignalType.FAILING, "2", START + HOUR, BANK, 147))
    assert letters(world) == []
    assert [(one["codes"], one["action"]) for one in world.sent(TICKETS)][-1] == ([147], "issue")


def test_a_signal_does_not_go_before_a_ticket_that_is_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much has changed by then: a login that comes back has a ticket of its own, the old one is complete."""
    monkeypatch.setattr("streams.institutions.turn.CHANGED_AT_ONCE", 1)
    for code in (904, 906):
        world.hear(*(signal(kind, "1", START, BANK, code) for kind in (SignalType.FAILING, SignalType.LEFT)))
    world.hear(signal(SignalType.FAILING, "2", BY, BANK, 906))
    told = [(one["codes"], one["action"]) for one in world.sent(TICKETS)]
    assert told[2:] == [([904], "complete"), ([906], "complete"), ([906], "issue")]


def test_at_the_very_time_it_goes_first(world: World) -> None:
    """A ticket that a login comes back to just then is not complete."""
    quiet_ticket(world, BANK)
    world.hear(signal(SignalType.FAILING, "2", START + 7 * DAY, BANK))
    assert "complete" not in [one["action"] for one in world.sent(TICKETS)]


def test_nor_before_one_that_a_tick_has_left_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it be of an earlier time: the institution's own goes on with that of the tick."""
    monkeypatch.setattr("streams.institutions.turn.CHANGED_AT_ONCE", 1)
    banks = sorted(ids_of(PARTITION, 2))
    quiet_ticket(world, *banks)
    world.hear(tick(BY, Source.INSTITUTIONS))
    assert completed(world) == banks[:1]
    world.hear(signal(SignalType.FAILING, "2", START + 7 * DAY - HOUR, banks[1]))
    told = [one["action"] for one in world.sent(TICKETS) if one["institution_id"] == banks[1]]
    assert told == ["issue", "complete", "issue"]
