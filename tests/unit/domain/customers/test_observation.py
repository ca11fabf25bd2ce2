"""When a snapshot is an observation, and what it says otherwise (R1, R13)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.domain import Outcome
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    START,
    Story,
    connected,
    looked,
    nightly,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATER = START + HOUR


def test_first() -> None:
    """A first snapshot with a code is an observation at its attempt."""
    story = Story()
    assert story.hear(looked(185, LATER)).outcome is Outcome.OBSERVED
    account = story.account()
    assert (account.code, account.standing, account.attempted_at) == (185, 185, START)
    assert (account.heard_at, account.healed_at, account.healthy_at) == (LATER, None, None)


def test_healthy() -> None:
    """Code 0 is kept as the latest success: by its attempt, and by its event time."""
    story = Story()
    story.hear(looked(0, LATER), looked(185, LATER + DAY, START + DAY))
    assert (story.account().healed_at, story.account().healthy_at) == (START, LATER)


@pytest.mark.parametrize("known", [None, 0, 185])
def test_codes_that_say_nothing_of_the_login(known: int | None) -> None:
    """Institution, support and unknown codes change the code, but not how the account stands."""
    for code in (102, 900, 777_777):
        story = Story()
        story.hear(looked(known), nightly(code, 1))
        assert (story.account().code, story.account().standing) == (code, known)


def test_stale() -> None:
    """An attempt older than the account's last changes nothing at all but the customer's clock."""
    story = Story()
    story.hear(looked(0, LATER, START))
    before = story.account()
    decision = story.hear(looked(185, LATER + HOUR, START - MS, login="L2"))
    assert decision.outcome is Outcome.STALE
    assert (decision.changed, decision.accounts, story.account()) == (False, (), before)
    assert story.known.state.event_time == LATER + HOUR


def test_duplicate() -> None:
    """The same attempt with a code already seen at it is a duplicate, whatever came between."""
    story = Story()
    story.hear(looked(185), looked(0))
    decision = story.hear(looked(185))
    assert decision.outcome is Outcome.DUPLICATE
    assert story.account().code == 0
    assert not decision.changed


def test_duplicate_is_heard() -> None:
    """A duplicate moves the time at which the account was heard of, which alone is no change."""
    story = Story()
    story.hear(looked(185))
    decision = story.hear(looked(185, LATER))
    assert (decision.accounts, decision.changed, story.account().heard_at) == ((ACCOUNT,), False, LATER)


def test_another_code_at_the_attempt() -> None:
    """The same attempt with a code not yet seen at it is an observation; such codes are remembered up to a limit."""
    story = Story()
    outcomes = [story.hear(looked(code)).outcome for code in range(10)]
    assert set(outcomes) == {Outcome.OBSERVED}
    assert story.account().codes_at_attempt == tuple(range(2, 10))


def test_without_attempt() -> None:
    """Without an attempt date only a change of code is a new attempt, at event time."""
    story = Story()
    assert story.hear(looked(185, START, None)).outcome is Outcome.OBSERVED
    assert story.hear(looked(185, LATER, None)).outcome is Outcome.DUPLICATE
    assert story.account().attempted_at == START
    assert story.hear(looked(0, LATER, None)).outcome is Outcome.OBSERVED
    assert story.account().attempted_at == LATER


def test_without_attempt_after_a_fix() -> None:
    """Without an attempt date the same code is a new attempt once more when a strong fix event lies between."""
    story = Story()
    story.hear(looked(185, START, None), connected("done", START, institution_login_ids=(LOGIN,)))
    assert story.hear(looked(185, START, None)).outcome is Outcome.OBSERVED
    assert story.hear(looked(185, LATER, None)).outcome is Outcome.DUPLICATE


def test_without_attempt_after_a_weak_fix() -> None:
    """A weak fix event makes no new attempt of the same code."""
    story = Story()
    story.hear(looked(0, START, None), connected("done", START))
    assert story.hear(looked(0, LATER, None)).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize("field", ["last_updated_date", "aggregation_success_date"])
@pytest.mark.parametrize(("offset", "outcome"), [(-MS, Outcome.STALE), (0 * MS, Outcome.OBSERVED)])
def test_without_attempt_stale(field: str, offset: timedelta, outcome: Outcome) -> None:
    """Without an attempt date a snapshot is stale by an earlier update, or success, than seen of the same kind."""
    story = Story()
    first: dict[str, Any] = {field: START}
    second: dict[str, Any] = {field: START + offset}
    story.hear(looked(0, LATER, None, **first))
    assert story.hear(looked(185, LATER, None, **second)).outcome is outcome


def test_kinds_of_dates_are_apart() -> None:
    """An update earlier than the latest success, or the reverse, makes nothing stale."""
    story = Story()
    story.hear(looked(0, LATER, None, aggregation_success_date=START))
    assert story.hear(looked(185, LATER, None, last_updated_date=START - DAY)).outcome is Outcome.OBSERVED


def test_latest_dates_stay() -> None:
    """The latest update and success seen are kept, when an earlier one comes with a later attempt."""
    story = Story()
    story.hear(looked(0, LATER, START, last_updated_date=START, aggregation_success_date=START))
    story.hear(looked(0, LATER, LATER, last_updated_date=START - DAY, aggregation_success_date=START - DAY))
    assert (story.account().updated_at, story.account().succeeded_at) == (START, START)
    story.hear(looked(0, LATER, LATER, last_updated_date=LATER, aggregation_success_date=LATER))
    assert (story.account().updated_at, story.account().succeeded_at) == (LATER, LATER)


def test_attempt_ahead() -> None:
    """An attempt later than the event time counts as at the event time, up to 24 hours ahead."""
    story = Story()
    decision = story.hear(looked(185, START, START + DAY))
    assert (story.account().attempted_at, decision.future_dates) == (START, 0)


def test_dates_too_far_ahead() -> None:
    """Dates more than 24 hours ahead of the event time count as absent, and are counted."""
    story = Story()
    far = START + DAY + MS
    decision = story.hear(looked(185, START, far, last_updated_date=far, aggregation_success_date=far))
    account = story.account()
    assert (account.attempted_at, account.updated_at, account.succeeded_at) == (START, None, None)
    assert decision.future_dates == 3
    assert story.hear(looked(185, START, far)).outcome is Outcome.DUPLICATE


def test_epoch_is_absent() -> None:
    """A date of 0 counts as absent, and is not counted as ahead."""
    story = Story()
    decision = story.hear(looked(0, START, EPOCH, last_updated_date=EPOCH, authorization_end_date=EPOCH))
    account = story.account()
    assert (account.attempted_at, account.updated_at, account.authorization_end) == (START, None, None)
    assert decision.future_dates == 0


def test_never_aggregated() -> None:
    """A snapshot without a code is no observation, but makes the account known."""
    story = Story()
    assert story.hear(looked(None, START, None)).outcome is Outcome.NEVER_AGGREGATED
    account = story.account()
    assert (account.code, account.attempted_at, account.login_id, account.institution_id) == (None, None, LOGIN, BANK)


def test_code_that_goes_missing() -> None:
    """A snapshot without a code leaves the last code as it is."""
    story = Story()
    story.hear(looked(185))
    story.hear(looked(None, LATER, None))
    assert story.account().code == 185


@pytest.mark.parametrize("code", [185, None])
def test_news(code: int | None) -> None:
    """A duplicate or code-less snapshot is believed on login, institution and authorisation."""
    story = Story()
    story.hear(looked(185))
    end = START + 90 * DAY
    decision = story.hear(
        looked(code, START, START, login="L2", bank="5", authorization_end_date=end, authorization_expires=True)
    )
    account = story.account()
    assert (account.login_id, account.institution_id) == ("L2", "5")
    assert (account.authorization_end, account.authorization_expires) == (end, True)
    assert decision.changed
    assert decision.rules[:2] == ("R1", "R13")


def test_nothing_is_erased() -> None:
    """What a snapshot leaves out stays known: login, institution, authorisation."""
    story = Story()
    end = START + 90 * DAY
    story.hear(looked(0, authorization_end_date=end, authorization_expires=False))
    story.hear(looked(0, LATER, LATER, login=None, bank=None))
    account = story.account()
    assert (account.login_id, account.institution_id) == (LOGIN, BANK)
    assert (account.authorization_end, account.authorization_expires) == (end, False)


def test_migration_keeps_history() -> None:
    """A changed institution leaves the account its history (R13)."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1))
    assert "R13" in story.hear(looked(948, START + 2 * DAY, START + 2 * DAY, bank="5")).rules
    assert (story.account().healed_at, story.account().institution_id) == (START + DAY, "5")


def test_failing_since() -> None:
    """A stretch of codes of one kind starts with its first attempt, through codes that say nothing of the login."""
    story = Story()
    story.hear(nightly(185, 0), nightly(102, 1), nightly(103, 2))
    assert story.account().failing_since == START
    story.hear(nightly(949, 3))
    assert story.account().failing_since == START + 3 * DAY
    story.hear(nightly(0, 4))
    assert story.account().failing_since is None


def test_time_does_not_run_back() -> None:
    """A record later in the log counts as not earlier than the customer's latest."""
    story = Story()
    story.hear(looked(0, LATER))
    decision = story.hear(looked(185, START, START + MINUTE))
    assert (decision.event_time, story.account().heard_at, story.account().attempted_at) == (
        LATER,
        LATER,
        START + MINUTE,
    )
