"""The demo's table of event, decision and command: live in a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams.demo.reading.seen import Message, Place, Seen
from streams.demo.telling.verdict import in_words
from streams.kafka.topics import TICKETS

WIDE = 110
PATIENCE_SECONDS = 10.0
"""How long a row that is awaited holds back the lines of those after it."""
LINES_A_ROW = 2
LINES_AROUND = 8
PREFIX = "remediation."


@dataclass(frozen=True, slots=True)
class Posted:
    """Notifications that were posted together; `delivery` counts how often the same bytes went out before."""

    at: float
    event: str
    event_ids: tuple[str, ...]
    delivery: int = 0


@dataclass(frozen=True, slots=True)
class SetAside:
    """A body that should become a dead letter."""

    at: float
    event: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something that needs no record: a kill, a restart, a ticket that was read."""

    at: float
    event: str
    decision: str
    command: str = ""


Entry = Posted | SetAside | Told


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `at` in seconds since the demo began. Without a decision it is still awaited."""

    at: float
    event: str
    decision: str
    command: str

    @property
    def is_decided(self) -> bool:
        """Tell whether there is nothing more to wait for."""
        return bool(self.decision)

    @property
    def line(self) -> str:
        """Give the row as one line of text."""
        return f"{self.at:5.1f} s  {self.event} -> {self.decision}" + (f" -> {self.command}" if self.command else "")


def row_of(entry: Entry, seen: Seen) -> Row:
    """Say what became of an entry as far as it has been read back."""
    if isinstance(entry, Told):
        return Row(entry.at, entry.event, entry.decision, entry.command)
    if isinstance(entry, SetAside):
        letter = next((letter for letter in seen.letters if letter["body_sha256"] == entry.body_sha256), None)
        told = "" if letter is None else f"dead letter: {letter['reason']} ({letter['detail']})"
        return Row(entry.at, entry.event, told, "" if letter is None else "aggregation.dead-letter")
    if not all(_is_decided(event_id, entry, seen) for event_id in entry.event_ids):
        return Row(entry.at, entry.event, "", "")
    messages = [] if entry.delivery else [m for m in seen.caused(entry.event_ids) if m.topic != TICKETS]
    return Row(entry.at, entry.event, _decision(entry, messages, seen), ", ".join(map(command_of, messages)))


def _place(event_id: str, entry: Posted, seen: Seen) -> Place | None:
    places = seen.places.get(event_id, [])
    return places[entry.delivery] if entry.delivery < len(places) else None


def _is_decided(event_id: str, entry: Posted, seen: Seen) -> bool:
    """Tell whether the agent has gone past the record: its offset is committed with what was decided."""
    place = _place(event_id, entry, seen)
    if place is None:
        return False
    return place in seen.decided or seen.committed.get(place[0], 0) > place[1]


def _decision(entry: Posted, messages: Sequence[Message], seen: Seen) -> str:
    places = [place for event_id in entry.event_ids if (place := _place(event_id, entry, seen)) is not None]
    decided = [seen.decided[place] for place in places if place in seen.decided]
    if not decided:
        return "nothing: duplicate" if entry.delivery else "nothing"
    if messages:
        return "; ".join(decision_of(message) for message in messages)
    phases = sorted({one.phase for one in decided if one.phase is not None})
    return f"no command; health: {', '.join(phases)}" if phases else "no command: noted for its case"


def decision_of(message: Message) -> str:
    """Say what a message orders, e.g. `connect-fix issue 185 answer_challenge`."""
    return f"{message.topic.removeprefix(PREFIX)} {in_words(message.said)}"


def command_of(message: Message) -> str:
    """Name the topic of a message and its sequence."""
    return f"{message.topic} #{message.sequence}"


def rendered(rows: Sequence[Row], width: int) -> Table:
    """Give the rows as a table; a narrow one leaves out what all command topics begin with."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0), show_edge=False)
    is_wide = width >= WIDE
    table.add_column("s", justify="right", width=5)
    table.add_column("event", ratio=3)
    table.add_column("decision", ratio=4)
    table.add_column("command", ratio=4) if is_wide else table.add_column(f"{PREFIX}*", width=23)
    for row in rows:
        command = row.command if is_wide else row.command.replace(PREFIX, "")
        table.add_row(f"{row.at:.1f}", Text(row.event), Text(row.decision or "..."), Text(command))
    return table


class Display:
    """Shows rows inside `with`: live where the console is a terminal, one line a decided row where it is not.

    Lines keep the order of the rows, so that nothing is told before what led to it.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._awaited: dict[int, float] = {}
        self._live: Live | None = None
        self._printed: dict[int, str] = {}
        self._rows: Sequence[Row] = ()
        self._footer = ""

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the whole table on the terminal."""
        self.settle()

    def settle(self) -> None:
        """Leave the whole table where it stands; what comes after it is told in lines."""
        live, self._live = self._live, None
        if live is None:
            self._print(self._rows, patience=0.0)
            return
        if self._rows:
            live.update(rendered(self._rows, self._console.width), refresh=False)
        live.stop()
        self._printed = {number: row.line for number, row in enumerate(self._rows)}

    def show(self, rows: Sequence[Row], status: str) -> None:
        """Show the rows as they are now; in a terminal the latest ones that it has room for."""
        self._rows = rows
        if self._live is None:
            self._print(rows, PATIENCE_SECONDS)
            return
        room = max((self._console.height - LINES_AROUND) // LINES_A_ROW, 1)
        table = rendered(rows[-room:], self._console.width)
        self._live.update(Group(table, Text(status, style="bold"), Text(self._footer, style="dim")), refresh=True)

    @property
    def is_live(self) -> bool:
        """Tell whether somebody watches."""
        return self._live is not None

    def say(self, text: str, *, footer: bool = False) -> None:
        """Print a line above the table, or keep it under it while it is live."""
        if footer:
            self._footer = text
        if not (footer and self._live):
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _print(self, rows: Sequence[Row], patience: float) -> None:
        for number, row in enumerate(rows):
            if not row.is_decided:
                if self._now() - self._awaited.setdefault(number, self._now()) < patience:
                    return
            elif self._printed.get(number) != row.line:
                self._printed[number] = row.line
                self._console.print(row.line, highlight=False, markup=False, soft_wrap=True)
