"""What opens an incident, what does not, and what is told then (R9)."""

from datetime import timedelta
from uuid import uuid5

import pytest

from schemas.cloudevents import from_record, to_headers, to_value
from schemas.commands import COMMAND_NAMESPACE, Action, TicketCause
from schemas.events import EventType, Incident, Source
from schemas.times import to_epoch_ms
from streams.domain.institutions import Outcome
from tests.unit.domain.institutions.build import (
    BANK,
    HOUR,
    MINUTE,
    MS,
    OTHER_BANK,
    START,
    Desk,
    crowd,
    data,
    failing,
    healthy,
    left,
)

CODE = 103
WINDOW = 30 * MINUTE
NEVER = (945, 946, 948, 949, 169, 108, 109)


@pytest.mark.parametrize(("logins", "told"), [(19, []), (20, [("opened", 1, 20, 20)]), (21, [("opened", 1, 20, 20)])])
def test_twenty_logins_are_an_incident(desk: Desk, logins: int, told: list[tuple[str, int, int, int]]) -> None:
    """The twentieth login that newly fails opens it; the nineteenth and the twenty-first do not."""
    desk.hear(*crowd(logins, code=CODE))
    assert desk.told() == told


def test_what_is_told_of_an_opening(desk: Desk) -> None:
    """Every partition is told by one event at the institution's time; its id follows from what it says."""
    decision = desk.hear(*crowd(20, code=CODE))
    (event,) = decision.announced
    at = START + 19 * MS
    assert (event.id, event.type, event.time) == (
        f"incident:{BANK}/103/{to_epoch_ms(at)}",
        EventType.INCIDENT_OPENED,
        at,
    )
    assert (event.source, event.partition_key) == (Source.INSTITUTIONS, None)
    assert event.data == Incident(
        institution_id=BANK, code=CODE, sequence=to_epoch_ms(at), opened_at=at, logins_failing=20, logins_seen=20
    )
    assert from_record(to_headers(event), None, to_value(event.data), to_epoch_ms(at)) == event
    assert (decision.outcome, decision.rules, decision.changed) == (Outcome.INCIDENT_OPENED, ("R9",), True)


def test_what_support_is_told(desk: Desk) -> None:
    """One ticket of its own cause, with the accounts that failed first."""
    desk.hear(*crowd(20, code=CODE))
    (message,) = desk.messages
    ticket, at = data(message), START + 19 * MS
    assert ticket.command_id == str(uuid5(COMMAND_NAMESPACE, f"{BANK}/103/incident/2026-11-01T03:00:00.019000Z"))
    assert (message.time, message.subject) == (at, f"institutions/{BANK}/codes/103")
    assert (ticket.action, ticket.cause, ticket.codes, ticket.opened_at) == (
        Action.ISSUE,
        TicketCause.INCIDENT,
        (CODE,),
        at,
    )
    assert (ticket.logins_affected, ticket.first_seen, ticket.last_seen) == (20, START, at)
    assert ticket.sample_ids == tuple(f"70/account{n}" for n in range(10))
    assert (ticket.evidence.event_ids, ticket.evidence.rules) == (("source-login19-account19",), ("R9",))


@pytest.mark.parametrize(("others", "is_open"), [(5, True), (6, False)])
def test_eighty_percent(desk: Desk, others: int, is_open: bool) -> None:  # noqa: FBT001 - what is expected
    """20 of 25 logins seen are enough, 20 of 26 are not: healthy ones and those that fail otherwise count alike."""
    desk.hear(healthy(others - 3, START), *crowd(3, code=185, first=100), *crowd(20, code=CODE))
    assert bool(desk.announced) is is_open


def test_healthy_logins_of_before_the_window_do_not_count(desk: Desk) -> None:
    """Who succeeded more than 30 minutes ago is not among the logins seen."""
    desk.hear(healthy(1000, START), *crowd(20, START + WINDOW - 18 * MS, CODE))
    assert desk.told() == [("opened", 1, 20, 20)]


@pytest.mark.parametrize(("late", "is_open"), [(timedelta(0), True), (MS, False)])
def test_within_thirty_minutes(desk: Desk, late: timedelta, is_open: bool) -> None:  # noqa: FBT001 - what is expected
    """The first of the twenty may lie 30 minutes back, inclusive."""
    desk.hear(failing("71", START, CODE), *crowd(18, START + MINUTE, CODE), failing("72", START + WINDOW + late, CODE))
    assert bool(desk.announced) is is_open


