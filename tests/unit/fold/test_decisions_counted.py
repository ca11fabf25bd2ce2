"""Each decision that changed or emitted something is counted, once it stands, as it is audited."""

from collections import Counter
from itertools import chain

import pytest
from prometheus_client import CollectorRegistry

from schemas.audit import AuditRecord
from schemas.signals import SignalType
from streams.fold.ledger import Tally
from streams.observe.labels import DecisionResult
from streams.observe.metrics import Instruments
from streams.observe.parts.deciding import AGENT_DECISIONS
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
    event,
    institution_world,
    looked,
    signal,
    tick,
)

ONE = CUSTOMERS[0]


def counted(world: World) -> Counter[str]:
    """Give the decisions of all polls by what they came to."""
    found = Counter[str]()
    for (metric, *labels), times in chain.from_iterable(tally.counts.items() for tally in world.tallies):
        if metric is AGENT_DECISIONS:
            found[labels[0]] += times
    return found


def audited(world: World) -> Counter[str]:
    """Give the same, as the audit records have it."""
    records = [AuditRecord.model_validate_json(one.value or b"") for one in world.audits]
    return Counter("dead_letter" if one.dead_letter else "messages" if one.messages else "state" for one in records)


def test_decisions_are_as_many_as_audit_records() -> None:
    """A command, a state that changed, rules, and a dead letter count; a redelivery and an idle tick do not."""
    world = agent_world()
    fails = looked(ONE, 185, START)
    world.hear(activated(START, POLICY), looked(ONE, 0, START - HOUR), fails, fails, looked(ONE, 0, START + HOUR))
    world.hear(tick(START + DAY), event("account.observed", START, looked(ONE, 0, START).data, "another customer"))
    assert counted(world) == audited(world)
    assert set(counted(world)) == set(DecisionResult)
    assert sum(counted(world).values()) < world.seen


def test_those_of_institutions_count_as_well() -> None:
    """The institution agent keeps the same books."""
    world = institution_world()
    world.hear(signal(SignalType.FAILING, "L1", START), signal(SignalType.FAILING, "L2", START + HOUR))
    assert counted(world) == audited(world) != Counter()


@pytest.mark.parametrize("result", DecisionResult)
def test_the_series_are_there_from_the_start(result: DecisionResult) -> None:
    """At 0, so that the first decision is a step."""
    registry = CollectorRegistry()
    shown = PrometheusMetrics(Instruments("agent", registry), Fixed(), changed=lambda: None)
    name, labels = "txpush_agent_decisions_total", {"result": result.value}
    assert registry.get_sample_value(name, labels) == 0.0
    tally = Tally()
    tally.count(AGENT_DECISIONS, result, times=2)
    shown.counted(tally)
    assert registry.get_sample_value(name, labels) == 2.0
