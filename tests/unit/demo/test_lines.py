"""The demo without a terminal: one line a decision, in the order in which things came about."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from streams.demo.telling.table import PATIENCE_SECONDS, Display, Row


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def display(out: io.StringIO, watch: Watch) -> Iterator[Display]:
    with Display(Console(file=out, width=80), watch) as made:
        yield made


CAUSE, WAITING = Row(1.0, "185", "connect-fix issue 185", ""), Row(1.0, "185", "", "")
RESULT = Row(2.0, "no news of 71", "connect-fix remind 185", "")


def test_a_result_is_not_told_before_its_cause(display: Display, out: io.StringIO) -> None:
    """A row that is decided at once waits for the ones above it."""
    display.show([WAITING, RESULT], "posting")
    assert out.getvalue() == ""
    display.show([CAUSE, RESULT], "posting")
    assert out.getvalue() == f"{CAUSE.line}\n{RESULT.line}\n"


def test_what_never_comes_does_not_hold_all_back(display: Display, out: io.StringIO, watch: Watch) -> None:
    """Past its patience the rest is told, and the late one when it comes."""
    display.show([WAITING, RESULT], "posting")
    watch.at = PATIENCE_SECONDS
    display.show([WAITING, RESULT], "posting")
    assert out.getvalue() == f"{RESULT.line}\n"
    display.show([CAUSE, RESULT], "posting")
    assert out.getvalue() == f"{RESULT.line}\n{CAUSE.line}\n"


def test_the_end_tells_what_is_left(out: io.StringIO, watch: Watch) -> None:
    """Nothing that was decided stays untold because something else was awaited."""
    with Display(Console(file=out, width=80), watch) as display:
        display.show([WAITING, RESULT], "posting")
    assert out.getvalue() == f"{RESULT.line}\n"
