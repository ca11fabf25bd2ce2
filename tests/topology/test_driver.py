"""The driver as its users see it: time, faults at a chosen place, and what the check finds."""

from datetime import timedelta

import pytest

from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.policy import Policy
from streams.fold.effects import OutRecord
from streams.kafka.topics import AGENT, DEAD_LETTER, EVENTS, changelog
from streams.testing import Fault, FaultBefore, Inconsistent, RandomFaults, Setup, Step, Topology
from streams.testing.clock import VirtualClock
from streams.testing.topology import START

FIX = "remediation.connect-fix"
ACCOUNT = "7000000042/5900000001"
ONCE = [step for step in Step if step not in (Step.FENCE, Step.TELL)]


def observed(topology: Topology, code: int) -> Event:
    """Give an observation of the account, now."""
    data = AccountSnapshot(
        customer_id="7000000042",
        account_id="5900000001",
        institution_id="102105",
        institution_login_id="7100000007",
        aggregation_status_code=code,
        aggregation_attempt_date=topology.now,
    )
    return Event(
        f"{code}@{topology.now}", EventType.ACCOUNT_MODIFIED, Source.BRIDGE, topology.now, data, None, "7000000042"
    )


def said(topology: Topology) -> list[tuple[str, int]]:
    """Give action and sequence of every command to the customer."""
    return [(one["action"], one["sequence"]) for one in topology.commands(FIX)]


def test_a_command_comes_out() -> None:
    """An observation goes in; command, health and signal come out within the call."""
    with Topology() as topology:
        topology.send(observed(topology, 103))
        assert said(topology) == [("issue", 0)]
        health = topology.health(ACCOUNT)
        assert health is not None
        assert (health.code, topology.health("7000000042/other")) == (103, None)
        assert [signal.partition_key for signal in topology.signals()] == ["102105"]


@pytest.mark.parametrize("fault", [Fault.KILL, Fault.PAUSE, Fault.REPLACE])
@pytest.mark.parametrize("step", ONCE)
def test_a_fault_before_any_step_changes_nothing(step: Step, fault: Fault) -> None:
    """Whichever step it is that a worker dies or sleeps before."""
    faults = FaultBefore(fault, step)
    with Topology(partitions=1, workers=2, seed=1, faults=faults) as topology:
        topology.send(observed(topology, 103))
        topology.send(observed(topology, 103))
        topology.advance(days=100)
        assert said(topology)[0] == ("issue", 0)
    assert faults.nth <= 0


def test_a_seed_repeats_its_run() -> None:
    """The same steps, the same deaths."""

    def run() -> tuple[object, ...]:
        topology = Topology(workers=2, seed=5, faults=RandomFaults())
        with topology:
            topology.send(observed(topology, 103))
        return topology.happened, topology.cluster.read(changelog(AGENT, "control"), 0)

    assert run() == run()


def test_a_tick_that_another_worker_read_is_not_waited_for() -> None:
    """A partition that comes back knows of a tick of its own that lies behind it by then: the next one is written."""
    with Topology(partitions=1) as topology:
        topology.send(observed(topology, 103))
        for worker in topology.simulation.workers:
            for partition in worker.owned.values():
                worker.parts.unread[partition.number] = partition.position - 1
        topology.advance(days=2)
        assert [one["action"] for one in topology.commands()] == ["issue", "remind"]


def test_time_stops_at_timers() -> None:
    """A deleted account is forgotten at its day; the clock then stands where it was sent."""
    with Topology(partitions=1) as topology:
        topology.send(observed(topology, 0))
        deleted = AccountSnapshot(customer_id="7000000042", account_id="5900000001")
        event = Event("gone", EventType.ACCOUNT_DELETED, Source.BRIDGE, topology.now, deleted, None, "7000000042")
        topology.send(event)
        due = START + timedelta(days=30)
        topology.advance(days=60)
        ticks = [one for one in topology.read(EVENTS) if ("ce_type", b"clock.tick") in one.headers]
        assert ticks[0].timestamp == int(due.timestamp() * 1000)
        assert topology.now == START + timedelta(days=60)


def test_an_event_of_the_future_takes_the_clock_along() -> None:
    """The broker refuses the future, so the present has to come first."""
    with Topology() as topology:
        later = observed(topology, 103)
        topology.send(
            Event(later.id, later.type, later.source, START + timedelta(days=1), later.data, None, "7000000042")
        )
        assert topology.now == START + timedelta(days=1)


def test_records_together_are_one_poll() -> None:
    """What arrives in the block waits in the log."""
    with Topology(partitions=1) as topology:
        before = topology.happened.steps[Step.FOLD]
        with topology.together():
            topology.send(observed(topology, 103))
            topology.send(observed(topology, 0))
            assert said(topology) == []
        assert topology.happened.steps[Step.FOLD] == before + 2  # one of the agent, one of the institution agent


def test_a_body_that_cannot_be_read_is_a_dead_letter() -> None:
    """As at the bridge."""
    with Topology() as topology:
        topology.notify(b"{")
        assert [letter["reason"] for letter in topology.values(DEAD_LETTER)] == ["unreadable_body"]


def test_rules_can_be_chosen_and_changed() -> None:
    """At the start, and as an operator does later."""
    policy = Policy(version="mine", fix_integrated=False)
    with Topology(policy=policy) as topology:
        topology.send(observed(topology, 948))
        topology.activate(Policy(version="yours"))
        topology.advance(hours=1)
        topology.send(observed(topology, 103))
        versions = {one["policy_version"] for one in topology.commands()}
    assert versions == {"mine", "yours"}


def test_what_does_not_hold_together_is_found() -> None:
    """A message that the fold does not have is told when the block is left."""
    topology = Topology(partitions=1)
    topology.send(observed(topology, 103))
    producer = topology.cluster.producer(f"{AGENT}.{EVENTS}.0")
    producer.begin()
    producer.send(FIX, 0, [OutRecord(b"7000000042", b"{}")])
    producer.commit()
    with pytest.raises(Inconsistent, match="connect-fix"), topology:
        pass


def test_a_simulation_of_ones_own() -> None:
    """The setup takes the place of the other arguments."""
    topology = Topology(setup=Setup(partitions=2, workers=3, seed=9))
    with topology:
        topology.send(observed(topology, 103))
    assert len(topology.simulation.workers) == 6


def test_the_clock_keeps_whole_milliseconds_and_never_goes_back() -> None:
    """A time between two is the later one, so that a timer is due when the clock stops at it."""
    clock = VirtualClock(START)
    clock.move_to(START + timedelta(microseconds=1))
    assert clock.now() == START + timedelta(milliseconds=1)
    clock.move_to(START)
    assert clock.now() == START + timedelta(milliseconds=1)
