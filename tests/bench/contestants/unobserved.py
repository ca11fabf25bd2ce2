"""The agent with nothing to show for itself: nothing is counted, no census is kept, no line is logged.

What it decides and writes is the same; the difference to the agent as it ships is what observing costs.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import Counter as CounterMetric
from prometheus_client import Gauge, Histogram

from streams.agent import turn
from streams.fold import logfold
from streams.fold.ledger import Tally
from streams.worker.prometheus import PrometheusMetrics


class NoCensus:
    """Counts no record."""

    def __init__(self, *_surveyed: object) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()

    def look(self, _records: int) -> bool:
        """Have nothing left to look at."""
        return True

    def moves(self, _changes: Mapping[Any, Any]) -> Sequence[Any]:
        """Give no moves."""
        return ()

    def accept(self, _moves: Sequence[Any]) -> None:
        """Count nothing."""


def _nothing(*_arguments: object, **_named: object) -> None:
    """Count nothing."""


HIDDEN: tuple[tuple[Any, str, Any], ...] = (
    (turn, "count_cases", _nothing),
    (turn, "count_observation", _nothing),
    (Tally, "count", _nothing),
    (PrometheusMetrics, "committed", _nothing),
    (PrometheusMetrics, "counted", _nothing),
    (PrometheusMetrics, "lag", _nothing),
    (CounterMetric, "inc", _nothing),
    (Gauge, "set", _nothing),
    (Histogram, "observe", _nothing),
    (logfold, "Census", NoCensus),
)
"""What observes, by where it is and its name, and what stands there in its place."""


def hide() -> list[Any]:
    """Take out what observes, and give it for `show`."""
    logging.disable(logging.CRITICAL)
    there = [getattr(place, name) for place, name, _ in HIDDEN]
    for place, name, instead in HIDDEN:
        setattr(place, name, instead)
    return there


def show(there: list[Any]) -> None:
    """Put back what `hide` took out."""
    for (place, name, _), was in zip(HIDDEN, there, strict=True):
        setattr(place, name, was)
    logging.disable(logging.NOTSET)


def main() -> None:
    """Take out what observes, then run the agent."""
    hide()
    from streams.agent.app import main as run  # noqa: PLC0415 - it makes its program when it is imported

    run()


if __name__ == "__main__":
    main()
