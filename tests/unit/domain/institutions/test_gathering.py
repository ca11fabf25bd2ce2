"""Codes that nobody knows: which failures make a ticket, and what it then says (R11)."""

from datetime import timedelta

import pytest

from schemas.commands import Action, TicketCause
from schemas.policy import Ticket as TicketPolicy
from schemas.policy import Unknown
from streams.domain.institutions import InstitutionDecision, Outcome, case_key, due, fire, gathering
from tests.unit.domain.institutions.build import (
    BANK,
    DAY,
    HOUR,
    MS,
    OTHER_BANK,
    START,
    Desk,
    crowd,
    data,
    failing,
    left,
    ruled,
    wanted,
)

CODE = 999_999
KEY = case_key(BANK, CODE)
WEEK = 7 * DAY


def test_five_logins_are_a_ticket(desk: Desk) -> None:
    """The fifth distinct login issues a ticket over all five; the fourth does not, nor the fourth again."""
    desk.hear(*crowd(4, code=CODE), failing("login3", START + HOUR, CODE, entered=False))
    assert desk.messages == []
    decision = desk.hear(failing("login4", START + DAY, CODE, account="account4"))
    (ticket,) = map(data, desk.messages)
    assert (decision.outcome, decision.rules) == (Outcome.OPENED, ("R11",))
    assert (ticket.action, ticket.cause, ticket.codes) == (Action.ISSUE, TicketCause.UNKNOWN_CODE, (CODE,))
    assert (ticket.reason.code, ticket.reason.cause) == (CODE, "unknown_code")
    assert (ticket.logins_affected, ticket.opened_at) == (5, START + DAY)
    assert (ticket.first_seen, ticket.last_seen) == (START, START + DAY)
    assert ticket.sample_ids == tuple(f"70/account{n}" for n in range(5))
    assert ticket.evidence.rules == ("R11",)
    assert (desk.gatherings, len(desk.standings), desk.tickets[KEY].standing) == ({}, 5, 5)


def test_a_code_known_by_name_only_is_unknown(desk: Desk) -> None:
    """What the catalogue lists without a remedy is treated as what it does not list."""
    desk.hear(*crowd(5, code=106))
    assert [(one.cause, one.reason.cause) for one in map(data, desk.messages)] == [
        (TicketCause.UNKNOWN_CODE, "more_information_needed")
    ]


@pytest.mark.parametrize(("late", "said"), [(timedelta(0), ["issue"]), (MS, [])])
def test_within_seven_days(desk: Desk, late: timedelta, said: list[str]) -> None:
    """The first of the five may lie seven days back, inclusive, and not a millisecond more."""
    desk.hear(failing("71", START, CODE), *crowd(3, START + DAY, CODE), failing("72", START + WEEK + late, CODE))
    assert desk.actions() == said


def test_a_late_signal_counts_by_its_own_time(desk: Desk) -> None:
    """A failure that is heard of late counts if it lies within the seven days before the newest, else it does not."""
    desk.hear(*crowd(4, START + WEEK, CODE))
    newest = START + WEEK + 3 * MS
    desk.hear(failing("old", newest - WEEK - MS, CODE))
    assert desk.messages == []
    desk.hear(failing("just", newest - WEEK, CODE))
    assert [one.logins_affected for one in map(data, desk.messages)] == [6]


def test_a_login_that_left_has_failed_all_the_same(desk: Desk) -> None:
    """A login that has recovered is one of the five; under the ticket it does not stand."""
    desk.hear(*crowd(4, code=CODE), left("login0", START + HOUR, CODE), failing("71", START + DAY, CODE))
    assert [one.logins_affected for one in map(data, desk.messages)] == [5]
    assert (desk.tickets[KEY].standing, desk.standings[f"{KEY}/70/login0"].left_at) == (4, START + HOUR)


def test_a_login_that_fails_again_after_leaving_stands(desk: Desk) -> None:
    """What is gathered of a login is how it stands now, with the first and the last time of its failing."""
    desk.hear(failing("71", START, CODE), left("71", START + HOUR, CODE), failing("71", START + DAY, CODE))
    desk.hear(wanted(START + DAY, "71", CODE))
    (ticket,) = map(data, desk.messages)
    assert (ticket.first_seen, ticket.logins_affected, desk.tickets[KEY].standing) == (START, 1, 1)


