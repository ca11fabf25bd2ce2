"""What records can come to: the list that series are made by from the start, held to what agents count."""

import pytest
from prometheus_client import CollectorRegistry

from schemas.events import EventType
from schemas.signals import SignalType
from streams.domain import Outcome
from streams.domain.institutions.view import Outcome as InstitutionOutcome
from streams.fold.intake import EVENT_SOURCES, SIGNAL_SOURCES, Allowed
from streams.kafka.topics import EVENTS, SIGNALS
from streams.observe.labels import Gathered
from streams.observe.metrics import Instruments
from streams.worker.outcomes import OUTCOMES, pairs
from streams.worker.prometheus import PrometheusMetrics
from tests.unit.fold.build import (
    CUSTOMERS,
    DAY,
    HOUR,
    POLICY,
    START,
    Fixed,
    World,
    activated,
    agent_world,
    institution_world,
    looked,
    signal,
    tick,
)

METRIC = "txpush_agent_events_total"
OF_TIMERS = {InstitutionOutcome.DROPPED, InstitutionOutcome.COMPLETED}
"""What a timer comes to, which is no record's outcome."""


def shown(log: str) -> tuple[PrometheusMetrics, CollectorRegistry]:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None)
    metrics.expect(log)
    return metrics, registry


def counts(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Give the counter's series, by type and outcome."""
    return {
        (sample.labels["type"], sample.labels["outcome"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == METRIC
    }


@pytest.mark.parametrize(("log", "series"), [(EVENTS, 43), (SIGNALS, 24)])
def test_series_are_there_from_the_start_and_few(log: str, series: int) -> None:
    """Each at 0, once; nobody pays for pairs that cannot be."""
    assert counts(shown(log)[1]) == dict.fromkeys(pairs(log), 0.0)
    assert len(list(pairs(log))) == series


@pytest.mark.parametrize(
    ("log", "allowed", "more"), [(EVENTS, EVENT_SOURCES, {*Gathered}), (SIGNALS, SIGNAL_SOURCES, {Gathered.OTHER})]
)
def test_every_type_of_a_log_is_there(log: str, allowed: Allowed, more: set[str]) -> None:
    """Those that an agent takes, Data Connect's as one, and all that it passes over as one."""
    assert OUTCOMES[log].keys() == allowed.keys() | more


def test_every_outcome_is_there() -> None:
    """None of a record that decisions know is left out, so that the first of it is a step."""
    of_fold = {"activated", "overtaken", "resumed"}
    assert {outcome for _, outcome in pairs(EVENTS)} == {*Outcome, "canary"} - {Outcome.REVIEWED} | of_fold
    of_both = {Outcome.TICK, Outcome.UNHANDLED} | of_fold
    assert {outcome for _, outcome in pairs(SIGNALS)} == {*InstitutionOutcome} - OF_TIMERS | of_both


def test_whatever_the_vendor_sends_again_is_expected() -> None:
    """Of each type that it sends, and of what is posted for a customer."""
    again = {kind for kind, outcome in pairs(EVENTS) if outcome == Outcome.DUPLICATE_EVENT}
    assert again == {
        EventType.ACCOUNT_MODIFIED,
        EventType.ACCOUNT_DELETED,
        EventType.ACCOUNT_OBSERVED,
        EventType.ACCOUNT_CHALLENGED,
        EventType.COMMAND_REPORTED,
        EventType.OPERATOR_OVERRIDE,
        Gathered.CONNECT,
    }


def test_a_redelivery_is_a_step() -> None:
    """What an agent counts goes into the series that were there, and makes none."""
    world, fails = agent_world(), looked(CUSTOMERS[0], 185, START)
    world.hear(activated(START, POLICY), fails, fails, looked(CUSTOMERS[0], 0, START + HOUR), tick(START + DAY))
    found = counted(world, EVENTS)
    assert found[EventType.ACCOUNT_MODIFIED, Outcome.DUPLICATE_EVENT] == 1
    assert found[EventType.ACCOUNT_MODIFIED, Outcome.OBSERVED] == 2


def test_signals_make_no_series_either() -> None:
    """The institution agent's are those of its own log."""
    world = institution_world()
    world.hear(signal(SignalType.FAILING, "L1", START), signal(SignalType.LEFT, "L1", START + HOUR))
    assert sum(counted(world, SIGNALS).values()) == 2


def counted(world: World, log: str) -> dict[tuple[str, str], float]:
    """Give what a world's polls came to; none of it has made a series."""
    metrics, registry = shown(log)
    for tally in world.tallies:
        metrics.counted(tally)
    found = counts(registry)
    assert found.keys() == set(pairs(log))
    return found