def test_only_newly_failing_logins_open_one(desk: Desk) -> None:
    """Logins that go on failing are none of the twenty, though they are among the 80 %."""
    desk.hear(*crowd(19, code=CODE), *crowd(50, code=CODE, first=100, entered=False))
    assert desk.announced == []
    desk.hear(failing("72", START + MINUTE, CODE))
    assert desk.told() == [("opened", 1, 70, 70)]


def test_the_opening_signal_need_not_be_new(desk: Desk) -> None:
    """The share may be reached by a login that goes on failing."""
    desk.hear(healthy(6, START), *crowd(20, code=CODE))
    assert desk.announced == []
    desk.hear(*crowd(4, code=CODE, first=100, entered=False))
    assert desk.told() == [("opened", 1, 24, 30)]


def test_one_login_counts_once(desk: Desk) -> None:
    """A login that enters again and again, or fails with many accounts, is one of the twenty."""
    for n in range(30):
        desk.hear(failing("71", START + n * MS, CODE, account=str(n)), left("71", START + n * MS, CODE))
    assert desk.announced == []


def test_a_signal_twice_is_a_login_once(desk: Desk) -> None:
    """The same signals again open nothing."""
    desk.hear(*crowd(19, code=CODE), *crowd(19, code=CODE))
    assert desk.announced == []


def test_a_login_that_left_again_does_not_fail(desk: Desk) -> None:
    """A login that has recovered within the window did newly fail, and was seen, but does not fail."""
    desk.hear(*crowd(10, code=CODE), *(left(f"login{n}", START + MINUTE, CODE) for n in range(5)))
    desk.hear(*crowd(9, START + MINUTE, CODE, first=100))
    assert desk.announced == []
    desk.hear(failing("72", START + MINUTE, CODE))
    assert desk.announced == []  # 20 have newly failed, 15 of them still do: 75 %
    desk.hear(*crowd(5, START + MINUTE, CODE, first=200))
    assert desk.told() == [("opened", 1, 20, 25)]


def test_a_login_fails_if_any_of_its_accounts_does(desk: Desk) -> None:
    """Twenty logins that fail with two codes are two incidents."""
    for n in range(20):
        for code in (CODE, 101):
            desk.hear(failing(f"login{n}", START + n * MS, code, account=f"{code}-{n}"))
    assert [one.subject for one in desk.announced] == [
        f"institutions/{BANK}/codes/103",
        f"institutions/{BANK}/codes/101",
    ]


@pytest.mark.parametrize("code", NEVER)
def test_codes_of_a_customers_own_never_open_one(desk: Desk, code: int) -> None:
    """However many logins have them: what a bank asks of each customer is no incident."""
    desk.hear(*crowd(40, code=code))
    assert desk.announced == []
    assert TicketCause.INCIDENT not in {data(message).cause for message in desk.messages}


@pytest.mark.parametrize("code", [101, 148, 185, 187, 947, 999_999])
def test_any_other_code_opens_one(desk: Desk, code: int) -> None:
    """Institution troubles, support codes, unknown codes and what a customer can mend alike."""
    desk.hear(*crowd(20, code=code))
    assert len(desk.announced) == 1


def test_a_support_code_has_both_tickets(desk: Desk) -> None:
    """The incident's ticket is apart from the support code's own."""
    desk.hear(*crowd(20, code=148))
    assert desk.said(TicketCause.SUPPORT) == [(Action.ISSUE, 0, 1), (Action.UPDATE, 1, 10)]
    assert desk.said(TicketCause.INCIDENT) == [(Action.ISSUE, 0, 20)]


def test_otp_logins_are_in_neither_number(desk: Desk) -> None:
    """Logins marked OTP neither fail nor are seen."""
    desk.hear(*crowd(19, code=185), *crowd(50, code=185, first=100, otp=True))
    assert desk.announced == []
    desk.hear(*crowd(50, code=103, first=200, otp=True), failing("72", START + MINUTE, 185))
    assert desk.told() == [("opened", 1, 20, 20)]


