"""What a metric is: its name, unit and meaning, its labels, and its kind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the values it is known to take; without any the series are made when first used."""

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """A name with its unit, labels and meaning; the prefix says which component exports it."""

    name: str
    unit: str
    meaning: str
    labels: tuple[Label, ...] = ()

    @property
    def component(self) -> str:
        """Give the component: `bridge` of `txpush_bridge_requests_total`."""
        return self.name.split("_")[1]


@dataclass(frozen=True, slots=True)
class CounterMetric(Metric):
    """Only goes up."""


@dataclass(frozen=True, slots=True)
class GaugeMetric(Metric):
    """Goes up and down."""


@dataclass(frozen=True, slots=True)
class HistogramMetric(Metric):
    """A distribution over `buckets`, in the unit of the metric."""

    buckets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TopMetric(Metric):
    """A gauge by a label whose values others choose: the `limit` largest are shown when it is scraped."""

    limit: int = 20
