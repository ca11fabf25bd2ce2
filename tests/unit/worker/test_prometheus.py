"""What a poll has counted, as Prometheus shows it."""

from prometheus_client import CollectorRegistry

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS
from schemas.events import EventType
from schemas.signals import SignalType
from schemas.times import to_epoch_ms
from streams.fold.effects import Outbox, OutRecord
from streams.fold.ledger import Tally
from streams.kafka.topics import AUDIT
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


def test_the_delay_of_each_command_is_shown() -> None:
    """From its event's time to the commit; of commands alone, and never below 0, whatever clocks say."""
    registry, clock, written = CollectorRegistry(), Fixed(), Outbox()
    now_ms = to_epoch_ms(clock.now())
    for topic, age_ms in ((COMMAND_TOPICS[Kind.CONNECT_FIX], 1500), (COMMAND_TOPICS[Kind.RELINK], -200), (AUDIT, 9000)):
        written.add(topic, 0, OutRecord(b"7", b"{}", (), now_ms - age_ms))
    PrometheusMetrics(Instruments("agent", registry), clock, lambda: None).committed(5, written, 0.1)
    assert registry.get_sample_value("txpush_agent_command_delay_seconds_count") == 2
    assert registry.get_sample_value("txpush_agent_command_delay_seconds_sum") == 1.5
    assert registry.get_sample_value("txpush_agent_records_written_total") == 3


def test_tables_show_their_size() -> None:
    """As it is when somebody looks."""
    registry, accounts = CollectorRegistry(), {"a": 1}
    PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None).watch_tables({"accounts": accounts})
    accounts["b"] = 2
    assert registry.get_sample_value("txpush_agent_table_records", {"table": "accounts"}) == 2
