"""Whether the hashes of decisions fit what a history has: not where other names stand for customers."""

from streams.history.exports.history import ExportHistory
from streams.history.history import Content, History, HistoryError


def require_hashes(history: History) -> None:
    """Refuse what has other names in place of customers': its records have other hashes than decisions name.

    Raises:
        HistoryError: says what to read instead.
    """
    is_renamed = isinstance(history, ExportHistory) and history.manifest.forgotten > 0
    if history.content is Content.PSEUDONYMISED or (history.content is Content.STRIPPED and is_renamed):
        raise HistoryError(
            "the export has other names in place of customers', so hashes fit nowhere: make one with "
            "`txpush export --whole`, or leave --file out to read the cluster"
        )
