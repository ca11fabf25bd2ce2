"""The machinery's metrics in Prometheus: fed per poll, so that an event costs nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from functools import partial
from itertools import product
from typing import Protocol

from schemas.commands import COMMAND_TOPICS
from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.fold.effects import Outbox, SourceRecord
from streams.fold.ledger import Series, Tally
from streams.observe import metrics
from streams.observe.labels import OTHER, RestoredFrom, RestoreSource, StateRefusal
from streams.observe.metrics import Instruments
from streams.observe.parts import business, deciding, restoring
from streams.worker.notes import Notes
from streams.worker.outcomes import pairs

COMMANDS = frozenset(COMMAND_TOPICS.values())
OF_PARTITION = (metrics.AGENT_LAG_MESSAGES, metrics.AGENT_LAG_SECONDS, metrics.AGENT_LAST_EVENT, metrics.AGENT_EPOCH)
SHOWN_CODES = 50
"""Unknown codes that have a series of their own."""


class Counts(Protocol):
    """Knows how many records of the state stand where (see LogFold)."""

    def standing(self, *place: str) -> int:
        """Count those that stand somewhere."""

    def standing_by(self, name: str) -> Mapping[str, int]:
        """Count those of a census of one label, by its values."""


class PrometheusMetrics:
    """FoldMetrics, and the ear for tallies; `changed` is told when partitions come, and when one opens or goes on."""

    def __init__(
        self, instruments: Instruments, clock: Clock, changed: Callable[[], None], notes: Notes | None = None
    ) -> None:
        self._instruments = instruments
        self._clock = clock
        self._changed = changed
        self._notes = notes
        self._rebalances = instruments.counter(metrics.AGENT_REBALANCES)
        self._batch = instruments.histogram(metrics.AGENT_BATCH)
        self._transaction = instruments.histogram(metrics.AGENT_TRANSACTION_SECONDS)
        self._delay = instruments.histogram(metrics.AGENT_COMMAND_DELAY)
        self._written = instruments.counter(metrics.AGENT_RECORDS_OUT)
        self._delay_unknown = instruments.histogram(business.AGENT_UNKNOWN_CODE_DELAY)
        self._codes: set[str] = set()
        self._paused: set[int] = set()
        instruments.watch(metrics.AGENT_PAUSED, lambda: len(self._paused))

    def opened(self, partition: int, seconds: float, epoch: int) -> None:
        """Hear that a partition was fenced and restored, and the epoch of its producer."""
        self._paused.discard(partition)
        self._instruments.gauge(metrics.AGENT_EPOCH, str(partition)).set(epoch)
        self._instruments.gauge(metrics.AGENT_LAST_EVENT, str(partition)).set(0)  # or one that stands still has none
        self._instruments.histogram(metrics.AGENT_OPEN_SECONDS).observe(seconds)
        self._changed()

    def restored(self, source: RestoreSource, counts: Mapping[RestoredFrom, int], seconds: float) -> None:
        """Hear what the state of a partition was brought back from, and how many records were read where."""
        self._instruments.histogram(restoring.AGENT_RESTORE_SECONDS, source).observe(seconds)
        for place, count in counts.items():
            self._instruments.counter(restoring.AGENT_RESTORED_RECORDS, place).inc(count)

    def state_refused(self, reason: StateRefusal) -> None:
        """Hear that a state file is not used, or not written on."""
        self._instruments.counter(restoring.AGENT_STATE_REFUSED, reason).inc()

    def state_written(self, written_bytes: int, seconds: float) -> None:
        """Hear that a partition's state was written to disk."""
        self._instruments.counter(restoring.AGENT_STATE_BYTES).inc(written_bytes)
        self._instruments.histogram(restoring.AGENT_STATE_SECONDS).observe(seconds)

    def closed(self, partition: int) -> None:
        """Drop what was said of a partition that is given up."""
        self._paused.discard(partition)
        if self._notes is not None:
            self._notes.closed(partition)
        for metric in OF_PARTITION:
            self._instruments.forget(metric, str(partition))

    def committed(self, records_in: int, written: Outbox, seconds: float) -> None:
        """Hear that a transaction stands, and what it has written."""
        self._batch.observe(records_in)
        self._written.inc(len(written))
        self._transaction.observe(seconds)
        now_ms = to_epoch_ms(self._clock.now())
        for (topic, _), records in written.records.items():
            if topic in COMMANDS:
                for one in records:
                    self._delay.observe(max(0, now_ms - (one.timestamp_ms or now_ms)) / 1000)

    def watch_tables(self, tables: Mapping[str, Sized]) -> None:
        """Show how many records tables have in all partitions that the worker owns, by their names."""
        for name, table in tables.items():
            self._instruments.watch(metrics.AGENT_TABLE_RECORDS, partial(len, table), name)

    def expect(self, log: str) -> None:
        """Show at 0 what the records of a log can come to: a rate needs the step from there to the first one."""
        for event_type, outcome in pairs(log):
            self._instruments.counter(deciding.AGENT_EVENTS, event_type, outcome)

    def watch_standing(self, counts: Counts, causes: Iterable[str]) -> None:
        """Show how many accounts, cases, tickets and incidents stand where; `causes` are those of the catalogue."""
        for metric in business.STANDING:
            for values in product(*(label.values for label in metric.labels)):
                self._instruments.watch(metric, partial(counts.standing, metric.name, *values), *values)
        top = business.AGENT_FAILING_ACCOUNTS
        self._instruments.watch_top(top, partial(counts.standing_by, top.name))
        for cause in causes:
            self._instruments.counter(business.AGENT_OBSERVATIONS, cause)

    def lag(self, partition: int, messages: int, records: Sequence[SourceRecord]) -> None:
        """Hear how far behind a partition is after a poll, and what the poll gave."""
        name, gauge = str(partition), self._instruments.gauge
        gauge(metrics.AGENT_LAG_MESSAGES, name).set(messages)
        behind = 0.0
        if records:
            latest = records[-1].timestamp / 1000
            gauge(metrics.AGENT_LAST_EVENT, name).set(latest)
            behind = self._clock.now().timestamp() - latest
        if records or not messages:
            gauge(metrics.AGENT_LAG_SECONDS, name).set(max(0.0, behind) if messages else 0.0)
            if self._notes is not None:
                self._notes.lag(partition, messages, behind)

    def rebalanced(self, partitions: int) -> None:
        """Hear how many partitions the worker owns now."""
        self._rebalances.inc()
        self._instruments.gauge(metrics.AGENT_PARTITIONS).set(partitions)
        self._changed()

    def paused(self, partition: int) -> None:
        """Hear that a partition does not go on."""
        self._paused.add(partition)

    def resumed(self, partition: int) -> None:
        """Hear that a paused partition goes on."""
        self._paused.discard(partition)
        self._changed()

    def ticked(self) -> None:
        """Hear that a tick was written."""
        self._instruments.counter(metrics.AGENT_TICKS).inc()

    def counted(self, tally: Tally) -> None:
        """Add what a poll has counted."""
        for series, times in tally.counts.items():
            metric, *labels = self._shown(series)
            self._instruments.counter(metric, *labels).inc(times)
        now = self._clock.now()
        for at in tally.unknown_at:
            self._delay_unknown.observe(max(0.0, (now - at).total_seconds()))

    def _shown(self, series: Series) -> Series:
        """Put what others choose under the few labels that are shown."""
        metric, *labels = series
        return (metric, self._shown_code(*labels)) if metric is business.AGENT_UNKNOWN_CODES else series

    def _shown_code(self, code: str) -> str:
        """Keep the series few, whatever codes the vendor makes up."""
        if len(self._codes) < SHOWN_CODES:
            self._codes.add(code)
        return code if code in self._codes else OTHER
