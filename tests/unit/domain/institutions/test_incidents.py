"""Incidents: what opens one, what does not, what it says while it is open, and what closes it (R9)."""

from datetime import timedelta
from uuid import uuid5

import pytest

from schemas.cloudevents import from_record, to_headers, to_value
from schemas.commands import COMMAND_NAMESPACE, Action, TicketCause
from schemas.events import EventType, Incident, Source
from schemas.policy import Incident as IncidentPolicy
from schemas.times import to_epoch_ms
from streams.domain.institutions import Outcome, case_key, institution_health
from tests.unit.domain.institutions.build import (
    BANK,
    DAY,
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
    ruled,
)

CODE = 103
KEY = case_key(BANK, CODE)
WINDOW = 30 * MINUTE
NEVER = (945, 946, 948, 949, 169, 108, 109)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def troubled(desk: Desk) -> Desk:
    """An institution with an open incident of 20 logins."""
    desk.hear(*crowd(20, code=CODE))
    assert desk.told() == [("opened", 1, 20, 20)]
    return desk


# -- opening


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


def test_what_support_is_told(troubled: Desk) -> None:
    """One ticket of its own cause, with the accounts that failed first."""
    (message,) = troubled.messages
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


# -- while it is open


def test_an_open_incident_gets_no_update(troubled: Desk) -> None:
    """However many more fail, support hears of it once; how many there are stands in the health."""
    troubled.hear(*crowd(100, START + MINUTE, CODE, first=100))
    assert troubled.said() == [(Action.ISSUE, 0, 20)]
    health = institution_health(BANK, {}, {CODE: troubled.incidents[KEY]})
    (incident,), (ticket,) = health.incidents, health.tickets
    assert (incident.code, incident.sequence, incident.opened_at) == (
        CODE,
        to_epoch_ms(START + 19 * MS),
        START + 19 * MS,
    )
    assert (incident.logins_failing, incident.logins_seen) == (120, 120)
    assert (ticket.cause, ticket.code, ticket.logins_affected, ticket.logins_standing) == (
        TicketCause.INCIDENT,
        CODE,
        120,
        120,
    )


def test_a_signal_said_again_changes_nothing(troubled: Desk) -> None:
    """The same login again is neither affected again nor a change."""
    again = failing("login19", START + 19 * MS, CODE, account="account1")
    decision = troubled.hear(again)
    assert (decision.outcome, decision.changed) == (Outcome.STANDING, False)


def test_otp_logins_do_not_count_while_it_is_open(troubled: Desk) -> None:
    """A login that is marked OTP changes nothing of an open incident."""
    assert not troubled.hear(failing("71", START + MINUTE, CODE, otp=True)).changed


def test_it_is_over_for_the_health_when_it_is_closed(troubled: Desk) -> None:
    """A closed incident shows no more."""
    troubled.hear(healthy(80, START + MINUTE))
    health = institution_health(BANK, {}, {CODE: troubled.incidents[KEY]})
    assert (health.incidents, health.tickets) == ((), ())


# -- closing


@pytest.mark.parametrize(("others", "is_closed"), [(79, False), (80, True)])
def test_twenty_percent_close_it(troubled: Desk, others: int, is_closed: bool) -> None:  # noqa: FBT001 - expected
    """20 of 100 are few enough, 20 of 99 are not."""
    decision = troubled.hear(healthy(others, START + MINUTE))
    assert troubled.actions() == (["issue", "complete"] if is_closed else ["issue"])
    assert decision.outcome is (Outcome.INCIDENT_CLOSED if is_closed else Outcome.COUNTED)


def test_what_is_told_of_a_closing(troubled: Desk) -> None:
    """The closing has its own number, the time of the opening, and what there was at the end."""
    (event,) = troubled.hear(healthy(80, START + MINUTE)).announced
    number = to_epoch_ms(START + MINUTE)
    assert (event.id, event.time) == (f"incident:{BANK}/103/{number}", START + MINUTE)
    assert event.type == EventType.INCIDENT_CLOSED
    assert event.data == Incident(
        institution_id=BANK, code=CODE, sequence=number, opened_at=START + 19 * MS, logins_failing=20, logins_seen=100
    )
    assert troubled.said() == [(Action.ISSUE, 0, 20), (Action.COMPLETE, 1, 20)]
    assert len({data(message).command_id for message in troubled.messages}) == 1


@pytest.mark.parametrize(("healthy_logins", "is_closed"), [(19, False), (20, True)])
def test_twenty_logins_must_be_seen(troubled: Desk, healthy_logins: int, is_closed: bool) -> None:  # noqa: FBT001
    """When the failures have left the window, 19 logins that succeed close nothing."""
    troubled.hear(healthy(healthy_logins, START + HOUR))
    assert len(troubled.announced) == 1 + is_closed


def test_silence_closes_nothing(troubled: Desk) -> None:
    """No login at all is no recovery."""
    troubled.tick(START + 11 * HOUR)
    troubled.hear(failing("71", START + 11 * HOUR, 185))
    assert troubled.actions() == ["issue"]


def test_logins_that_leave_close_it(troubled: Desk) -> None:
    """The sixteenth of twenty that recovers closes it."""
    for n in range(16):
        assert len(troubled.announced) == 1
        troubled.hear(left(f"login{n}", START + MINUTE, CODE))
    assert troubled.told()[1:] == [("closed", 2, 4, 20)]


