"""Writes `deploy/prometheus/METRICS.md`: run `python -m streams.observe.document` after a change of a metric."""

from collections.abc import Iterator
from pathlib import Path

from streams.observe.kinds import CounterMetric, HistogramMetric, Label, Metric
from streams.observe.metrics import METRICS
from streams.observe.process import process_registry

PLACE = Path(__file__).parents[2] / "deploy" / "prometheus" / "METRICS.md"
WHO = {
    "bridge": "`txpush bridge`, one process for each of `TXPUSH_BRIDGE_WORKERS`",
    "agent": "`txpush agent` and `txpush institutions`: tell them apart by the job of the scrape",
    "subscribe": "services that read commands by `streams.subscribe`, in a registry of theirs",
    "vendor": "whoever calls the vendor: `txpush executor` and `txpush sweep`",
    "executor": "`txpush executor`",
    "canary": "`txpush canary`",
}
HEAD = """# Metrics

Written from the one typed list, `streams/observe/metrics.py` and its parts, and from what each process shows beside it
(`streams/observe/process.py`), by `python -m streams.observe.document`.
Each process serves its own at `/metrics` of its admin port. Series of known label values exist from the start, at 0. No
label names a customer, an account or a login.
"""


COLUMNS = "| metric | kind | labels | what |\n| --- | --- | --- | --- |"


def page() -> str:
    """Give the page: a table for each component, and one of what all have."""
    return "\n".join([HEAD, *(_part(component, who) for component, who in WHO.items()), _of_processes()])


def _part(component: str, who: str) -> str:
    rows = [_row(metric) for metric in METRICS if metric.component == component]
    return "\n".join([f"## {component}\n\n{who}.\n", COLUMNS, *rows, ""])


def _of_processes() -> str:
    """Give the part of what the client of Prometheus tells of any process, and of the release."""
    rows = [
        f"| `{family.samples[0].name}` | {family.type} | {'; '.join(f'`{name}`' for name in family.samples[0].labels)} "
        f"| {family.documentation.removesuffix('.')}. |"
        for family in process_registry().collect()
    ]
    return "\n".join(["## every process\n\nEach of ours that has an admin port; on Linux.\n", COLUMNS, *rows, ""])


def _row(metric: Metric) -> str:
    labels = "; ".join(map(_label, metric.labels))
    return f"| `{metric.name}` | {_kind(metric)}, {metric.unit} | {labels} | {metric.meaning} |"


def _kind(metric: Metric) -> str:
    if isinstance(metric, HistogramMetric):
        return "histogram"
    return "counter" if isinstance(metric, CounterMetric) else "gauge"


def _label(label: Label) -> str:
    return f"`{label.name}`: {', '.join(label.values)}" if label.values else f"`{label.name}`"


def series() -> Iterator[str]:
    """Give every name that a query may use: of histograms those of their parts."""
    for metric in METRICS:
        if isinstance(metric, HistogramMetric):
            yield from (f"{metric.name}{part}" for part in ("_bucket", "_sum", "_count"))
        yield metric.name


if __name__ == "__main__":
    PLACE.write_text(page(), "utf-8")
