"""What the institution agent is told of logins: where they fail, what they left, who succeeds (R9)."""

from datetime import datetime, timedelta

import pytest

from schemas.events import Event
from streams.domain import Decision, OutgoingSignal
from streams.domain.customers import reports
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CUSTOMER,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    START,
    WORDS,
    Story,
    deleted,
    looked,
    nightly,
)

WINDOW = 30 * MINUTE


def told(decision: Decision) -> list[tuple[str, int | None, str | None, bool]]:
    """Give the signals of a decision in a few words."""
    own = [one for one in decision.signals if isinstance(one, OutgoingSignal)]
    return [(WORDS[one.type], one.code, one.institution_login_id, one.entered) for one in own]


def test_failing_and_left() -> None:
    """A login enters a code with its first failing account and leaves it with its last."""
    story = Story()
    assert told(story.hear(nightly(185, 0))) == [("failing", 185, LOGIN, True)]
    assert told(story.hear(nightly(185, 0, "a2"))) == [("failing", 185, LOGIN, False)]
    assert told(story.hear(nightly(0, 1))) == []
    assert told(story.hear(nightly(0, 1, "a2"))) == [("left", 185, LOGIN, False)]


def test_signal_fields() -> None:
    """A signal names customer, account, event and event time."""
    event = nightly(900, 0)
    (one,) = Story().hear(event).signals
    assert (one.customer_id, one.account_id, one.institution_id) == (CUSTOMER, ACCOUNT, BANK)
    assert (one.event_id, one.time) == (event.id, event.time)


def test_each_failing_observation() -> None:
    """Every failing observation is told, entered or not; a duplicate is not."""
    story = Story()
    story.hear(nightly(102, 0))
    assert told(story.hear(nightly(102, 1))) == [("failing", 102, LOGIN, False)]
    assert told(story.hear(nightly(102, 1))) == []


def test_another_code() -> None:
    """A login that changes codes leaves the one and enters the other, in that order."""
    story = Story()
    story.hear(nightly(185, 0))
    assert told(story.hear(nightly(103, 1))) == [("left", 185, LOGIN, False), ("failing", 103, LOGIN, True)]


def test_second_code_at_a_login() -> None:
    """A code that another account of the login still stands at is not left."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"))
    assert told(story.hear(nightly(103, 1))) == [("failing", 103, LOGIN, True)]


def test_deleted_leaves() -> None:
    """A deletion leaves the code when no live account stands at it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"))
    assert told(story.hear(deleted(START + DAY))) == []
    assert told(story.hear(deleted(START + DAY, "a2"))) == [("left", 185, LOGIN, False)]


def test_moved_leaves() -> None:
    """An account that moves, without an observation, takes its standing along."""
    story = Story()
    story.hear(nightly(185, 0))
    moved = told(story.hear(nightly(185, 0, login="L2")))
    assert moved == [("left", 185, LOGIN, False), ("failing", 185, "L2", True)]


def test_moved_to_a_failing_login() -> None:
    """A move to a login that stands at the code already is no news of that login."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"))
    assert told(story.hear(nightly(185, 0, login="L2"))) == [("left", 185, LOGIN, False)]


def test_login_unknown() -> None:
    """Accounts whose login is not known stand for themselves; once it is known, the login does."""
    story = Story()
    story.hear(nightly(185, 0, login=None))
    assert told(story.hear(nightly(185, 0, "a2", None))) == [("failing", 185, None, True)]
    assert told(story.hear(nightly(185, 0))) == [("left", 185, None, False), ("failing", 185, LOGIN, True)]


def test_login_unknown_fails_on() -> None:
    """An account whose login is not known enters a code once, however often it is observed at it."""
    story = Story()
    story.hear(nightly(185, 0, login=None))
    assert told(story.hear(nightly(185, 1, login=None))) == [("failing", 185, None, False)]


def test_institution_unknown() -> None:
    """Without an institution there is nobody to tell."""
    assert told(Story().hear(looked(185, bank=None))) == []


def test_migration() -> None:
    """An account whose institution changes leaves its code at the old one and enters it at the new one."""
    story = Story()
    story.hear(nightly(948, 0))
    left, entered = story.hear(looked(948, bank="5")).signals
    assert (left.institution_id, entered.institution_id) == (BANK, "5")


def seen(code: int, at: datetime, account: str = ACCOUNT, login: str | None = LOGIN) -> Event:
    """Give a snapshot whose attempt is at its event time."""
    return looked(code, at, at, account, login)


def test_success_is_counted() -> None:
    """A login that succeeds is counted, not told of."""
    decision = Story().hear(seen(0, START))
    assert (decision.counted, decision.signals) == (((BANK, LOGIN),), ())


@pytest.mark.parametrize(("after", "is_counted"), [(WINDOW, False), (WINDOW + MS, True)])
def test_counted_once_in_a_window(after: timedelta, is_counted: bool) -> None:  # noqa: FBT001 - a case of the table
    """A login is counted once in 30 minutes, whichever of its accounts succeeds."""
    story = Story()
    story.hear(seen(0, START))
    assert bool(story.hear(seen(0, START + after, "a2")).counted) is is_counted


@pytest.mark.parametrize(("after", "is_counted"), [(WINDOW, False), (WINDOW + MS, True)])
def test_not_counted_where_reported(after: timedelta, is_counted: bool) -> None:  # noqa: FBT001 - a case of the table
    """A login that was told of by name within 30 minutes is not counted."""
    story = Story()
    story.hear(seen(185, START))
    assert bool(story.hear(seen(0, START + after, "a2")).counted) is is_counted


def test_leaving_is_a_report() -> None:
    """A success that ends a login's standing is told as that, and not counted as well."""
    story = Story()
    story.hear(seen(185, START))
    decision = story.hear(seen(0, START + HOUR))
    assert (told(decision), decision.counted) == ([("left", 185, LOGIN, False)], ())
    assert story.hear(seen(0, START + HOUR + WINDOW, "a2")).counted == ()


