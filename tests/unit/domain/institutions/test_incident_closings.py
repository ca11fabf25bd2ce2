"""What an incident says while it is open, what closes it, and when it opens again (R9)."""

from datetime import timedelta

import pytest

from schemas.commands import Action, TicketCause
from schemas.events import EventType, Incident
from schemas.policy import Incident as IncidentPolicy
from schemas.times import to_epoch_ms
from streams.domain.institutions import Outcome, case_key, institution_health
from tests.unit.domain.institutions.build import (
    BANK,
    DAY,
    HOUR,
    MINUTE,
    MS,
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


@pytest.fixture
def troubled(desk: Desk) -> Desk:
    """An institution with an open incident of 20 logins."""
    desk.hear(*crowd(20, code=CODE))
    assert desk.told() == [("opened", 1, 20, 20)]
    return desk


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
