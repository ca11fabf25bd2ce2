"""What a dashboard is made of, as data: boards of rows, rows of panels, panels of queries."""

from dataclasses import dataclass
from enum import Enum

FULL_WIDTH = 24
"""Columns of Grafana's grid."""


class Form(Enum):
    """How a panel shows what it asks for."""

    NUMBER = "number"
    LINES = "lines"
    STACK = "stack"
    BARS = "bars"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """A query in PromQL, and what its series are called: `{{label}}` is the value of a label."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Limits:
    """From which value on a colour holds; below all of them it is `base`."""

    steps: tuple[tuple[float, str], ...] = ()
    base: str = "green"


def above(orange: float, red: float) -> Limits:
    """High is bad."""
    return Limits(((orange, "orange"), (red, "red")))


def none_of(value: float = 1) -> Limits:
    """There should be none, or not that much."""
    return Limits(((value, "red"),))


def at_least(value: float) -> Limits:
    """Low is bad."""
    return Limits(((value, "green"),), "red")


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        what: what is seen.
        normal: how it looks when all is well, which is what somebody who was woken needs to know.
        unit: as Grafana names it; the constants are in `grafana_foundation_sdk.models.units`.
        nothing: what stands there when no series answers.
        runbooks: the alerts that watch the same; the panel leads to their pages.
    """

    title: str
    what: str
    normal: str
    unit: str
    queries: tuple[Query, ...]
    form: Form = Form.LINES
    width: int = 8
    limits: Limits = Limits()
    nothing: str = "no data"
    runbooks: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    """Words in place of values, as `("0", "closed")`."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a headline, to be unfolded where they are `folded`."""

    title: str
    panels: tuple[Panel, ...]
    height: int = 8
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `uid` is part of its address and name of its file."""

    uid: str
    title: str
    what: str
    since: str
    refresh: str
    rows: tuple[Row, ...]
    by_partition: bool = False

    def panels(self) -> tuple[Panel, ...]:
        """Give all panels in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)