def test_a_failure_with_another_code_closes_it(troubled: Desk) -> None:
    """Logins that fail otherwise are seen and do not fail with it; what closes one may open another."""
    troubled.hear(*crowd(79, START + MINUTE, 185, first=100))
    assert len(troubled.announced) == 1
    troubled.hear(failing("72", START + MINUTE, 185))
    assert [(one.subject, one.type.rpartition(".")[2]) for one in troubled.announced] == [
        (f"institutions/{BANK}/codes/103", "opened"),
        (f"institutions/{BANK}/codes/103", "closed"),
        (f"institutions/{BANK}/codes/185", "opened"),
    ]


@pytest.mark.parametrize(("late", "is_closed"), [(-MS, False), (timedelta(0), True)])
def test_twelve_hours_close_it(troubled: Desk, late: timedelta, is_closed: bool) -> None:  # noqa: FBT001 - expected
    """A tick closes it 12 hours after its opening, to the millisecond, at the time that was due."""
    due = START + 19 * MS + 12 * HOUR
    troubled.tick(due + late)
    assert len(troubled.announced) == 1 + is_closed
    assert troubled.messages[-1].time == (due if is_closed else START + 19 * MS)


@pytest.mark.parametrize(("late", "is_closed"), [(timedelta(0), False), (MS, True)])
def test_a_signal_after_twelve_hours_closes_it_first(troubled: Desk, late: timedelta, is_closed: bool) -> None:  # noqa: FBT001
    """The timer fires just before the first signal of the institution that is later."""
    due = START + 19 * MS + 12 * HOUR
    troubled.hear(failing("71", due + late, 101))
    assert len(troubled.announced) == 1 + is_closed
    if is_closed:
        assert troubled.announced[1].time == due


def test_it_opens_again_with_the_next_numbers(troubled: Desk) -> None:
    """A second incident of the pair is another one, with another ticket; the sequence goes on."""
    troubled.tick(START + DAY)
    troubled.hear(*crowd(20, START + DAY, CODE), healthy(80, START + DAY + MINUTE))
    assert [(what, sequence) for what, sequence, _, _ in troubled.told()] == [
        ("opened", 1),
        ("closed", 2),
        ("opened", 3),
        ("closed", 4),
    ]
    assert len({data(message).command_id for message in troubled.messages}) == 2


def test_a_forgotten_state_announces_above_what_was_told(troubled: Desk) -> None:
    """Who has lost all state tells of the next incident with a larger sequence than the one before had."""
    troubled.tick(START + DAY)
    anew = Desk()
    anew.hear(*crowd(20, START + DAY + HOUR, CODE))
    (opened,) = anew.announced
    assert isinstance(opened.data, Incident)
    assert opened.data.sequence > max(one.data.sequence for one in troubled.announced if isinstance(one.data, Incident))


def test_sequences_rise_within_a_millisecond(troubled: Desk) -> None:
    """What closes at the very time at which it opened is told of with the next number."""
    (opened,) = troubled.announced
    (closed,) = troubled.hear(healthy(80, opened.time)).announced
    assert isinstance(closed.data, Incident)
    assert closed.data.sequence == to_epoch_ms(opened.time) + 1


def test_it_lasts_on_right_after_twelve_hours(desk: Desk) -> None:
    """While logins go on to fail anew, the incident that had to close opens again at once."""
    for n in range(14 * 60):
        desk.hear(failing(f"login{n}", START + n * MINUTE, CODE))
    assert [what for what, *_ in desk.told()] == ["opened", "closed", "opened"]
    opened, closed, again = desk.announced
    assert (closed.time - opened.time, again.time - closed.time) == (12 * HOUR, MINUTE)


def test_two_openings_have_different_times(desk: Desk) -> None:
    """At the very time of its opening an incident that has closed does not open again: its ticket would be the same."""
    rules = IncidentPolicy(min_logins=1, open_share=0.6, close_share=0.5)
    desk.rules = ruled(incident=rules)
    again = [failing("71", START, CODE), healthy(1, START), failing("72", START, CODE), failing("73", START, CODE)]
    desk.hear(*again)
    assert [what for what, *_ in desk.told()] == ["opened", "closed"]
    desk.hear(failing("74", START + MS, CODE))
    assert [what for what, *_ in desk.told()] == ["opened", "closed", "opened"]


def test_a_shorter_limit_counts_at_once(troubled: Desk) -> None:
    """A new policy moves the end of an incident that is open."""
    troubled.rules = ruled(incident=IncidentPolicy(max_hours=1))
    troubled.tick(START + 2 * HOUR)
    assert troubled.actions() == ["issue", "complete"]


def test_numbers_are_policy() -> None:
    """Window, number and shares are the policy's; a share that is no binary number is met exactly."""
    desk = Desk(ruled(incident=IncidentPolicy(window_minutes=1, min_logins=7, open_share=0.7, close_share=0.3)))
    desk.hear(healthy(3, START), *crowd(7, START, CODE))
    assert desk.told() == [("opened", 1, 7, 10)]
    desk.hear(healthy(3, START + 2 * MINUTE), healthy(4, START + 2 * MINUTE))
    assert desk.told()[1:] == [("closed", 2, 0, 7)]


def test_samples_of_a_small_incident() -> None:
    """An incident of fewer accounts than a ticket names has those named that fail later."""
    desk = Desk(ruled(incident=IncidentPolicy(min_logins=2)))
    desk.hear(*crowd(2, code=CODE), failing("71", START + MINUTE, CODE, account="later"), healthy(20, START + MINUTE))
    assert [data(one).sample_ids for one in desk.messages] == [
        ("70/account0", "70/account1"),
        ("70/account0", "70/account1", "70/later"),
    ]