def test_leaving_twice_or_unheard_of_changes_nothing(desk: Desk) -> None:
    """Only a gathered login leaves, and only once."""
    assert not desk.hear(left("71", START, CODE)).changed
    desk.hear(failing("71", START, CODE))
    assert not desk.hear(left("72", START, CODE)).changed
    assert desk.hear(left("71", START + HOUR, CODE)).outcome is Outcome.LEFT
    assert not desk.hear(left("71", START + DAY, CODE)).changed
    assert desk.gatherings[KEY].logins["70/71"].left_at == START + HOUR


def test_a_signal_said_again_changes_nothing(desk: Desk) -> None:
    """The same failure again is neither another login nor a change."""
    desk.hear(failing("71", START, CODE))
    assert not desk.hear(failing("71", START, CODE)).changed


def test_logins_that_left_long_ago_are_forgotten(desk: Desk) -> None:
    """After seven days only those that still stand are remembered; these belong to a ticket that opens later."""
    desk.hear(*crowd(2, code=CODE), left("login0", START + HOUR, CODE), failing("71", START + 8 * DAY, CODE))
    assert list(desk.gatherings[KEY].logins) == ["70/login1", "70/71"]
    desk.hear(wanted(START + 8 * DAY, "71", CODE))
    assert [one.logins_affected for one in map(data, desk.messages)] == [2]


@pytest.mark.parametrize(("late", "affected"), [(timedelta(0), 2), (MS, 1)])
def test_a_wish_covers_no_login_that_left_long_ago(desk: Desk, late: timedelta, affected: int) -> None:
    """One that failed more than seven days ago and left is none of the ticket, though nothing was gathered since."""
    desk.hear(failing("71", START, CODE), left("71", START + HOUR, CODE), failing("72", START + HOUR, CODE))
    desk.hear(wanted(START + WEEK + late, "72", CODE))
    assert [one.logins_affected for one in map(data, desk.messages)] == [affected]


def test_gathering_has_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many logins the one heard of longest ago goes."""
    monkeypatch.setattr(gathering, "GATHERED", 3)
    desk.hear(*crowd(3, code=CODE), failing("login0", START + HOUR, CODE), failing("71", START + HOUR, CODE))
    assert list(desk.gatherings[KEY].logins) == ["70/login2", "70/login0", "70/71"]


def test_a_wish_is_a_ticket(desk: Desk) -> None:
    """An account at which the code stays asks for a ticket, over all logins that were gathered."""
    desk.hear(failing("71", START, CODE), failing("72", START + HOUR, CODE))
    decision = desk.hear(wanted(START + 3 * DAY, "71", CODE))
    (ticket,) = map(data, desk.messages)
    assert (ticket.cause, ticket.logins_affected, ticket.opened_at) == (TicketCause.UNKNOWN_CODE, 2, START + 3 * DAY)
    assert (ticket.first_seen, ticket.last_seen, ticket.evidence.event_ids) == (
        START,
        START + 3 * DAY,
        ("wish-71-59",),
    )
    assert decision.event_time == START + 3 * DAY


def test_a_second_wish_opens_no_second_ticket(desk: Desk) -> None:
    """While the ticket is open, a further account that asks is one of it; the same one changes nothing."""
    desk.hear(wanted(START, "71", CODE))
    assert not desk.hear(wanted(START, "71", CODE)).changed
    desk.hear(wanted(START + HOUR, "72", CODE))
    assert desk.said() == [(Action.ISSUE, 0, 1)]
    assert desk.tickets[KEY].affected == 2


def test_updated_and_completed_as_a_support_ticket(desk: Desk) -> None:
    """10 logins update the ticket; seven days after the last has left it is complete."""
    desk.hear(*crowd(10, code=CODE), *(left(f"login{n}", START + HOUR, CODE) for n in range(10)))
    desk.tick(START + HOUR + WEEK)
    assert desk.said() == [(Action.ISSUE, 0, 5), (Action.UPDATE, 1, 10), (Action.COMPLETE, 2, 10)]
    assert (desk.tickets, desk.standings) == ({}, {})


@pytest.mark.parametrize(("update_at", "said"), [((5,), ["issue"]), ((3, 5), ["issue"]), ((4, 6), ["issue", "update"])])
def test_thresholds_passed_at_issue_give_no_update(update_at: tuple[int, ...], said: list[str]) -> None:
    """A ticket that opens over five logins has passed every number up to five."""
    desk = Desk(ruled(ticket=TicketPolicy(update_at=update_at)))
    desk.hear(*crowd(6, code=CODE))
    assert desk.actions() == said


def test_how_many_is_policy() -> None:
    """The number of logins is the policy's; one is enough if it says so."""
    desk = Desk(ruled(unknown=Unknown(logins=1)))
    desk.hear(failing("71", START, CODE))
    assert desk.actions() == ["issue"]
    assert desk.gatherings == {}


