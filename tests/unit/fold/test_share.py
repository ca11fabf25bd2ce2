"""The share of dead letters: over a sliding window, and silent while there is little to tell."""

from collections.abc import Iterable

from schemas.state import ControlState
from streams.fold.share import MINIMUM, WINDOW, DeadLetterShare, PollShare, entries


def polled(share: DeadLetterShare, dead: Iterable[bool], *, is_accepted: bool = False) -> PollShare:
    """Give a poll of good and bad records, not counted yet."""
    poll = share.poll()
    for is_dead in dead:
        poll.take(int(is_dead), is_accepted=is_accepted)
    return poll


def test_few_records_have_no_share() -> None:
    """One bad record among the first ones says nothing about the log."""
    share = DeadLetterShare()
    assert polled(share, [True] * (MINIMUM - 1)).highest() == 0.0
    assert polled(share, [True] * MINIMUM).highest() == 1.0


def test_looking_ahead_counts_nothing() -> None:
    """A poll that is refused leaves the share as it was."""
    share = DeadLetterShare()
    share.accept(polled(share, [False] * MINIMUM))
    polled(share, [True] * MINIMUM)
    assert polled(share, []).highest() == 0.0


def test_share_is_that_of_the_latest_records() -> None:
    """What has left the window does not count any more."""
    share = DeadLetterShare()
    share.accept(polled(share, [True] * WINDOW))
    share.accept(polled(share, [False] * (WINDOW // 2)))
    assert polled(share, []).highest() == 0.5
    assert polled(share, [False] * (WINDOW // 4)).highest() == 0.25


def test_a_poll_may_be_larger_than_the_window() -> None:
    """What a small poll would stop at, a large one does not hide behind good records."""
    assert polled(DeadLetterShare(), [True] * WINDOW + [False] * WINDOW).highest() == 1.0


def test_the_window_outlasts_a_restart() -> None:
    """The partition's record holds the window: a new owner sees the share that the old one saw."""
    share = DeadLetterShare()
    share.accept(polled(share, [True, False] * (WINDOW // 4)))
    poll = polled(share, [True] * 10)
    control = poll.record(ControlState())
    assert (control.looked_at, control.dead_ago[-1]) == (WINDOW // 2 + 10, 0)
    share.accept(poll)
    assert polled(DeadLetterShare(control), [True]).highest() == polled(share, [True]).highest()


def test_a_record_counts_for_each_of_its_dead_letters() -> None:
    """A record with none is a good one; one with more than the window holds fills it."""
    assert [entries(count) for count in (0, 1, 3)] == [[False], [True], [True, True, True]]
    assert entries(WINDOW + 1) == [True] * WINDOW


def test_what_is_accepted_is_not_judged_but_is_in_the_window() -> None:
    """The window is the same whether or not somebody has accepted: only what comes after may be judged by it."""
    share = DeadLetterShare()
    accepted, judged = (polled(share, [True] * MINIMUM, is_accepted=one) for one in (True, False))
    assert (accepted.has_dead_letters, judged.has_dead_letters) == (False, True)
    assert accepted.window == judged.window
    accepted.take(1)
    assert (accepted.has_dead_letters, accepted.highest()) == (True, 1.0)


def test_resuming_empties_the_window() -> None:
    """What came before says nothing any more; the next hundred records have to come before anything is judged."""
    poll = polled(DeadLetterShare(), [True] * MINIMUM)
    poll.resume()
    assert (poll.has_dead_letters, poll.highest(), poll.window) == (False, 0.0, [])
    for _ in range(MINIMUM - 1):
        poll.take(1)
    assert poll.highest() == 0.0
    poll.take(1)
    assert poll.highest() == 1.0
