"""Charts as SVG for a page that needs nothing from elsewhere; colours are the page's, for light and dark."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from streams.replay.otherwise.figures import Figures

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
TICKS = 4
DATES = 6
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
SPANS = ("up to 1 h", "1 to 4 h", "4 to 12 h", "12 to 24 h", "1 to 3 days", "3 to 7 days", "longer")

Series = tuple[str, Mapping[int, int]]
"""A class of the page's style sheet, and a number by day."""


def by_day(name: str, recorded: Mapping[int, int], derived: Mapping[int, int]) -> str:
    """Draw two lines of numbers by day."""
    days = [day for one in (recorded, derived) for day, number in one.items() if number]
    if not days:
        return _figure(name, "<p>none</p>")
    first, last = min(days), max(days)
    top = _round_up(max(max(one.values(), default=0) for one in (recorded, derived)))
    lines = [_line(kind, one, (first, last), top) for kind, one in (("was", recorded), ("other", derived))]
    return _figure(name, _svg(name, [*_grid(top), *_dates(first, last), *lines]))


def repairs(name: str, recorded: Figures, derived: Figures) -> str:
    """Draw how many repairs took how long, two bars a span."""
    both = recorded.repairs_by_span(), derived.repairs_by_span()
    if not any(map(any, both)):
        return _figure(name, "<p>none</p>")
    top = _round_up(max(map(max, both)))
    step = (WIDTH - LEFT - RIGHT) / len(SPANS)
    drawn = [*_grid(top)]
    for number, span in enumerate(SPANS):
        left = LEFT + number * step
        drawn.append(f'<text x="{left + step / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(span)}</text>')
        for place, (kind, counts) in enumerate(zip(("was", "other"), both, strict=True)):
            y = _y(counts[number], top)
            width, x = step * 0.36, left + step * (0.12 + 0.4 * place)
            drawn.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT - BOTTOM - y:.1f}">'
                f"<title>{counts[number]:,}</title></rect>"
            )
    return _figure(name, _svg(name, drawn))


def _figure(name: str, drawn: str) -> str:
    legend = '<span class="key was">as it was</span> <span class="key other">under the other policy</span>'
    return f"<figure><figcaption>{escape(name)} {legend}</figcaption>{drawn}</figure>"


def _svg(name: str, drawn: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">{"".join(drawn)}</svg>'


def _grid(top: int) -> list[str]:
    drawn = []
    for number in range(TICKS + 1):
        value = top * number / TICKS
        y = _y(value, top)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>')
    return drawn


def _dates(first: int, last: int) -> list[str]:
    apart = max(1, (last - first) // DATES)
    return [
        f'<text x="{_x(day, first, last):.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{FIRST + timedelta(days=day):%Y-%m-%d}</text>"
        for day in range(first, last + 1, apart)
    ]


def _line(kind: str, numbers: Mapping[int, int], span: tuple[int, int], top: int) -> str:
    points = [f"{_x(day, *span):.1f},{_y(numbers.get(day, 0), top):.1f}" for day in range(span[0], span[1] + 1)]
    return f'<polyline class="{kind}" points="{" ".join(points)}"/>'


def _x(day: int, first: int, last: int) -> float:
    return LEFT + 30 + (WIDTH - LEFT - RIGHT - 60) * ((day - first) / (last - first) if last > first else 0.5)


def _y(value: float, top: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _round_up(value: int) -> int:
    """Give a number that four lines divide well."""
    step = 1
    while step * TICKS < value:
        step = int(step * 2.5) if str(step)[0] == "2" else step * 2
    return step * TICKS
