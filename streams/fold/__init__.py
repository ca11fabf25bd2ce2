"""Exactly-once folds inside Faust: one transaction per input partition and poll, tables restored by our own reader."""

from streams.fold.effects import Effects, Fold, Outbox, SourceRecord
from streams.fold.settings import FoldSettings
from streams.fold.tables import StateTable

__all__ = ["Effects", "Fold", "FoldSettings", "Outbox", "SourceRecord", "StateTable"]
