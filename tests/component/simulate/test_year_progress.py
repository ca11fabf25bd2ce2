"""What a simulated year says on the way: how far it is, and how long it takes yet."""

import sys
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.bench.year import __main__ as year
from tests.bench.year import progress
from tests.bench.year.play import Year


def test_every_day_is_counted() -> None:
    """One call for each, in the midst of it."""
    days: list[int] = []
    Year(customers=2, seed=1).play(5, lambda: days.append(1))
    assert len(days) == 5


def test_in_a_pipe_there_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every ten seconds, with the time left at the speed so far; none behind the last day."""
    now = 100.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
    with progress.progress(10, Console(file=StringIO(), force_terminal=False)) as day_over:
        for _ in range(10):
            now += 4
            day_over()
    assert capsys.readouterr().err.splitlines() == [
        "day 3 of 10 after 12 s, about 28 s left",
        "day 6 of 10 after 24 s, about 16 s left",
        "day 9 of 10 after 36 s, about 4 s left",
    ]


def test_on_a_terminal_there_is_a_bar() -> None:
    """Of days, with the time left."""
    shown = StringIO()
    with progress.progress(4, Console(file=shown, force_terminal=True, width=80)) as day_over:
        for _ in range(4):
            day_over()
    assert "4/4" in shown.getvalue()
    assert "0:00:00" in shown.getvalue()


def test_the_result_alone_is_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever keeps the figures in a file has none of it in there."""
    monkeypatch.setattr(sys, "argv", ["year", "--customers", "2", "--days", "3"])
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    year.main()
    said = capsys.readouterr()
    assert said.out.startswith("days, logins, accounts, events ")
    assert [line.partition(" after")[0] for line in said.err.splitlines()] == ["day 1 of 3", "day 2 of 3"]
