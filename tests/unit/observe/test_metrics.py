"""The list of metrics and what is made of it."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from schemas.catalogue import Kind
from schemas.commands import Action
from streams.observe import metrics
from streams.observe.kinds import CounterMetric, GaugeMetric, HistogramMetric, Metric, TopMetric
from streams.observe.metrics import METRICS, Instruments
from streams.observe.parts import business, deciding

PRIVATE_LABELS = {"customer", "customer_id", "account", "account_id", "login", "login_id", "institution_id"}


def test_names_are_unique() -> None:
    """One name, one meaning."""
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names)) > 20


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_conventions(metric: Metric) -> None:
    """Names follow Prometheus: own prefix, base units, `_total` on counters and on nothing else."""
    assert re.fullmatch(r"txpush_[a-z]+_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") is isinstance(metric, CounterMetric)
    assert not re.search(r"_(ms|milliseconds|minutes|hours)(_|$)", metric.name)
    assert not isinstance(metric, HistogramMetric) or metric.name.endswith(f"_{metric.unit}")
    assert metric.meaning.endswith(".")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_label_names_a_person(metric: Metric) -> None:
    """Labels are few and public."""
    assert not {label.name for label in metric.labels} & PRIVATE_LABELS


MADE_LATER = {
    "partition": "partitions come and go",
    "institution": "the vendor chooses them; the largest alone are shown",
    "code": "nobody knows them",
    "table": "made at the start, by the tables that an agent has",
    "cause": "made at the start, by the catalogue in force",
    "type": "made at the start, with the outcomes that a type of the log can have",
    "outcome": "as above",
    "strategy": "each that is there is news: it would fit, and is not set",
}
"""Labels whose series are not there from the start of a process, and why."""


def test_no_label_is_made_later_that_need_not_be() -> None:
    """The list of exceptions has none that is over."""
    assert {label.name for metric in METRICS for label in metric.labels if not label.values} == MADE_LATER.keys()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_series_are_there_from_the_start(metric: Metric) -> None:
    """The values of a label are listed, but for the few above; banks, of which there are many, are shown to a limit."""
    assert {label.name for label in metric.labels if not label.values} <= MADE_LATER.keys()
    assert isinstance(metric, TopMetric) is ("institution" in {label.name for label in metric.labels})
    assert not isinstance(metric, TopMetric) or 0 < metric.limit <= 20


@pytest.mark.parametrize(
    "metric", [metric for metric in METRICS if isinstance(metric, GaugeMetric)], ids=lambda metric: metric.name
)
def test_moments_are_no_ages(metric: Metric) -> None:
    """An age stands still when its process does; a moment goes on to age. Lag is asked for in seconds as well."""
    assert metric.name.endswith("_timestamp_seconds") is (
        metric.unit == "seconds" and metric is not metrics.AGENT_LAG_SECONDS
    )


def families(registry: CollectorRegistry) -> set[str]:
    """Give the names that a scrape shows."""
    return {family.name for family in text_string_to_metric_families(generate_latest(registry).decode())}


def test_a_component_shows_its_own() -> None:
    """The bridge shows no zeros of the agent's."""
    registry = CollectorRegistry()
    Instruments("bridge", registry)
    assert "txpush_bridge_requests" in families(registry)
    assert not {name for name in families(registry) if name.startswith("txpush_agent")}


def test_known_series_exist_from_the_start() -> None:
    """A counter that was never touched is 0, not absent: rates and alerts need the first step."""
    registry = CollectorRegistry()
    Instruments("bridge", registry)
    labels = {"route": "connect", "outcome": "overloaded"}
    assert registry.get_sample_value("txpush_bridge_requests_total", labels) == 0.0
    assert registry.get_sample_value("txpush_bridge_xml_bodies_total") == 0.0
    agent = CollectorRegistry()
    Instruments("agent", agent)
    assert agent.get_sample_value("txpush_agent_signals_total", {"type": "institution.login.failing"}) == 0.0


def test_series_count() -> None:
    """Counters, gauges and histograms are reached by their constants and their label values."""
    registry = CollectorRegistry()
    agent = Instruments("agent", registry)
    agent.counter(deciding.AGENT_COMMANDS, Kind.CONNECT_FIX, Action.ISSUE).inc(2)
    agent.gauge(metrics.AGENT_LAG_MESSAGES, "0").set(5)
    agent.histogram(metrics.AGENT_BATCH).observe(7)
    labels = {"kind": "connect-fix", "action": "issue"}
    assert registry.get_sample_value("txpush_agent_commands_total", labels) == 2.0
    assert registry.get_sample_value("txpush_agent_lag_messages", {"partition": "0"}) == 5.0
    assert registry.get_sample_value("txpush_agent_batch_records_sum") == 7.0


def test_a_series_can_be_forgotten() -> None:
    """The lag of a partition that moved away is nobody's here; forgetting twice does no harm."""
    registry = CollectorRegistry()
    agent = Instruments("agent", registry)
    agent.gauge(metrics.AGENT_LAG_MESSAGES, "0").set(5)
    agent.forget(metrics.AGENT_LAG_MESSAGES, "0")
    agent.forget(metrics.AGENT_LAG_MESSAGES, "0")
    assert registry.get_sample_value("txpush_agent_lag_messages", {"partition": "0"}) is None


def test_a_watched_gauge_is_read_when_scraped() -> None:
    """A gauge may be the present value of something, at no cost in between."""
    registry = CollectorRegistry()
    waiting: list[int] = []
    Instruments("bridge", registry).watch(metrics.BRIDGE_IN_FLIGHT, lambda: len(waiting))
    waiting.append(1)
    assert registry.get_sample_value("txpush_bridge_requests_in_flight") == 1.0


def test_a_metric_of_another_component_is_an_error() -> None:
    """The bridge cannot count for the agent."""
    with pytest.raises(KeyError):
        Instruments("bridge", CollectorRegistry()).counter(metrics.AGENT_TICKS)


def test_every_kind_is_known() -> None:
    """The list holds nothing but the four kinds."""
    kinds = CounterMetric | GaugeMetric | HistogramMetric | TopMetric
    assert all(isinstance(metric, kinds) for metric in METRICS)


def test_the_largest_are_shown() -> None:
    """As they are when somebody looks, of equals the smaller name first: what others name makes few series."""
    registry, values = CollectorRegistry(), {str(number): number // 2 for number in reversed(range(50))}
    Instruments("agent", registry).watch_top(business.AGENT_FAILING_ACCOUNTS, lambda: values)
    values["a"] = 99
    shown = [sample for family in registry.collect() for sample in family.samples if "institution" in sample.labels]
    assert [one.labels["institution"] for one in shown[:4]] == ["a", "48", "49", "46"]
    assert len(shown) == business.AGENT_FAILING_ACCOUNTS.limit
