"""Whether the hashes of decisions fit what a history has: not where other names stand for customers."""

from streams.history.exports.history import ExportHistory
from streams.history.history import Content, History, HistoryError


def require_hashes(history: History) -> None:
    """Refuse what has other names in place of customers': its records have other hashes than decisions name.

    Raises:
        HistoryError: says what to read instead.
    """
    if history.content is Content.PSEUDONYMISED:
        raise HistoryError(
            "the export is pseudonymised, so hashes fit nowhere: make one without --pseudonymised, or leave --file out "
            "to read the cluster"
        )
    if history.content is Content.STRIPPED and isinstance(history, ExportHistory) and history.manifest.forgotten:
        raise HistoryError(
            "somebody was forgotten and has another name in the export, so hashes fit nowhere: leave --file out to "
            "read the cluster, or make one with `txpush export --whole`, which names them and holds links that work"
        )
