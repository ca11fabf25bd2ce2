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


def main() -> None:
    """Take out what observes, then run the agent."""
    logging.disable(logging.CRITICAL)
    for place, name in (
        (turn, "count_cases"),
        (turn, "count_observation"),
        (Tally, "count"),
        (PrometheusMetrics, "counted"),
        (CounterMetric, "inc"),
        (Gauge, "set"),
        (Histogram, "observe"),
    ):
        assert hasattr(place, name), f"{name} is called otherwise now"
        setattr(place, name, _nothing)
    assert hasattr(logfold, "Census"), "the census is called otherwise now"
    vars(logfold)["Census"] = NoCensus
    from streams.agent.app import main as run  # noqa: PLC0415 - it makes its program when it is imported

    run()


if __name__ == "__main__":
    main()