@pytest.mark.parametrize(("after", "is_said"), [(WINDOW, True), (WINDOW + MS, False)])
def test_counted_at(after: timedelta, is_said: bool) -> None:  # noqa: FBT001 - a case of the table
    """A report says when its login was last counted, where that was within 30 minutes."""
    story = Story()
    story.hear(seen(0, START))
    (one,) = story.hear(seen(185, START + after)).signals
    assert isinstance(one, OutgoingSignal)
    assert one.counted_at == (START if is_said else None)


def test_counted_at_is_said_once() -> None:
    """With its report a login's count is over: the next report does not name it again."""
    story = Story()
    story.hear(seen(0, START), seen(0, START, "a3", "L3"))
    left, entered = story.hear(seen(103, START + MINUTE), seen(185, START + 2 * MINUTE)).signals
    assert isinstance(left, OutgoingSignal)
    assert isinstance(entered, OutgoingSignal)
    assert (left.counted_at, entered.counted_at) == (None, None)
    assert dict(story.known.state.counted) == {"L3": START}


def test_not_observed_is_not_counted() -> None:
    """A repetition of a success, and a success that merely moves, are not counted."""
    story = Story()
    story.hear(seen(0, START))
    assert story.hear(looked(0, START + DAY, START)).counted == ()
    assert story.hear(looked(0, START + DAY, START, login="L2")).counted == ()


def test_nobody_to_count() -> None:
    """A success without a known login, or without a known institution, is not counted."""
    assert Story().hear(seen(0, START, login=None)).counted == ()
    assert Story().hear(looked(0, bank=None)).counted == ()


def test_otp_login() -> None:
    """A marked login is in neither number: its reports say so, and its successes are not counted."""
    story = Story()
    story.hear(seen(931, START))
    (left,) = story.hear(seen(0, START + DAY)).signals
    assert isinstance(left, OutgoingSignal)
    assert left.otp
    assert story.hear(seen(0, START + 2 * DAY)).counted == ()


def test_memory_is_one_window() -> None:
    """What was counted and reported is remembered for a window, however many logins there are."""
    story = Story()
    for number in range(20):
        at = START + number * DAY
        story.hear(seen(0, at, f"h{number}", f"H{number}"), seen(185, at, f"f{number}", f"F{number}"))
    assert (len(story.known.state.counted), len(story.known.state.reported)) == (1, 1)


def test_memory_is_bounded_within_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is said to be of ever other logins fills no record: the latest are remembered."""
    monkeypatch.setattr(reports, "REMEMBERED", 3)
    story = Story()
    for number in range(8):
        at = START + number * MINUTE
        story.hear(seen(0, at, f"h{number}", f"H{number}"), seen(185, at, f"f{number}", f"F{number}"))
    assert set(story.known.state.counted) == {"H5", "H6", "H7"}
    assert set(story.known.state.reported) == {"F5", "F6", "F7"}


def test_reports_outlast_other_logins_successes() -> None:
    """A login told of by name is not counted within 30 minutes, whoever of the customer's is counted in between."""
    story = Story()
    story.hear(looked(185, START, START), looked(0, START + MINUTE, START, "b", "L2"))
    decision = story.hear(looked(0, START + 2 * MINUTE, START + MINUTE), looked(0, START + WINDOW, START, "a2"))
    assert (story.counted, decision.counted) == ([(BANK, "L2")], ())


def test_reports_outlast_other_logins_reports() -> None:
    """A login told of by name is not counted within 30 minutes, whichever other login is told of in between."""
    story = Story()
    story.hear(looked(185, START, START), looked(185, START + MINUTE, START, "b", "L2"))
    assert story.hear(looked(0, START + WINDOW, START, "a2")).counted == ()
