"""Topics as they were written, to be read again: from a cluster or from an export, the same to whoever reads."""

from streams.history.history import History, HistoryError, Origin, Place, Span

__all__ = ["History", "HistoryError", "Origin", "Place", "Span"]
