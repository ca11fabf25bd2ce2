"""Deleted accounts leave their case, stay deleted, and are forgotten (R12)."""

import pytest

from schemas.policy import Policy, State
from schemas.state import replace
from streams.domain import Outcome, Rules, next_due
from streams.domain.customers.turn import Turn
from streams.domain.timers import timers
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CATALOGUE,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    RULES,
    START,
    Story,
    connected,
    deleted,
    looked,
    nightly,
    tick,
)

GONE = START + DAY


def test_deleted() -> None:
    """A deletion is recorded at its event time, and named by R12."""
    story = Story()
    story.hear(nightly(0, 0))
    decision = story.hear(deleted(GONE))
    assert (decision.outcome, decision.rules, decision.accounts) == (Outcome.DELETED, ("R12",), (ACCOUNT,))
    assert (story.account().deleted_at, story.account().heard_at) == (GONE, GONE)


def test_repeated() -> None:
    """A repeated deletion changes nothing, not even when the account is forgotten."""
    story = Story()
    story.hear(nightly(0, 0), deleted(GONE))
    decision = story.hear(deleted(GONE + HOUR))
    assert (decision.outcome, decision.accounts, decision.changed) == (Outcome.REPEATED_DELETION, (), False)
    assert story.account().deleted_at == GONE


def test_old_attempt_date() -> None:
    """The attempt date of a deletion is not looked at."""
    story = Story()
    story.hear(nightly(185, 0))
    old = deleted(GONE)
    old = replace(old, data=old.data.model_copy(update={"aggregation_attempt_date": START - DAY}))  # type: ignore[union-attr]
    assert story.hear(old).outcome is Outcome.DELETED


def test_one_of_two() -> None:
    """The command goes on while another account needs it; the reason follows who is left."""
    story = Story()
    story.hear(nightly(103, 0), nightly(185, 0, "a2"), deleted(GONE))
    assert story.lines == ["L1 connect-fix issue 103", "L1 connect-fix update 185"]
    story.hear(deleted(GONE, "a2"))
    assert story.lines[2:] == ["L1 connect-fix withdraw deleted 185"]


@pytest.mark.parametrize(("code", "kind"), [(169, "remove-duplicate"), (949, "relink")])
def test_deletion_is_the_remedy(code: int, kind: str) -> None:
    """For remove-duplicate and relink the deletion of the last account completes."""
    story = Story()
    story.hear(nightly(code, 0), deleted(GONE))
    assert story.lines == [f"L1 {kind} issue {code}", f"L1 {kind} complete {code}"]


def test_deletion_is_a_strong_fix() -> None:
    """For remove-duplicate a deletion within the episode lets the code 0 of the rest complete."""
    story = Story()
    story.hear(nightly(169, 0), nightly(169, 0, "a2"), deleted(GONE))
    assert story.episode("remove-duplicate").fixed_at == GONE
    story.hear(nightly(0, 2, "a2"))
    assert story.lines[1:] == ["L1 remove-duplicate complete 169"]


def test_deletion_of_another_account() -> None:
    """The deletion of an account that does not need the kind is no fix of its episode."""
    story = Story()
    story.hear(nightly(169, 0), nightly(0, 0, "a2"), nightly(185, 1, "a3"))
    story.hear(deleted(GONE + HOUR, "a2"), deleted(GONE + HOUR, "a3"), nightly(0, 2))
    assert story.lines[2:] == ["L1 connect-fix withdraw deleted 185", "L1 remove-duplicate withdraw healed 169"]


def test_never_seen() -> None:
    """The deletion of an account never seen keeps older snapshots from bringing it to life."""
    story = Story()
    assert story.hear(deleted(GONE)).outcome is Outcome.DELETED
    assert (story.account().login_id, story.account().institution_id) == (LOGIN, BANK)
    assert story.hear(looked(185, GONE + HOUR, GONE - MS)).outcome is Outcome.AFTER_DELETION
    assert story.lines == []


