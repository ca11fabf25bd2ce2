"""What a replay came to as one page: nothing is loaded from elsewhere, and nothing in it runs."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from schemas.times import rfc3339, time_of_record
from streams.plain import plain
from streams.replay.compare.difference import DECISION, Difference, Verdict
from streams.replay.report import charts
from streams.replay.report.policies import figure_rows, sameness, sort_rows
from streams.replay.report.table import notes, verdict
from streams.replay.summary import Summary

SHOWN = 100
STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1a; --paper: #fcfcfa; --faint: #d9d8d3; --was: #3465a4; --other: #c4620f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e0; --paper: #181816; --faint: #3b3a36; --was: #86b4ee; --other: #f2a45c }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th, td { padding: .25rem .75rem .25rem 0; text-align: left;
  border-bottom: 1px solid var(--faint); vertical-align: top; overflow-wrap: anywhere }
td.number, th.number { text-align: right; white-space: nowrap }
figure { margin: 1.5rem 0 } figcaption { font-weight: 600 }
svg { width: 100%; height: auto } svg text { fill: var(--ink); font-size: 12px }
.grid { stroke: var(--faint) } polyline { fill: none; stroke-width: 2 }
polyline.was { stroke: var(--was) } polyline.other { stroke: var(--other); stroke-dasharray: 6 3 }
rect.was { fill: var(--was) } rect.other { fill: var(--other) }
.key { font-weight: 400; margin-left: 1rem } .key::before { content: ""; display: inline-block; width: 1.2em;
  height: .5em; margin-right: .4em; background: var(--ink) }
.key.was::before { background: var(--was) } .key.other::before { background: var(--other) }
"""


def page(summary: Summary, origin: str) -> str:
    """Give the page; `origin` names what was read."""
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>Replay of {escape(origin)}</title><style>{STYLE}</style></head><body>",
            f"<h1>Replay of {escape(origin)}</h1>",
            *(f"<p><strong>{escape(plain(line))}</strong></p>" for line in verdict(summary)),
            *(f"<p>{escape(plain(line))}</p>" for line in notes(summary)),
            *_policies(summary),
            *_compared(summary),
            *_first(summary),
            "</body></html>",
            "",
        )
    )


def _policies(summary: Summary) -> Iterator[str]:
    what_if = summary.what_if
    if what_if is None:
        return
    was, other = what_if.recorded, what_if.derived
    yield _table(("", "as it was", "under the other policy"), figure_rows(what_if), numbers=(1, 2))
    yield charts.by_day("contacts a day", was.contacts, other.contacts)
    yield charts.by_day("logins a day found to ask for a passcode every time", was.escalations, other.escalations)
    yield charts.repairs("time to repair", was, other)
    if not (rows := sort_rows(what_if)):
        yield f"<p>{sameness(what_if)}</p>"
        return
    yield "<h2>What differs, by rule</h2>"
    yield _table(("kind", "action", "", "rules", "messages"), rows[:SHOWN], numbers=(4,))


def _compared(summary: Summary) -> Iterator[str]:
    if summary.what_if is not None or not summary.counts:
        return
    names = sorted({what for what, _ in summary.counts}, key=lambda one: (one != DECISION, one))
    rows = [(name, *(f"{summary.counts[name, one]:,}" for one in Verdict)) for name in names]
    yield "<h2>Compared</h2>"
    yield _table(("", *Verdict), rows, numbers=range(1, len(Verdict) + 1))


def _first(summary: Summary) -> Iterator[str]:
    first = [*summary.incidents, *(one for outcome in summary.outcomes for one in outcome.first)][:SHOWN]
    if first:
        yield f"<h2>The first {len(first):,} of {summary.differences:,} differences</h2>"
        yield _table(("where", "time", "whose", "what", "", "cause"), map(_row, first))


def _row(one: Difference) -> Sequence[str]:
    at = "" if one.at is None else rfc3339(time_of_record(one.at))
    shown = "; ".join(f"{name}: {then} → {now}" for name, (then, now) in one.shown.items())
    cause = ": ".join(part for part in (one.cause, ", ".join(one.fields), shown) if part)
    return one.where, at, one.customer or "", one.subject, one.verdict, cause


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    right = frozenset(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = (' class="number"' if place in right else "" for place in range(len(row)))
        return "".join(f"<{tag}{kind}>{escape(plain(cell))}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"
