"""The share of dead letters: over a sliding window, and silent while there is little to tell."""

from schemas.state import ControlState
from streams.fold.share import MINIMUM, WINDOW, DeadLetterShare, entries


def test_few_records_have_no_share() -> None:
    """One bad record among the first ones says nothing about the log."""
    share = DeadLetterShare()
    assert share.with_poll([True] * (MINIMUM - 1)) == 0.0
    assert share.with_poll([True] * MINIMUM) == 1.0


def test_looking_ahead_counts_nothing() -> None:
    """A poll that is refused leaves the share as it was."""
    share = DeadLetterShare()
    share.accept([False] * MINIMUM)
    share.with_poll([True] * MINIMUM)
    assert share.with_poll([]) == 0.0


def test_share_is_that_of_the_latest_records() -> None:
    """What has left the window does not count any more."""
    share = DeadLetterShare()
    share.accept([True] * WINDOW)
    share.accept([False] * (WINDOW // 2))
    assert share.with_poll([]) == 0.5
    assert share.with_poll([False] * (WINDOW // 4)) == 0.25


def test_a_poll_may_be_larger_than_the_window() -> None:
    """What a small poll would stop at, a large one does not hide behind good records."""
    share = DeadLetterShare()
    assert share.with_poll([True] * WINDOW + [False] * WINDOW) == 1.0


def test_the_window_outlasts_a_restart() -> None:
    """The partition's record holds the window: a new owner sees the share that the old one saw."""
    share = DeadLetterShare()
    share.accept([True, False] * (WINDOW // 4))
    control = share.record(ControlState(), [True] * 10)
    assert (control.looked_at, control.dead_ago[-1]) == (WINDOW // 2 + 10, 0)
    share.accept([True] * 10)
    assert DeadLetterShare(control).with_poll([True]) == share.with_poll([True])


def test_a_record_counts_for_each_of_its_dead_letters() -> None:
    """A record with none is a good one; one with more than the window holds fills it."""
    assert [entries(count) for count in (0, 1, 3)] == [[False], [True], [True, True, True]]
    assert entries(WINDOW + 1) == [True] * WINDOW