def test_accounts_deleted() -> None:
    """`accountsDeleted` deletes the accounts that it lists, as one event."""
    story = Story()
    gone = GONE + HOUR
    story.hear(nightly(169, 0), nightly(169, 0, "a2"), nightly(185, 1, "a3"))
    decision = story.hear(connected("accountsDeleted", gone, account_ids=("new", "a2", ACCOUNT), institution_id=BANK))
    assert (decision.outcome, decision.accounts) == (Outcome.DELETED, (ACCOUNT, "a2", "new"))
    assert story.lines[2:] == ["L1 remove-duplicate complete 169"]
    assert [one.account_id for one in decision.signals] == ["a2"]
    assert story.account("new").institution_id == BANK


def test_accounts_deleted_before() -> None:
    """`accountsDeleted` of accounts that are gone changes nothing; one that lists none is no deletion."""
    story = Story()
    story.hear(nightly(0, 0), deleted(GONE))
    decision = story.hear(connected("accountsDeleted", GONE + HOUR, account_ids=(ACCOUNT,)))
    assert (decision.outcome, decision.changed) == (Outcome.REPEATED_DELETION, False)
    assert story.hear(connected("accountsDeleted", GONE + HOUR)).outcome is Outcome.CONNECT


@pytest.mark.parametrize("attempt", [None, GONE, GONE - MS])
def test_stays_deleted(attempt: object) -> None:
    """A snapshot without an attempt later than the deletion changes nothing."""
    story = Story()
    story.hear(nightly(0, 0), deleted(GONE))
    before = story.account()
    decision = story.hear(looked(185, GONE + DAY, attempt, login="L2"))  # type: ignore[arg-type]
    assert (decision.outcome, decision.changed, decision.rules) == (Outcome.AFTER_DELETION, False, ("R1", "R12"))
    assert story.account() is before


def test_revived() -> None:
    """An attempt later than the deletion brings the account back, and opens what it needs."""
    story = Story()
    story.hear(nightly(185, 0), deleted(GONE))
    decision = story.hear(looked(185, GONE + HOUR, GONE + MS))
    assert decision.outcome is Outcome.OBSERVED
    assert "R12" in decision.rules
    assert story.account().deleted_at is None
    assert story.lines[2:] == ["L1 connect-fix issue 185"]
    assert story.episode().opened_at == GONE + MS


def test_revived_without_code() -> None:
    """An account revived without a code stands nowhere: what it needed before it was deleted is over."""
    story = Story()
    story.hear(looked(185, START, START, last_updated_date=START), deleted(GONE))
    assert story.hear(looked(None, GONE + HOUR, GONE + MS)).outcome is Outcome.NEVER_AGGREGATED
    assert (story.account().code, story.account().standing, story.account().login_id) == (None, None, LOGIN)
    assert story.account().updated_at == START
    assert story.lines[2:] == []


def test_attempt_ahead_of_the_event() -> None:
    """An attempt counts as at the event time at the latest, so none at the deletion's own time revives."""
    story = Story()
    story.hear(nightly(0, 0), deleted(GONE))
    assert story.hear(looked(0, GONE, GONE + HOUR)).outcome is Outcome.AFTER_DELETION


def test_due() -> None:
    """A deleted account is due `forget_days` after its deletion; nothing else is ever due."""
    story = Story()
    story.hear(nightly(0, 0), nightly(185, 0, "a2"))
    assert next_due(story.known, RULES) is None
    story.hear(deleted(GONE))
    assert next_due(story.known, RULES) == GONE + 30 * DAY


def test_forgotten_at_a_tick() -> None:
    """A tick at the time due forgets the account, and keeps its case; one before it does not."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 0, "a2", "L2"), deleted(GONE))
    due = GONE + 30 * DAY
    early = story.hear(tick(due - MS))
    assert (early.outcome, early.accounts, early.changed) == (Outcome.TICK, (), False)
    decision = story.hear(tick(due))
    assert (decision.accounts, decision.logins, decision.rules) == ((ACCOUNT,), (), ("R12",))
    assert decision.changed
    assert (story.known.state.account_ids, story.known.state.login_ids) == (("a2",), (LOGIN,))
    assert (story.login().ordinal, story.login().episodes) == (1, {})


def test_ordinals_go_on() -> None:
    """A case that comes back after its account was forgotten gives its next command an id of its own (R4)."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 0, "a2", "L2"), deleted(GONE))
    story.hear(looked(185, GONE + 31 * DAY, START))
    assert [one.episode.ordinal for one in story.commands if one.action == "issue"] == [1, 2]
    assert len({one.command_id for one in story.commands}) == 2


