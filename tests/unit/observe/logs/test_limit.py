"""How often the log says the same."""

import io
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from streams.observe.logs.limit import BURST, EVERY_SECONDS, KINDS, OTHERS, LimitedHandler, Limiter

BEGAN = datetime(2026, 11, 1, 3, tzinfo=UTC).timestamp()


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    return Limiter(clock)


def _record(template: str = "record %s failed", value: object = 1, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("streams.place", level, "", 0, template, (value,), None)


def _counts(limiter: Limiter) -> dict[str, int]:
    """Give how many lines of each message are owed a word, and have been told now."""
    return {kind[2]: gap.lines for kind, gap in limiter.left()}


def test_a_burst_goes_through_then_one_at_a_time(limiter: Limiter, clock: Clock) -> None:
    """The values of a line make no other kind; the next line has the number of those that were left out."""
    assert [limiter.take(_record(value=number)) for number in range(BURST + 3)] == [0] * BURST + [None] * 3
    clock.now += EVERY_SECONDS
    assert [limiter.take(_record()), limiter.take(_record())] == [3, None]
    clock.now += EVERY_SECONDS * BURST * 10
    assert [limiter.take(_record()) for _ in range(BURST + 1)] == [1, *[0] * (BURST - 1), None]


def test_kinds_do_not_share(limiter: Limiter) -> None:
    """Another message, another level, another text where the text is all there is."""
    for _ in range(BURST + 1):
        limiter.take(_record())
    assert limiter.take(_record()) is None
    assert limiter.take(_record("record %d is odd")) == 0
    assert limiter.take(_record(level=logging.ERROR)) == 0
    for _ in range(BURST + 1):
        limiter.take(_record("%s", "one"))
    assert [limiter.take(_record("%s", "one")), limiter.take(_record("%s", "two"))] == [None, 0]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.CRITICAL])
def test_decisions_and_ends_are_not_limited(limiter: Limiter, level: int) -> None:
    """A line a decision is what debug is for, and what ends a process is its last word."""
    assert {limiter.take(_record(level=level)) for _ in range(BURST * 2)} == {0}


def test_there_is_a_limit_of_kinds(limiter: Limiter) -> None:
    """Who makes up kinds cannot have them remembered for ever, nor a line for each: beyond the limit they are one."""
    heard = [limiter.take(_record("%s", number)) for number in range(KINDS * 3)]
    assert heard == [0] * (KINDS + BURST) + [None] * (KINDS * 2 - BURST)
    assert len(limiter._buckets) == KINDS
    assert _counts(limiter) == {OTHERS: KINDS * 2 - BURST}


def test_a_kind_gives_way_when_it_was_long_silent(limiter: Limiter, clock: Clock) -> None:
    """A flood of new kinds does not have one begin anew that has had its lines, and what was counted is not lost."""
    for _ in range(BURST + 5):
        limiter.take(_record())
    for number in range(KINDS * 2):
        limiter.take(_record("%s", number))
    assert limiter.take(_record()) is None
    limiter.left()
    limiter.take(_record())
    clock.now += EVERY_SECONDS * BURST
    for number in range(KINDS):
        limiter.take(_record("%s", f"later {number}"))
    assert sum(_counts(limiter).values()) == 1


def test_a_line_that_comes_while_one_is_counted_is_counted_too() -> None:
    """The garbage collector may finish off a client anywhere, whose last words are a line of the same log."""
    told: list[int | None] = []
    collected = [_record("a client was never closed")]

    def monotonic() -> float:
        while collected:
            told.append(one.take(collected.pop()))
        return 1000.0

    one = Limiter(monotonic)
    thread = threading.Thread(target=lambda: told.append(one.take(_record())), daemon=True)
    thread.start()
    thread.join(10)
    assert told == [0, 0]


class Interrupted(float):
    """A time that is compared while something else is told."""

    interrupt: Callable[[], None]

    def __le__(self, _other: float) -> bool:
        """Have it told first."""
        self.interrupt()
        return True


def test_what_is_told_while_it_is_told_is_told_once(limiter: Limiter) -> None:
    """A line may come while what was left out is gathered: none of it is told twice, and who writes it goes on."""
    for kind in ("one %s", "other %s"):
        for _ in range(BURST + 1):
            limiter.take(_record(kind))
    meanwhile = list[tuple[Any, Any]]()
    for bucket in limiter._owed.values():
        heard_at = Interrupted(bucket.heard_at)
        heard_at.interrupt = lambda: meanwhile.extend(_ending(limiter))
        bucket.heard_at = heard_at
    told = [*limiter.left(), *meanwhile]
    assert sorted(gap.lines for _, gap in told) == [1, 1]


def _ending(limiter: Limiter) -> list[tuple[Any, Any]]:
    for bucket in limiter._owed.values():
        bucket.heard_at = float(bucket.heard_at)
    return limiter.left()


WRITTEN = [f"WARNING record {number} failed" for number in range(BURST)]
LEFT_OUT = "INFO not written, as it came too often: 7 of 'record %s failed' from 2026-11-01T03:00:20Z to 03:00:26Z"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def flooded(stream: io.StringIO, limiter: Limiter) -> LimitedHandler:
    """A log with seven lines more of a kind than are written, one a second."""
    handler = LimitedHandler(stream, limiter)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    for number in range(BURST + 7):
        record = _record(value=number)
        record.created = BEGAN + number
        handler.emit(record)
    return handler


def test_what_was_left_out_is_told_once_its_kind_is_silent(
    flooded: LimitedHandler, stream: io.StringIO, clock: Clock
) -> None:
    """The next line of any kind has it before itself, when no more of it has come for a while; with its time."""
    clock.now += EVERY_SECONDS - 1
    flooded.emit(_record("soon %d", level=logging.INFO))
    clock.now += 1
    for number in range(2):
        flooded.emit(_record("later %d", number, level=logging.INFO))
    assert stream.getvalue().splitlines() == [*WRITTEN, "INFO soon 1", LEFT_OUT, "INFO later 0", "INFO later 1"]


def test_what_was_left_out_is_told_at_the_end(flooded: LimitedHandler, stream: io.StringIO) -> None:
    """When the log is closed, once; no fault of the end."""
    flooded.close()
    flooded.close()
    assert stream.getvalue().splitlines() == [*WRITTEN, LEFT_OUT]


def test_a_kind_that_goes_on_says_it_itself(flooded: LimitedHandler, stream: io.StringIO, clock: Clock) -> None:
    """As before: its own next line has the number, and no other line is needed."""
    clock.now += EVERY_SECONDS
    flooded.emit(_record(value="next"))
    flooded.close()
    assert stream.getvalue().splitlines() == [*WRITTEN, "WARNING record next failed"]
