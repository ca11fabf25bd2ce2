"""Topics as they were written, to be read again: from a cluster or from an export, the same to whoever reads."""

from streams.history.history import Content, History, HistoryError, Number, Origin, Place, Span

__all__ = ["Content", "History", "HistoryError", "Number", "Origin", "Place", "Span"]