def test_a_login_that_becomes_otp_is_taken_out(desk: Desk) -> None:
    """A login that is marked OTP meanwhile counts no more from its next signal on, a leaving included."""
    desk.hear(*crowd(19, code=185), failing("login0", START + MINUTE, 185, entered=False, otp=True))
    desk.hear(left("login1", START + MINUTE, 185, otp=True))
    desk.hear(*crowd(2, START + MINUTE, 185, first=100))
    assert desk.announced == []
    desk.hear(failing("72", START + MINUTE, 185))
    assert desk.told() == [("opened", 1, 20, 20)]


def test_a_counted_login_is_seen_once(desk: Desk) -> None:
    """A login that was counted healthy and then fails, or leaves another code, is one login that was seen."""
    desk.hear(healthy(26, START), left("71", START + MS, 185, counted_at=START))
    desk.hear(*crowd(20, START + MINUTE, CODE, counted_at=START))
    assert desk.announced == []  # 20 of 26
    desk.hear(failing("72", START + MINUTE, CODE, counted_at=START))
    assert desk.told() == [("opened", 1, 21, 26)]


def test_a_counted_login_that_becomes_otp_is_counted_no_more(desk: Desk) -> None:
    """An OTP login is in neither number, though it succeeded before: 20 of 25 logins are left, not of 26."""
    desk.hear(healthy(6, START), failing("71", START + MS, 185, otp=True, counted_at=START))
    desk.hear(*crowd(20, START + MINUTE, CODE))
    assert desk.told() == [("opened", 1, 20, 25)]


def test_a_count_that_has_left_the_window_is_not_taken_back(desk: Desk) -> None:
    """A late signal of a login that was counted before the window takes none of those counted since: 20 of 26 fail."""
    newest = START + WINDOW + MS
    desk.hear(healthy(1, START), healthy(6, START + 20 * MINUTE), *crowd(19, newest - 18 * MS, CODE))
    desk.hear(failing("72", START + MINUTE, CODE, counted_at=START))
    assert desk.announced == []


def test_accounts_of_unknown_login_stand_for_themselves(desk: Desk) -> None:
    """Where no login is known, each account is one of the twenty."""
    desk.hear(*(failing(None, START + n * MS, CODE, account=str(n)) for n in range(20)))
    assert desk.told() == [("opened", 1, 20, 20)]


def test_the_wait_for_a_login_is_no_observation(desk: Desk) -> None:
    """Signals without a code are in no number."""
    desk.hear(*(failing(None, START + n * MS, None, account=str(n)) for n in range(40)))
    assert (desk.announced, desk.window(BANK).seen) == ([], 0)


def test_institutions_are_apart(desk: Desk) -> None:
    """Logins of another institution are in neither number."""
    desk.hear(*crowd(19, code=CODE), *crowd(19, code=CODE, bank=OTHER_BANK), healthy(100, START, OTHER_BANK))
    desk.hear(failing("72", START + MINUTE, CODE))
    assert desk.told() == [("opened", 1, 20, 20)]


@pytest.mark.parametrize(("behind", "is_open"), [(WINDOW, True), (WINDOW + MS, False)])
def test_a_late_signal(desk: Desk, behind: timedelta, is_open: bool) -> None:  # noqa: FBT001 - what is expected
    """A signal 30 minutes behind the newest may open an incident; one that is later does not, nor counts."""
    newest = START + HOUR
    desk.hear(*crowd(19, newest - 18 * MS, CODE))
    decision = desk.hear(failing("72", newest - behind, CODE))
    assert bool(desk.announced) is is_open
    assert decision.event_time == newest
    assert desk.window(BANK).seen == 19 + is_open


def test_late_leavings_and_counts_are_nothing(desk: Desk) -> None:
    """What is more than 30 minutes behind changes no number, whatever it says."""
    desk.hear(*crowd(19, START + HOUR, CODE), healthy(50, START), left("71", START, CODE))
    assert desk.window(BANK).seen == 19


def test_a_tick_moves_the_window(desk: Desk) -> None:
    """The institution's time is that of its partition's ticks, too: signals from before the window open nothing."""
    desk.hear(*crowd(19, code=CODE))
    desk.tick(START + HOUR)
    desk.hear(failing("72", START + MINUTE, CODE), failing("73", START + HOUR, CODE))
    assert (desk.announced, desk.window(BANK).seen) == ([], 1)
