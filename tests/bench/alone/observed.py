"""What metrics and logs cost the fold: two of them side by side on one log, of which one shows nothing. No Kafka.

Each takes every poll, right after the other, so that whatever else the machine does slows both alike: drains, which
follow one another, differ by more than this is.
"""

import argparse
import gc
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time_ns

from prometheus_client import CollectorRegistry

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.clock import WallClock
from streams.fold import SourceRecord
from streams.fold.inforce import InForce
from streams.fold.logfold import LogFold
from streams.observe.logs import LogOptions, log_to_stderr
from streams.observe.metrics import Instruments
from streams.testing.applications import AGENT_APPLICATION
from streams.testing.broker import Record
from streams.testing.clock import VirtualClock
from streams.worker.prometheus import PrometheusMetrics
from tests.bench.contestants import unobserved
from tests.bench.telling import say
from tests.bench.traffic import ACCOUNTS, Portfolio, history, tonight

SEED = 1
PARTITION = 0
POLL = 200
"""Records of a poll: the agent's under load have more, which would make observing cheaper."""


@dataclass(slots=True)
class Contestant:
    """A fold with the metrics that hear of it, and the CPU that each poll took, in nanoseconds."""

    fold: LogFold
    metrics: PrometheusMetrics
    took: list[int]

    @classmethod
    def opened(cls, shipped: InForce) -> "Contestant":
        """Give one on empty tables."""
        fold = AGENT_APPLICATION.fold(shipped, VirtualClock(datetime.now(UTC)), 1)
        for table in fold.tables:
            table.take(PARTITION, {})
        fold.opened(PARTITION)
        return cls(fold, PrometheusMetrics(Instruments("agent", CollectorRegistry()), WallClock(), lambda: None), [])

    def poll(self, records: Sequence[SourceRecord]) -> None:
        """Decide on a poll and take it in, as a worker does once its transaction stands."""
        began = process_time_ns()
        effects = self.fold.fold(PARTITION, records)
        for table, changes in effects.changes.items():
            table.apply(PARTITION, changes)
        self.fold.committed(PARTITION, effects)
        self.metrics.counted(effects.note.tally)
        self.metrics.committed(len(records), effects.outbox, 0.01)
        self.metrics.lag(PARTITION, 0, records)
        self.took.append(process_time_ns() - began)


def records_of(events: int) -> list[Record]:
    """Give the log: nights of the accounts, all in one partition."""
    written = history(Portfolio(ACCOUNTS, SEED), events, tonight())
    return [Record(at, one.timestamp_ms, one.key, one.value, one.headers) for at, one in enumerate(written)]


def measured(records: Sequence[Record]) -> tuple[list[int], list[int]]:
    """Fold the log on both sides, and give what the polls took each, in nanoseconds: observed, and not."""
    shipped = InForce.of(Policy.load(), Catalogue.load())
    shown = Contestant.opened(shipped)
    there = unobserved.hide()
    hidden = Contestant.opened(shipped)
    unobserved.show(there)
    gc.collect()
    gc.freeze()
    for first in range(0, len(records), POLL):
        poll = records[first : first + POLL]
        if first // POLL % 2:
            shown.poll(poll)
        there = unobserved.hide()
        hidden.poll(poll)
        unobserved.show(there)
        if not first // POLL % 2:
            shown.poll(poll)
    return shown.took, hidden.took


def main() -> None:
    """Fold, and print what observing costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alone.observed", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="events (200,000 take about a minute)")
    parser.add_argument("--level", choices=["info", "debug"], default="info", help="debug has a line a decision")
    parser.add_argument("--format", choices=["human", "json"], default="json", help="of a line")
    given = parser.parse_args()
    events = given.size
    with Path(os.devnull).open("w") as nowhere:
        level = logging.getLevelNamesMapping()[given.level.upper()]
        log_to_stderr(LogOptions("agent", format=given.format, level=level), nowhere)
        shown, hidden = measured(records_of(events))
    warm = len(shown) // 4
    pairs = list(zip(shown, hidden, strict=True))[warm:]
    micros = [median(took) / POLL / 1000 for took in zip(*pairs, strict=True)]
    say(f"## Observing: {events:,} events, polls of {POLL}, {len(pairs):,} pairs, {given.level} as {given.format}\n")
    say(f"- the fold, medians: {micros[0]:.1f} µs of CPU an event with metrics and logs, {micros[1]:.1f} without")
    times = median(one / other for other, one in pairs)
    say(f"- metrics and logs: {times:.3f} times the events/s (target 0.95 at least)")


if __name__ == "__main__":
    main()
