"""Folding a log, whatever is decided: intake, books, audit chain, timers; no Faust, no I/O."""

from streams.fold.effects import (
    Effects,
    Fold,
    Outbox,
    OutRecord,
    PartitionPaused,
    ShareTooLarge,
    SourceRecord,
    Table,
)

__all__ = ["Effects", "Fold", "OutRecord", "Outbox", "PartitionPaused", "ShareTooLarge", "SourceRecord", "Table"]
