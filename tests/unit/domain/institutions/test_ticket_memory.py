"""What the records of a ticket's logins cost: how they are given up, and that there is an end to them."""

from datetime import timedelta

import pytest

from schemas.commands import Action
from streams.domain.institutions import Outcome, due, tickets
from tests.unit.domain.institutions.build import DAY, HOUR, MS, RULES, START, Desk, crowd, data, failing, left


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "DROPPED_AT_ONCE", 2)


@pytest.fixture
def three_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "REMEMBERED", 3)


def test_completion_leaves_nothing_behind(desk: Desk) -> None:
    """With the ticket its record and those of its logins go; the decision says so and what caused it."""
    desk.hear(*crowd(2), left("login0", START + DAY), left("login1", START + DAY))
    decision = desk.fire("102105/148", START + 8 * DAY)
    assert (decision.outcome, decision.rules, decision.event_time) == (Outcome.COMPLETED, ("R10",), None)
    assert decision.tickets == {"102105/148": None}
    assert decision.standings == {"102105/148/70/login1": None, "102105/148/70/login0": None}
    assert data(decision.messages[0]).evidence.event_ids == ()
    assert (desk.tickets, desk.standings) == ({}, {})


@pytest.mark.usefixtures("two_at_once")
def test_records_are_given_up_step_by_step(desk: Desk) -> None:
    """A complete ticket gives up its logins a few at a time, a minute apart, without a further word."""
    desk.hear(*crowd(5), *(left(f"login{n}", START + DAY) for n in range(5)))
    sizes = []
    for step in range(3):
        at = START + 8 * DAY + timedelta(minutes=step)
        assert due(desk.tickets["102105/148"], RULES) == at
        outcome = desk.fire("102105/148", at).outcome
        sizes.append((outcome.value, len(desk.standings), len(desk.tickets)))
    assert sizes == [("completed", 3, 1), ("dropped", 1, 1), ("dropped", 0, 0)]
    assert desk.actions() == ["issue", "complete"]


@pytest.mark.usefixtures("two_at_once")
def test_ticket_that_opens_meanwhile_takes_the_rest_over(desk: Desk) -> None:
    """A ticket that opens before all is given up counts from nothing and gives up the rest with its own."""
    desk.hear(*crowd(5), *(left(f"login{n}", START + DAY) for n in range(5)))
    desk.fire("102105/148", START + 8 * DAY)
    again = START + 8 * DAY + MS
    desk.hear(failing("login1", again), failing("new", again), left("login1", again), left("new", again))
    assert desk.tickets["102105/148"].affected == 2
    desk.tick(again + 8 * DAY)
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.COMPLETE, 1, 5), (Action.ISSUE, 0, 1), (Action.COMPLETE, 1, 2)]
    assert (desk.tickets, desk.standings) == ({}, {})


def test_broken_chain_ends_where_it_breaks(desk: Desk) -> None:
    """A record that is missing ends the giving up rather than the agent."""
    desk.hear(*crowd(3), *(left(f"login{n}", START + DAY) for n in range(3)))
    del desk.standings["102105/148/70/login1"]
    desk.tick(START + 8 * DAY)
    assert desk.actions() == ["issue", "complete"]
    assert list(desk.standings) == ["102105/148/70/login0"]


@pytest.mark.usefixtures("three_remembered")
def test_logins_beyond_the_limit_are_counted_without_a_record(desk: Desk) -> None:
    """The ticket knows how many are affected and how many stand, and no more than so many by name."""
    desk.hear(*crowd(5))
    ticket = desk.tickets["102105/148"]
    assert (ticket.affected, ticket.standing, ticket.remembered, ticket.beyond, len(desk.standings)) == (5, 5, 3, 2, 3)
    desk.hear(*(left(f"login{n}", START + HOUR) for n in range(4)))
    assert due(desk.tickets["102105/148"], RULES) is None
    desk.hear(left("login4", START + 2 * HOUR))
    desk.tick(START + 2 * HOUR + 7 * DAY)
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.COMPLETE, 1, 5)]
    assert (desk.tickets, desk.standings) == ({}, {})


@pytest.mark.usefixtures("three_remembered")
def test_login_without_a_record_counts_when_it_enters(desk: Desk) -> None:
    """Beyond the limit a login that goes on failing is not counted again; one that enters again is."""
    desk.hear(*crowd(4))
    again = desk.hear(failing("login3", START + HOUR, entered=False))
    assert (again.outcome, desk.tickets["102105/148"].affected) == (Outcome.STANDING, 4)
    desk.hear(left("login3", START + HOUR), failing("login3", START + HOUR))
    assert (desk.tickets["102105/148"].affected, desk.tickets["102105/148"].standing) == (5, 4)


@pytest.mark.usefixtures("three_remembered")
def test_login_without_a_record_that_fails_keeps_the_ticket_open(desk: Desk) -> None:
    """While nobody stands, a login that fails is one that stands, even where its entering was not heard."""
    desk.hear(*crowd(3), *(left(f"login{n}", START + HOUR) for n in range(3)))
    desk.hear(failing("late", START + DAY, entered=False))
    assert due(desk.tickets["102105/148"], RULES) is None


@pytest.mark.usefixtures("three_remembered")
def test_leaving_without_a_record_is_ignored_where_all_have_one(desk: Desk) -> None:
    """A login that was never counted takes nobody's place while every login that stands has a record."""
    desk.hear(*crowd(3))
    assert desk.hear(left("nobody", START + HOUR)).outcome is Outcome.IGNORED
    assert desk.tickets["102105/148"].standing == 3


@pytest.mark.usefixtures("three_remembered", "two_at_once")
def test_records_of_a_former_ticket_count_for_the_limit(desk: Desk) -> None:
    """A ticket that takes records over has room for so many less, and gives all of them up in the end."""
    desk.hear(*crowd(3), *(left(f"login{n}", START + HOUR) for n in range(3)))
    desk.tick(START + HOUR + 7 * DAY)
    again = START + HOUR + 7 * DAY + MS
    desk.hear(*crowd(3, again, first=10))
    ticket = desk.tickets["102105/148"]
    assert (ticket.remembered, ticket.beyond, len(desk.standings)) == (3, 1, 3)
    desk.hear(*(left(f"login{n}", again + HOUR) for n in range(10, 13)))
    desk.tick(again + 8 * DAY)
    assert (desk.tickets, desk.standings) == ({}, {})


@pytest.mark.usefixtures("three_remembered")
def test_a_ticket_over_more_logins_than_are_remembered(desk: Desk) -> None:
    """Logins that were gathered before the ticket count alike, with a record or without, standing or not."""
    desk.hear(*crowd(4, code=999_999), left("login0", START + HOUR, 999_999), left("login3", START + HOUR, 999_999))
    desk.hear(failing("71", START + HOUR, 999_999))
    ticket = desk.tickets["102105/999999"]
    assert (ticket.affected, ticket.standing, ticket.beyond, len(desk.standings)) == (5, 3, 1, 3)


@pytest.mark.usefixtures("two_at_once")
def test_gathered_while_a_ticket_is_given_up(desk: Desk) -> None:
    """While a complete ticket is given up, logins gather for the next: one that leaves is noted among them."""
    desk.hear(*crowd(5, code=777_777), *(left(f"login{n}", START + DAY, 777_777) for n in range(5)))
    key, again = "102105/777777", START + 8 * DAY
    desk.fire(key, again)
    decision = desk.hear(failing("new", again, 777_777), left("new", again, 777_777))
    assert (decision.outcome, desk.gatherings[key].logins["70/new"].left_at) == (Outcome.LEFT, again)
