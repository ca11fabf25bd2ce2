"""The part of the list of metrics that tells how the agents' state comes back, and how it is kept on disk."""

from streams.observe import labels
from streams.observe.kinds import CounterMetric, HistogramMetric, Metric, by

RESTORE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
WRITE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)

AGENT_RESTORE_SECONDS = HistogramMetric(
    "txpush_agent_restore_seconds",
    "seconds",
    "Time to bring a partition's state back, by what it began with; `full` has read all of its changelogs.",
    by("source", labels.RestoreSource),
    buckets=RESTORE_BUCKETS,
)
AGENT_RESTORED_RECORDS = CounterMetric(
    "txpush_agent_restored_records_total",
    "records",
    "Values read to bring state back: of the file, of changelogs behind it (tail), of whole changelogs (full).",
    by("place", labels.RestoredFrom),
)
AGENT_STATE_REFUSED = CounterMetric(
    "txpush_agent_state_files_refused_total",
    "files",
    "State files not used or not written on, by reason: their changelogs are read whole.",
    by("reason", labels.StateRefusal),
)
AGENT_STATE_BYTES = CounterMetric(
    "txpush_agent_state_written_bytes_total", "bytes", "Bytes of state written to this machine's disk."
)
AGENT_STATE_SECONDS = HistogramMetric(
    "txpush_agent_state_write_seconds", "seconds", "Time to write a partition's state to disk.", buckets=WRITE_BUCKETS
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