def test_forgotten_before_a_record() -> None:
    """What is due before a record is forgotten just before it; what is due at its time is not yet."""
    story = Story()
    story.hear(nightly(0, 0), nightly(0, 0, "a2"), deleted(GONE))
    due = GONE + 30 * DAY
    story.hear(looked(0, due, due, "a2"))
    assert ACCOUNT in story.known.accounts
    assert story.hear(looked(0, due + MS, due + MS, "a2")).accounts == (ACCOUNT, "a2")
    assert ACCOUNT not in story.known.accounts


def test_forgotten_then_seen() -> None:
    """A forgotten account that comes back is a new one."""
    story = Story()
    story.hear(nightly(185, 0), deleted(GONE))
    decision = story.hear(looked(0, GONE + 31 * DAY, START))
    assert (decision.outcome, decision.phase_before) == (Outcome.OBSERVED, "deleted")
    assert story.account().healed_at == START


def test_nothing_left() -> None:
    """With its last account a customer is forgotten, the ids of its events and its old cases included."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 0, login="L2"), deleted(GONE))
    decision = story.hear(tick(GONE + 30 * DAY))
    assert (decision.customer, decision.accounts, decision.logins) == (None, (ACCOUNT,), (LOGIN, "L2"))


def test_customer_without_accounts() -> None:
    """A customer without accounts is forgotten `forget_days` after its last event."""
    story = Story()
    story.hear(connected("started", START))
    assert next_due(story.known, RULES) == START + 30 * DAY
    assert story.hear(tick(START + 30 * DAY - MS)).customer is not None
    assert story.hear(tick(START + 30 * DAY)).customer is None


def test_ids_are_kept_for_their_days() -> None:
    """However soon accounts are forgotten, the ids of a customer's events are known for `dedupe_days`."""
    rules = Rules(Policy(state=State(forget_days=1, dedupe_days=4)), CATALOGUE)
    story = Story(rules)
    event = deleted(START)
    story.hear(event, tick(START + DAY))
    assert story.known.accounts == {}
    assert story.hear(event).outcome is Outcome.DUPLICATE_EVENT
    assert next_due(story.known, rules) == START + 5 * DAY


def test_timers_name_their_case() -> None:
    """The timer of an account belongs to its case, to none where its login is not known."""
    story = Story()
    story.hear(deleted(GONE), deleted(GONE, "a2", None))
    orders = [timer.order for timer in timers(Turn(story.known, RULES, GONE))]
    assert sorted(orders) == [(GONE + 30 * DAY, "", 12, "a2", 0), (GONE + 30 * DAY, LOGIN, 12, ACCOUNT, 0)]


def test_timers_in_order() -> None:
    """Several accounts are forgotten in the order of their times, by one event."""
    story = Story()
    for day, account in enumerate(("c", "a", "b")):
        story.hear(deleted(START + day * DAY, account))
    assert story.hear(tick(START + 31 * DAY)).accounts == ("a", "c")
    assert tuple(story.known.accounts) == ("b",)


def test_health_goes_with_the_last_word() -> None:
    """When a customer is dropped at last, so is the health of the accounts that were dropped before (R12)."""
    story = Story()
    story.hear(nightly(0, 0), deleted(GONE), connected("started", GONE + 20 * DAY))
    assert story.hear(tick(GONE + 30 * DAY)).customer is not None
    decision = story.hear(tick(GONE + 50 * DAY))
    assert (decision.customer, decision.erased) == (None, (ACCOUNT,))


def test_told_once_more_after_the_account_came_back() -> None:
    """An old deletion that comes in again under a new id deletes; the next attempt brings all back, a day apart."""
    story = Story(RULES)
    story.hear(nightly(185, 0), deleted(GONE), nightly(185, 2))
    story.hear(deleted(GONE))
    assert story.account().deleted_at == START + 2 * DAY + 2 * MINUTE
    story.hear(nightly(185, 3))
    story.wait(START + 5 * DAY)
    assert story.dated[2:] == [
        (START + 2 * DAY + 2 * MINUTE, "L1 connect-fix issue 185"),
        (START + 2 * DAY + 2 * MINUTE, "L1 connect-fix withdraw deleted 185"),
        (START + 3 * DAY + 2 * MINUTE, "L1 connect-fix issue 185"),
    ]
