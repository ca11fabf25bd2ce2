"""How far the reading is: a bar on a terminal, a line now and then elsewhere, never on standard output."""

import io

import pytest
from rich.console import Console

from streams.explain.showing import progress
from streams.explain.showing.progress import Bar


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


def test_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the share that was read and the time that is left; no second one within seconds."""
    clock, out = Clock(), io.StringIO()
    monkeypatch.setattr(progress, "time", clock)
    with Bar(Console(file=out)) as bar:
        bar.begin(1000)
        bar.advance(100)
        clock.at = 20.0
        bar.advance(100)
        bar.advance(100)
    assert out.getvalue() == "20% of 1,000 offsets read, 80 s left\n"


def test_a_bar_on_a_terminal() -> None:
    """It says how far it is, and is gone in the end."""
    out = io.StringIO()
    with Bar(Console(file=out, force_terminal=True, width=80)) as bar:
        bar.begin(10)
        bar.advance(10)
    assert "100%" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")


def test_a_short_reading_says_nothing() -> None:
    """Where it takes no time there is nothing to tell."""
    out = io.StringIO()
    with Bar(Console(file=out)) as bar:
        bar.begin(0)
    assert out.getvalue() == ""
