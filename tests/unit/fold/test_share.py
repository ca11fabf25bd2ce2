"""The share of dead letters: over a sliding window, and silent while there is little to tell."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.state import ControlState
from streams.fold import share as share_
from streams.fold.share import GOOD, MINIMUM, NOBODYS, WINDOW, DeadLetterShare, PollShare, entries


def polled(share: DeadLetterShare, dead: Iterable[bool], *, is_accepted: bool = False) -> PollShare:
    """Give a poll of good and bad records, not counted yet."""
    poll = share.poll()
    for is_dead in dead:
        poll.take([None] * is_dead, is_accepted=is_accepted)
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
    assert [entries([None] * count) for count in (0, 1, 3)] == [[GOOD], [NOBODYS], [NOBODYS] * 3]
    assert entries([None] * (WINDOW + 1)) == [NOBODYS] * WINDOW


def test_what_is_accepted_is_not_judged_but_is_in_the_window() -> None:
    """The window is the same whether or not somebody has accepted: only what comes after may be judged by it."""
    share = DeadLetterShare()
    accepted, judged = (polled(share, [True] * MINIMUM, is_accepted=one) for one in (True, False))
    assert (accepted.has_dead_letters, judged.has_dead_letters) == (False, True)
    assert accepted.window == judged.window
    accepted.take([None])
    assert (accepted.has_dead_letters, accepted.highest()) == (True, 1.0)


def test_resuming_empties_the_window() -> None:
    """What came before says nothing any more; the next hundred records have to come before anything is judged."""
    poll = polled(DeadLetterShare(), [True] * MINIMUM)
    poll.resume()
    assert (poll.has_dead_letters, poll.highest(), poll.window) == (False, 0.0, [])
    for _ in range(MINIMUM - 1):
        poll.take([None])
    assert poll.highest() == 0.0
    poll.take([None])
    assert poll.highest() == 1.0


def of(*whose: str | None, good: int = 0, share: DeadLetterShare | None = None) -> PollShare:
    """Give a poll of good records, and after them of dead letters at which somebody's own state fails."""
    poll = polled(share or DeadLetterShare(), [False] * good)
    for one in whose:
        poll.take([one])
    return poll


def test_who_fails_counts_once() -> None:
    """However many records of a customer fail at its own state, they are one beside the good ones in the window."""
    assert of(*["7"] * 300, good=100).highest() == 0.0
    assert of(*["7"] * 300, None, good=98).highest() == 2 / 100
    assert of(*["7", "8", "9"] * 100, good=97).highest() == 3 / 100


def test_one_alone_stops_nobody() -> None:
    """A flood of one customer's failures, alone in the window, says nothing of the release; one of two does."""
    assert of(*["7"] * (2 * WINDOW), good=WINDOW).highest() == 0.0
    assert of(*["7", "8"] * WINDOW, good=WINDOW).highest() == 1.0


def test_everybody_who_fails_is_a_share() -> None:
    """A release that fails at every customer is seen, be they many or a few with many records each."""
    assert of(*map(str, range(300)), good=WINDOW).highest() == 0.3
    assert of(*(str(one % 30) for one in range(900)), good=WINDOW).highest() == 30 / 130


def test_who_has_left_the_window_counts_anew() -> None:
    """Once the last failure of a customer has left the window, the next one counts again."""
    share = DeadLetterShare()
    share.accept(of("7", "7", "8", good=WINDOW))
    assert polled(share, [False] * (WINDOW - 2)).highest() == 2 / WINDOW
    assert polled(share, [False] * WINDOW).highest() == 0.0
    share.accept(polled(share, [False] * WINDOW))
    assert of("7", "8", share=share).highest() == 2 / WINDOW


def test_who_fails_outlasts_a_restart() -> None:
    """A new owner knows whose failures are in the window; a record of before that was known has nobody's."""
    poll = of("7", None, "7", "8", good=MINIMUM)
    control = poll.record(ControlState())
    assert (len(control.dead_of), control.dead_of[0], control.dead_of[1]) == (4, control.dead_of[2], NOBODYS)
    again = DeadLetterShare(control)
    assert again.poll().window == poll.window
    assert of("7", share=again).highest() == of("7", None, "7", "8", "7", good=MINIMUM).highest()
    assert of(None, good=1).record(ControlState()).dead_of == ()
    assert DeadLetterShare(ControlState(looked_at=3, dead_ago=(1,))).poll().window == [GOOD, NOBODYS, GOOD]


def said(share: DeadLetterShare, letters: Sequence[str | None]) -> PollShare:
    """Give a poll of dead letters; an empty text is a good record."""
    poll = share.poll()
    for whose in letters:
        poll.take([] if whose == "" else [whose])
    return poll


@given(st.lists(st.sampled_from(["7", "8", None, ""]), max_size=80), st.integers(1, 80))
def test_the_highest_is_that_of_every_window(letters: list[str | None], judged: int) -> None:
    """The share is counted as the window moves: the same as to look at the whole of it at each place."""
    with pytest.MonkeyPatch.context() as small:
        small.setattr(share_, "WINDOW", 12)
        small.setattr(share_, "MINIMUM", 4)
        share, shares = DeadLetterShare(), [0.0]
        share.accept(said(share, letters[:judged]))
        before = len(share.poll().window)
        seen = share.poll().window + [
            entry for one in letters[judged:] for entry in entries([one] if one != "" else [])
        ]
        for end in range(1, len(seen) + 1):
            window = seen[max(0, end - 12) : end]
            bad = len({one for one in window if one > NOBODYS}) + window.count(NOBODYS)
            is_looked_at = end == len(seen) or (end > before and seen[end - 1] != GOOD)
            if is_looked_at and len(window) >= 4 and bad > 1:
                shares.append(bad / (bad + window.count(GOOD)))
        assert said(share, letters[judged:]).highest() == max(shares)
