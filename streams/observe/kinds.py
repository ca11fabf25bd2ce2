"""What a metric is: its name, unit and meaning, its labels, and its kind.

The type of a metric says which values its labels take, `CounterMetric[Route, Outcome]`; it follows from how they are
declared, and mypy holds whoever counts to it:

    REQUESTS = CounterMetric("…_requests_total", "requests", "….", by("route", Route).by("outcome", Outcome))
    instruments.counter(REQUESTS, Route.TXPUSH, Outcome.STORED).inc()
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic

from typing_extensions import TypeVar, TypeVarTuple, Unpack  # those of typing take no default before Python 3.13

LabelValue = TypeVar("LabelValue", bound=str, default=str)
LabelValues = TypeVarTuple("LabelValues", default=Unpack[tuple[()]])


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the values it is known to take; without any the series are made when first used."""

    name: str
    values: tuple[str, ...] = ()


class Labels(tuple[Label, ...], Generic[*LabelValues]):
    """The labels of a metric, in order, with the types of their values."""

    __slots__ = ()

    def by(self, name: str, values: Iterable[LabelValue] = ()) -> "Labels[*LabelValues, LabelValue]":
        """Add a label: an enum, or those of its values that there are; any string where none are named."""
        return Labels((*self, Label(name, tuple(map(str, values)))))


def by(name: str, values: Iterable[LabelValue] = ()) -> Labels[LabelValue]:
    """Give the first label of a metric; another `by` adds the second."""
    return Labels[()]().by(name, values)


@dataclass(frozen=True, slots=True, eq=False)  # by identity: what counts looks series up by it, often
class Metric:
    """A name with its unit, labels and meaning; the prefix says which component exports it."""

    name: str
    unit: str
    meaning: str
    labels: tuple[Label, ...]

    @property
    def component(self) -> str:
        """Give the component: `bridge` of `txpush_bridge_requests_total`."""
        return self.name.split("_")[1]


@dataclass(frozen=True, slots=True, eq=False)
class CounterMetric(Metric, Generic[*LabelValues]):
    """Only goes up."""

    labels: Labels[*LabelValues] = field(default_factory=Labels)


@dataclass(frozen=True, slots=True, eq=False)
class GaugeMetric(Metric, Generic[*LabelValues]):
    """Goes up and down."""

    labels: Labels[*LabelValues] = field(default_factory=Labels)


@dataclass(frozen=True, slots=True, eq=False)
class HistogramMetric(Metric, Generic[*LabelValues]):
    """A distribution over `buckets`, in the unit of the metric."""

    labels: Labels[*LabelValues] = field(default_factory=Labels)
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TopMetric(Metric):
    """A gauge by a label whose values others choose: the `limit` largest are shown when it is scraped."""

    labels: Labels[str]
    limit: int = 20


AnyCounter = CounterMetric[*tuple[Any, ...]]
"""A counter, whatever its labels are."""
AnyGauge = GaugeMetric[*tuple[Any, ...]]
AnyHistogram = HistogramMetric[*tuple[Any, ...]]
