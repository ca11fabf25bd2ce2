"""What stands around a run: the file of the state, the limit of deletions, and what the vendor client counts."""

from pathlib import Path

import pytest

from streams.sweep import process
from streams.sweep.process import Options, Progress, Unreadable, allowance
from streams.sweep.report import Findings, Report
from streams.sweep.resume import State, load
from tests.unit.sweep.double import book_of, known


def nothing() -> None:
    """Show nothing."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def progress_of(path: Path | None, state: State) -> Progress:
    return Progress(path, state, Unreadable(state.report.unreadable))


def test_the_file_is_written_now_and_then(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with every customer: a kill costs a few readings."""
    progress, stops = progress_of(path, State("mark", through="7")), list[str]()
    progress.step(nothing, stops.append)
    assert not path.exists()
    monkeypatch.setattr(process, "SAVE_SECONDS", 0.0)
    progress.step(nothing, stops.append)
    assert (load(path, "mark").through, stops) == ("7", [])


@pytest.mark.parametrize("report", [Report(failed={"7": "away"}), Report(stopped="SIGTERM asked for it")])
def test_the_file_stays_while_there_is_something_to_go_on_with(path: Path, report: Report) -> None:
    """Failed customers are read by the next run, as those that were not read at all."""
    progress_of(path, State("mark", report=report)).end(lambda _why: None)
    assert load(path, "mark").report == report


def test_the_file_goes_when_all_were_read(path: Path) -> None:
    """The next run begins anew."""
    path.write_text("the state of this run")
    progress_of(path, State("mark")).end(lambda _why: None)
    assert not path.exists()


def test_a_file_that_cannot_be_written_stops_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of reading that a kill would lose: it is said at once."""
    monkeypatch.setattr(process, "SAVE_SECONDS", 0.0)
    progress, stops = progress_of(tmp_path / "none" / "state.json", State("mark")), list[str]()
    progress.step(nothing, stops.append)
    assert "state.json: cannot be written" in stops[0]


def test_without_a_file_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read is counted all the same."""
    monkeypatch.setattr(process, "SAVE_SECONDS", 0.0)
    state = State("mark", report=Report(unreadable=2))
    progress = progress_of(None, state)
    progress.counter.meters.unreadable.inc(3)
    progress.step(nothing, lambda _why: None)
    assert state.report.unreadable == 5
    progress.counter.meters.unreadable.inc()
    progress.end(lambda _why: None)
    assert state.report.unreadable == 6


@pytest.mark.parametrize(
    ("accounts", "asked", "told", "left"),
    [(3, None, 0, 20), (2500, None, 0, 25), (3, None, 15, 5), (3, 7, 0, 7), (3, 0, 0, 0), (3, 7, 9, 0)],
)
def test_deletions_are_limited_for_the_whole_sweep(accounts: int, asked: int | None, told: int, left: int) -> None:
    """One in a hundred known accounts, at least twenty, or as many as asked for; what was told before a stop counts."""
    book = book_of(*(known(str(number)) for number in range(3)))
    book._accounts = accounts
    before = Report(findings=Findings(deleted=told))
    found = allowance(Options(max_deletions=asked), book, before)
    assert found is not None
    assert found.left == left


def test_a_dry_run_has_no_limit() -> None:
    """Its count says what to allow."""
    assert allowance(Options(is_dry=True, max_deletions=1), book_of(known()), Report()) is None
