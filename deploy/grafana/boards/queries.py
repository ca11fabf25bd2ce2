"""Queries made of the typed list of metrics: one that names a metric or a label that nobody exports is not made."""

from streams.observe.kinds import AnyCounter, AnyGauge, AnyHistogram, CounterMetric, GaugeMetric, Metric, by

ANYWHERE = ""
"""For what has no process, or whose process has a job of the user's own: no choice of the reader's concerns it."""
CHOSEN = 'job=~"$job",instance=~"$instance"'
CHOSEN_PARTITIONS = f'{CHOSEN},partition=~"$partition"'

_OF_SCRAPE = {"job", "instance"}

UP = GaugeMetric("up", "boolean", "1 while Prometheus gets an answer.")
ALERTS = GaugeMetric(
    "ALERTS", "boolean", "1 for each alert that fires.", by("alertname").by("alertstate").by("severity")
)
STARTED = GaugeMetric("process_start_time_seconds", "seconds", "When a process was started.")
MEMORY = GaugeMetric("process_resident_memory_bytes", "bytes", "Memory of a process.")
CPU = CounterMetric("process_cpu_seconds_total", "seconds", "Time of processors that a process has used.")
OURS = 'job=~"txpush-.+"'
"""All processes that are scraped as ours, chosen or not."""


def of(metric: Metric, chosen: str = CHOSEN, /, part: str = "", **wanted: str) -> str:
    """Give a selector: `wanted` are values by label, several with `|` between; `part` is `_count` of a histogram.

    Raises:
        ValueError: the metric has no such label, or a label no such value.
    """
    _check(metric, wanted)
    matchers = [f'{label}{"=~" if "|" in value else "="}"{value}"' for label, value in wanted.items()]
    inside = ",".join(filter(None, [chosen, *matchers]))
    return f"{metric.name}{part}{{{inside}}}" if inside else f"{metric.name}{part}"


def summed(query: str, by: str = "") -> str:
    """Add up, by labels with a comma between."""
    return f"sum by ({by}) ({query})" if by else f"sum({query})"


def per_second(metric: AnyCounter, by: str = "", chosen: str = CHOSEN, /, **wanted: str) -> str:
    """Give how fast a counter goes, as fine as the graph shows."""
    _check(metric, _labels(by))
    return summed(f"rate({of(metric, chosen, **wanted)}[$__rate_interval])", by)


def within(window: str, metric: AnyCounter, by: str = "", chosen: str = CHOSEN, /, **wanted: str) -> str:
    """Give how far a counter has come within a window, as `1h`; for what is too rare for a rate."""
    _check(metric, _labels(by))
    return summed(f"increase({of(metric, chosen, **wanted)}[{window}])", by)


def seen(query: str) -> str:
    """Leave out what is 0, where a legend would be full of it."""
    return f"{query} > 0"


def total(metric: Metric, by: str = "", chosen: str = CHOSEN, /, **wanted: str) -> str:
    """Add up a gauge."""
    _check(metric, _labels(by))
    return summed(of(metric, chosen, **wanted), by)


def worst(metric: Metric, by: str = "", chosen: str = CHOSEN, /) -> str:
    """Give the highest of a gauge."""
    _check(metric, _labels(by))
    return f"max by ({by}) ({of(metric, chosen)})" if by else f"max({of(metric, chosen)})"


def age(metric: AnyGauge, by: str = "", chosen: str = CHOSEN, /) -> str:
    """Give the seconds since a moment, the longest of several; nothing while it never was."""
    _check(metric, _labels(by))
    oldest = f"min by ({by})" if by else "min"
    return f"time() - {oldest} ({of(metric, chosen)} > 0)"


def quantile(share: float, metric: AnyHistogram, by: str = "", chosen: str = CHOSEN, /) -> str:
    """Give what a share of the observations did not exceed; nothing where there were none."""
    _check(metric, _labels(by))
    rate = f"rate({of(metric, chosen, part='_bucket')}[$__rate_interval])"
    return f"histogram_quantile({share}, {summed(rate, f'le, {by}' if by else 'le')})"


def mean(metric: AnyHistogram, by: str = "", chosen: str = CHOSEN, /) -> str:
    """Give the mean of all observations since the processes were started, which are too few for a rate."""
    _check(metric, _labels(by))
    whole, times = (summed(of(metric, chosen, part=part), by) for part in ("_sum", "_count"))
    return share(whole, times)


def within_and_new(window: str, metric: AnyCounter, by: str, chosen: str = CHOSEN, /) -> str:
    """Give how far counters have come whose series begin with their first count, which no increase would show."""
    old = summed(f"{of(metric, chosen)} offset {window}", by)
    return f"{within(window, metric, by, chosen)} > 0 or ({total(metric, by, chosen)} unless {old})"


def share(part: str, whole: str) -> str:
    """Divide; nothing where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def _labels(by: str) -> dict[str, str]:
    return dict.fromkeys(by.split(", ") if by else (), "")


def _check(metric: Metric, wanted: dict[str, str]) -> None:
    known = {label.name: label.values for label in metric.labels}
    for label, value in wanted.items():
        if label not in {*known, *_OF_SCRAPE}:
            raise ValueError(f"{metric.name} has no label {label}: take one of {sorted({*known, *_OF_SCRAPE})}")
        unknown = set(value.split("|")) - set(known.get(label, ())) if value and known.get(label) else ()
        if unknown:
            raise ValueError(f"{metric.name}: {label} is never {sorted(unknown)}: take some of {known[label]}")
