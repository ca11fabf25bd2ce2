"""What a poll has counted, as Prometheus shows it."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from schemas.catalogue import Catalogue, Kind
from schemas.commands import COMMAND_TOPICS
from schemas.events import EventType
from schemas.policy import Policy
from schemas.signals import SignalType
from schemas.state import ControlState
from schemas.times import to_epoch_ms
from streams.domain import Outcome
from streams.fold.effects import Outbox, OutRecord
from streams.fold.inforce import InForce
from streams.fold.ledger import PollLedger, Tally
from streams.kafka.topics import AUDIT
from streams.observe.metrics import Instruments
from streams.observe.parts.business import AGENT_UNKNOWN_CODES
from streams.worker.notes import Notes
from streams.worker.prometheus import PrometheusMetrics
from tests.unit.fold.build import BANKS, CUSTOMERS, HOUR, START, Fixed, agent_world, looked, record

SHIPPED = InForce.of(Policy.load(), Catalogue.load())


def test_event_types_of_others_make_few_series() -> None:
    """Known types have a series each; whatever else is sent shares one, so that nobody can fill the memory."""
    registry, ledger = CollectorRegistry(), PollLedger("log", "cluster/log", 0, ControlState(), SHIPPED)
    for event_type in ("connect.done", "connect.x1", "made.up.1", "made.up.2", EventType.CLOCK_TICK, SignalType.LEFT):
        ledger.heard(event_type, Outcome.UNHANDLED)
    PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None).counted(ledger.tally)
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


def test_codes_that_nobody_knows_make_few_series() -> None:
    """The first ones have a series each, all others one; how long each took to be seen is told."""
    registry, tally = CollectorRegistry(), Tally()
    for code in range(60):
        tally.count(AGENT_UNKNOWN_CODES, str(code))
    tally.unknown_at.append(Fixed().now() - timedelta(seconds=90))
    PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None).counted(tally)
    name = "txpush_agent_unknown_codes_total"
    assert registry.get_sample_value(name, {"code": "49"}) == 1
    assert registry.get_sample_value(name, {"code": "50"}) is None
    assert registry.get_sample_value(name, {"code": "other"}) == 10
    assert registry.get_sample_value("txpush_agent_unknown_code_delay_seconds_sum") == 90


def test_what_stands_where_is_shown() -> None:
    """Each gauge of the list by all of its labels, as it is when somebody looks, and causes from the start."""
    registry, agent = CollectorRegistry(), agent_world()
    PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None).watch_standing(agent.fold, ["challenge"])
    agent.hear(looked(CUSTOMERS[0], 185, START))
    assert registry.get_sample_value("txpush_agent_accounts", {"phase": "customer_action"}) == 1
    assert registry.get_sample_value("txpush_agent_accounts", {"phase": "healthy"}) == 0
    assert registry.get_sample_value("txpush_agent_cases_waiting") == 0
    assert registry.get_sample_value("txpush_agent_institution_failing_accounts", {"institution": BANKS[0]}) == 1
    assert registry.get_sample_value("txpush_agent_observations_total", {"cause": "challenge"}) == 0


def test_notes_hear_of_lag() -> None:
    """How far behind a poll was, or ahead; that all is read; and that a partition went elsewhere."""
    notes, clock = Notes(SHIPPED, names_policy=False), Fixed()
    metrics = PrometheusMetrics(Instruments("agent", CollectorRegistry()), clock, lambda: None, notes)
    metrics.opened(0, 0.1, 7)
    late, early = (record(0, looked(CUSTOMERS[0], 0, clock.now() + shift)) for shift in (-HOUR, HOUR))
    metrics.lag(0, 5, [late])
    assert notes.lines()[0].startswith("partition 0 is behind by 5 records and 3,600 s")
    metrics.lag(0, 9, [])
    assert "5 records" in notes.lines()[0]
    metrics.lag(0, 0, [])
    assert notes.lines() == []
    metrics.lag(0, 5, [early])
    assert notes.lines()[0].startswith("records come 3,600 s from the future")
    metrics.closed(0)
    assert notes.lines() == []


def test_a_partition_that_has_decided_on_nothing_shows() -> None:
    """From its opening on, at 0, with the lag beside it; the first record moves it, and another owner has none here."""
    registry, clock = CollectorRegistry(), Fixed()
    metrics = PrometheusMetrics(Instruments("agent", registry), clock, lambda: None)
    series = ("txpush_agent_last_event_timestamp_seconds", {"partition": "2"})
    metrics.opened(2, 0.1, 7)
    metrics.lag(2, 5, [])
    assert registry.get_sample_value(*series) == 0
    metrics.lag(2, 4, [record(0, looked(CUSTOMERS[0], 0, clock.now()))])
    assert registry.get_sample_value(*series) == clock.now().timestamp()
    metrics.closed(2)
    assert registry.get_sample_value(*series) is None
    metrics.opened(2, 0.1, 9)
    assert registry.get_sample_value(*series) == 0


def test_tables_show_their_size() -> None:
    """As it is when somebody looks."""
    registry, accounts = CollectorRegistry(), {"a": 1}
    PrometheusMetrics(Instruments("agent", registry), Fixed(), lambda: None).watch_tables({"accounts": accounts})
    accounts["b"] = 2
    assert registry.get_sample_value("txpush_agent_table_records", {"table": "accounts"}) == 2
