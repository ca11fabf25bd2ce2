"""What a poll has counted, as Prometheus shows it."""

from prometheus_client import CollectorRegistry

from schemas.events import EventType
from schemas.signals import SignalType
from streams.fold.ledger import Tally
from streams.observe.metrics import Instruments
from streams.worker.prometheus import PrometheusMetrics
from tests.unit.fold.build import Fixed


def test_event_types_of_others_make_few_series() -> None:
    """Known types have a series each; whatever else is sent shares one, so that nobody can fill the memory."""
    registry = CollectorRegistry()
    tally = Tally()
    for event_type in ("connect.done", "connect.x1", "made.up.1", "made.up.2", EventType.CLOCK_TICK, SignalType.LEFT):
        tally.count("event", event_type, "seen")
    PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None).counted(tally)
    found = {
        sample.labels["type"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "txpush_agent_events_total"
    }
    assert found == {"connect": 2.0, "other": 2.0, "clock.tick": 1.0, "institution.login.left": 1.0}
