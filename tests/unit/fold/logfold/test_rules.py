"""Rules in force of a partition: activated in its log, from the next record on."""

from datetime import timedelta

import pytest

from schemas.events import EventType, PolicyActivated, Source
from schemas.policy import Contact, Policy, State
from schemas.times import rfc3339
from tests.unit.fold.build import (
    CUSTOMERS,
    DAY,
    HOUR,
    MINUTE,
    PARTITION,
    START,
    World,
    activated,
    connected,
    deleted,
    looked,
    tick,
)

FIX, RELINK = "remediation.connect-fix", "remediation.relink"
ONE, TWO, *_ = CUSTOMERS


def test_rules_change_from_the_next_record_on(agent: World) -> None:
    """In one poll the record before an activation is decided by the old rules, the one after it by the new ones."""
    agent.hear(
        looked(ONE, 945, START),
        activated(START + MINUTE, Policy(version="2", fix_integrated=False)),
        looked(TWO, 945, START + HOUR),
    )
    assert [(one["customer_id"], one["policy_version"]) for one in agent.sent(FIX)] == [(ONE, "2026-11-1")]
    assert [(one["customer_id"], one["policy_version"]) for one in agent.sent(RELINK)] == [(TWO, "2")]


def test_rules_in_force_outlast_a_restart(agent: World) -> None:
    """A new owner decides by what the log has activated, not by what it was shipped with."""
    agent.hear(activated(START, Policy(version="2", fix_integrated=False)))
    agent.restart()
    agent.hear(looked(ONE, 945, START + HOUR))
    assert [one["policy_version"] for one in agent.sent(RELINK)] == ["2"]


def test_an_activation_moves_every_timer(agent: World) -> None:
    """A shorter memory is due at once for accounts that were deleted under the longer one."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START))
    assert agent.fold.next_due(PARTITION) == START + 30 * DAY
    agent.hear(activated(START + HOUR, Policy(state=State(forget_days=2))))
    assert agent.fold.next_due(PARTITION) == START + 2 * DAY


def test_an_activation_moves_timers_within_its_poll(agent: World) -> None:
    """A tick in the same poll already fires what the new rules have due."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START))
    agent.hear(activated(START + HOUR, Policy(state=State(forget_days=2))), tick(START + 10 * DAY))
    assert agent.state()["accounts"] == {}


@pytest.mark.parametrize(("ticked", "when"), [(0 * MINUTE, 30 * MINUTE), (HOUR, HOUR)])
def test_an_activation_is_at_the_event_time(agent: World, ticked: timedelta, when: timedelta) -> None:
    """What an activation has due at once is at the time of the latest tick, where that is later than its own."""
    later = START + 2 * DAY
    agent.hear(looked(ONE, 185, START), tick(later + ticked))
    agent.hear(activated(later + 30 * MINUTE, Policy(contact=Contact(reminder_days=(1, 2)))))
    agent.hear(connected(ONE, "started", later + 2 * HOUR))
    assert agent.sent(FIX)[-1]["not_after"] == rfc3339(later + DAY + when)


def test_shipped_rules_are_announced_until_some_are_activated(agent: World) -> None:
    """A partition hears which rules it started under; once it has, nothing more is announced."""
    said = agent.fold.announcement(PARTITION)
    assert said is not None
    assert isinstance(said.data, PolicyActivated)
    assert (said.type, said.source) == (EventType.POLICY_ACTIVATED, Source.AGENT)
    agent.hear(said)
    assert agent.fold.announcement(PARTITION) is None
    agent.restart()
    assert agent.fold.announcement(PARTITION) is None
