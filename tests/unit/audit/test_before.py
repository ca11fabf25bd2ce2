"""Whether a message can be of a decision in front of what is read: by its time, or by its origin."""

import pytest

from streams.audit.messages.before import SKEW_MS, before_offset, before_time
from streams.audit.messages.found import Found
from streams.testing.broker import Record

AT_MS = 1_793_000_000_000


def found(time_ms: int = AT_MS, name: str = "x:1") -> Found:
    """Give a message of a time and a name."""
    return Found(name, "", Record(0, time_ms, None, b"{}", ()))


def test_clocks_may_differ_by_an_hour() -> None:
    """A message of that hour may be of an earlier decision; a younger one is none of it."""
    assert before_time(AT_MS)(found(AT_MS + SKEW_MS))
    assert not before_time(AT_MS)(found(AT_MS + SKEW_MS + 1))


def test_behind_a_young_message_none_is_old() -> None:
    """A forger who gives an old time is told by what lies in front of it."""
    is_before = before_time(AT_MS)
    assert not is_before(found(AT_MS + SKEW_MS + 1))
    assert not is_before(found(AT_MS - SKEW_MS))


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("aggregation.events/0/6#1", True),
        ("aggregation.events/0/6#12", True),
        ("aggregation.events/0/7#1", False),
        ("aggregation.events/0/70#1", False),
        ("aggregation.events/0/x#1", False),
        ("6", False),
    ],
)
def test_a_dead_letter_has_the_offset_that_was_set_aside(name: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    """In front of the first decision that is read; a name that is none of ours is of no decision."""
    assert before_offset(7)(found(name=name)) is is_one
