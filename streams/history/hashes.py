"""Whether the hashes of decisions fit what a history has: not where records were left out, or are under other names."""

from streams.history.exports.history import ExportHistory
from streams.history.history import Content, History, HistoryError

OR_ELSE = "or leave --file out to read the cluster"


def require_hashes(history: History) -> None:
    """Refuse what has other names in place of customers': its records have other hashes than decisions name.

    Raises:
        HistoryError: says what to read instead.
    """
    if history.content is Content.PSEUDONYMISED:
        raise HistoryError(
            f"the export is pseudonymised, so hashes fit nowhere: make one without --pseudonymised, {OR_ELSE}"
        )
    if has_other_names(history):
        raise HistoryError(
            "somebody was forgotten and has another name in the export, so hashes fit nowhere: leave --file out to "
            "read the cluster, or make one with `txpush export --whole`, which names them and holds links that work"
        )


def require_everybody(history: History) -> None:
    """Refuse what has some customers' records only: the others would be told as removed.

    Raises:
        HistoryError: says what to read instead.
    """
    if customers_of(history):
        raise HistoryError(
            f"the export has the records of some customers only, and a chain is of all: make one without --customer, "
            f"{OR_ELSE}"
        )


def has_other_names(history: History) -> bool:
    """Tell whether other names stand for customers, for all of them or for those who were forgotten."""
    if history.content is Content.STRIPPED:
        return isinstance(history, ExportHistory) and history.manifest.forgotten > 0
    return history.content is Content.PSEUDONYMISED


def customers_of(history: History) -> frozenset[str]:
    """Give those whose records alone are in a history, by the names that they have in it; none for everybody."""
    return frozenset(history.manifest.customers) if isinstance(history, ExportHistory) else frozenset()
