"""Two policies side by side, as rows for a terminal and for a page."""

from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from streams.plain import plain
from streams.replay.compare.difference import Verdict
from streams.replay.otherwise.commands import WhatIf
from streams.replay.otherwise.figures import Figures

SORTS_SHOWN = 30
NOTHING_DIFFERS = "nothing differs: every message went out as it would have under the other policy"
NO_MESSAGES = "no message went out, nor would have: see that the range, and whose it is, are right"
Row = tuple[str, str, str]

_FIGURES: Sequence[tuple[str, Callable[[Figures], float | None], str]] = (
    ("contacts with customers", lambda one: one.contacts.total(), "{:,.0f}"),
    ("contacts a day, mean", lambda one: one.contacts.total() / _days(one) if _days(one) else 0, "{:,.1f}"),
    ("contacts on the busiest day", lambda one: max(one.contacts.values(), default=0), "{:,.0f}"),
    ("logins found to ask for a passcode every time", lambda one: one.escalations.total(), "{:,.0f}"),
    ("repairs by customers", lambda one: one.repairs.total(), "{:,.0f}"),
    ("time to repair, median, hours", lambda one: _hours(one.median_repair_minutes), "{:,.1f}"),
    ("incidents", lambda one: one.incidents.total(), "{:,.0f}"),
    ("support tickets", lambda one: one.tickets.total(), "{:,.0f}"),
)


def _days(figures: Figures) -> int:
    return len(+figures.contacts)


def _hours(minutes: int | None) -> float | None:
    return None if minutes is None else minutes / 60


def figure_rows(what_if: WhatIf) -> Iterator[Row]:
    """Give a name and both sides' number for each figure."""
    for name, of, form in _FIGURES:
        yield name, _told(of(what_if.recorded), form), _told(of(what_if.derived), form)


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def sort_rows(what_if: WhatIf) -> list[tuple[str, str, str, str, str]]:
    """Give kind, action, how it compares, rules and count of what differs, the most frequent first."""
    found = [(one, count) for one, count in what_if.sorts.most_common() if one[2] is not Verdict.SAME]
    return [(kind, action, verdict.value, rules, f"{count:,}") for (kind, action, verdict, rules), count in found]


def sameness(what_if: WhatIf) -> str:
    """Say why no row differs."""
    return NOTHING_DIFFERS if what_if.sorts else NO_MESSAGES


def figures_table(what_if: WhatIf) -> Table:
    """Show the figures."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("", "as it was", "under the other policy"):
        table.add_column(name, justify="right" if name else "left")
    for row in figure_rows(what_if):
        table.add_row(*row)
    return table


def sorts_table(what_if: WhatIf) -> Table:
    """Show what differs, by the rules that led to it."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, title="what differs, by rule", title_justify="left")
    for name in ("kind", "action", "", "rules", "messages"):
        table.add_column(name, justify="right" if name == "messages" else "left")
    for row in sort_rows(what_if)[:SORTS_SHOWN]:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table