def test_institutions_and_codes_gather_apart(desk: Desk) -> None:
    """Logins of other institutions, or at other unknown codes, are none of the five."""
    desk.hear(*crowd(3, code=CODE), *crowd(3, code=CODE - 1), *crowd(3, code=CODE, bank=OTHER_BANK))
    assert desk.messages == []


def test_after_completion_five_more_are_needed(desk: Desk) -> None:
    """A ticket that is complete leaves nothing behind that would count for the next."""
    desk.hear(*crowd(5, code=CODE), *(left(f"login{n}", START, CODE) for n in range(5)))
    later = START + 8 * DAY
    desk.hear(*crowd(4, later, CODE))
    assert desk.actions() == ["issue", "complete"]
    desk.hear(failing("71", later + HOUR, CODE))
    assert desk.actions() == ["issue", "complete", "issue"]


@pytest.mark.parametrize(
    ("code", "cause"),
    [(CODE, TicketCause.SUPPORT), (CODE, TicketCause.LOGIN_UNKNOWN), (None, TicketCause.UNKNOWN_CODE)],
)
def test_other_wishes_are_ignored(desk: Desk, code: int | None, cause: TicketCause) -> None:
    """A wish for what only this agent opens, or that has a code too many or too few, moves the time and no more."""
    decision = desk.hear(wanted(START, "71", code, cause=cause))
    assert decision == InstitutionDecision(event_time=START)


def test_what_gathering_comes_to(desk: Desk) -> None:
    """A login that is gathered and one that leaves again are told apart, by R11."""
    decisions = [desk.hear(failing("71", START, CODE)), desk.hear(left("71", START + HOUR, CODE))]
    assert [(one.outcome, one.rules) for one in decisions] == [(Outcome.GATHERED, ("R11",)), (Outcome.LEFT, ("R11",))]


def test_a_login_that_left_goes_after_its_seven_days(desk: Desk) -> None:
    """A tick forgets it when it counts for no ticket any more; one that stands stays, however long."""
    desk.hear(failing("71", START, CODE), failing("72", START + HOUR, CODE), left("71", START + HOUR, CODE))
    desk.tick(START + WEEK)
    assert list(desk.gatherings[KEY].logins) == ["70/71", "70/72"]
    desk.tick(START + WEEK + MS)
    assert list(desk.gatherings[KEY].logins) == ["70/72"]
    desk.tick(START + 400 * DAY)
    assert list(desk.gatherings[KEY].logins) == ["70/72"]


def test_a_gathering_goes_with_its_last_login(desk: Desk) -> None:
    """Where all have left nothing is kept for ever, and nothing is said."""
    desk.hear(*crowd(2, code=CODE), left("login0", START + HOUR, CODE), left("login1", START + 8 * DAY, CODE))
    assert due(desk.gatherings[KEY], desk.rules) == START + WEEK + MS
    desk.tick(START + WEEK + MS)
    assert due(desk.gatherings[KEY], desk.rules) == START + 8 * DAY
    assert fire(desk, KEY, desk.gatherings[KEY], START + 8 * DAY - MS, desk.rules) == InstitutionDecision()
    decision = fire(desk, KEY, desk.gatherings[KEY], START + 8 * DAY, desk.rules)
    assert (decision.outcome, decision.rules, decision.changed) == (Outcome.DROPPED, ("R11",), True)
    desk.tick(START + 8 * DAY)
    assert (desk.gatherings, desk.messages) == ({}, [])


def test_a_gathering_in_which_all_stand_has_no_timer(desk: Desk) -> None:
    """What still fails may be of a ticket at any time."""
    desk.hear(*crowd(4, code=CODE))
    assert due(desk.gatherings[KEY], desk.rules) is None
