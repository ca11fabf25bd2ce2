"""Accounts whose login was not found: one ticket per institution over those that still wait (R14)."""

from uuid import uuid5

import pytest

from schemas.commands import COMMAND_NAMESPACE, Action, TicketCause
from streams.domain.institutions import InstitutionDecision, institution_health, tickets
from tests.unit.domain.institutions.build import BANK, DAY, HOUR, START, Desk, data, failing, left, wanted

KEY = f"{BANK}/null"


def test_a_wait_that_is_given_up_is_a_ticket(desk: Desk) -> None:
    """The ticket has no code: none in its reason, none in its codes, and its id says so."""
    desk.hear(wanted(START))
    (message,) = desk.messages
    ticket = data(message)
    assert ticket.command_id == str(uuid5(COMMAND_NAMESPACE, f"{BANK}/null/login_unknown/2026-11-01T03:00:00Z"))
    assert (message.key, message.subject) == (BANK, f"institutions/{BANK}")
    assert (ticket.action, ticket.cause, ticket.codes) == (Action.ISSUE, TicketCause.LOGIN_UNKNOWN, ())
    assert (ticket.reason.code, ticket.reason.cause) == (None, "login_unknown")
    assert (ticket.logins_affected, ticket.sample_ids, ticket.evidence.rules) == (1, ("70/59",), ("R14",))


def test_updated_and_completed_over_the_accounts_that_wait(desk: Desk) -> None:
    """10 accounts update it; seven days after the last wait has ended it is complete."""
    desk.hear(*(wanted(START, account=str(n)) for n in range(10)))
    desk.hear(*(left(None, START + HOUR, None, account=str(n)) for n in range(10)))
    desk.tick(START + HOUR + 7 * DAY)
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.UPDATE, 1, 10), (Action.COMPLETE, 2, 10)]


def test_accounts_that_wait_beyond_those_remembered_are_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wish is a wait of its own: past the number that has a record, each counts still, and the tenth updates."""
    monkeypatch.setattr(tickets, "REMEMBERED", 2)
    desk.hear(*(wanted(START, account=str(n)) for n in range(10)))
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.UPDATE, 1, 10)]


def test_a_wait_ends_by_account_whatever_its_login(desk: Desk) -> None:
    """The end of a wait may name the login that was found: it is the account's wait all the same."""
    desk.hear(wanted(START), wanted(START, account="60"))
    desk.hear(left("71", START + HOUR, None, account="59"))
    assert desk.tickets[KEY].standing == 1
    desk.hear(left("71", START + HOUR, None, account="59"))
    assert desk.tickets[KEY].standing == 1


def test_a_wait_that_goes_on_asks_for_nothing(desk: Desk) -> None:
    """The begin of a wait, and the end of one that was not given up, change nothing."""
    nothing = InstitutionDecision(event_time=START)
    assert desk.hear(failing(None, START, None)) == nothing
    assert desk.hear(left(None, START, None)) == nothing


def test_asking_twice_is_asking_once(desk: Desk) -> None:
    """The same wait again changes nothing; a wait after its end is another one of the same account."""
    desk.hear(wanted(START))
    assert not desk.hear(wanted(START)).changed
    desk.hear(left(None, START + HOUR, None), wanted(START + DAY))
    assert (desk.tickets[KEY].affected, desk.tickets[KEY].standing) == (1, 1)


def test_health_shows_it_last(desk: Desk) -> None:
    """A ticket without a code stands behind those with one."""
    desk.hear(wanted(START), failing("71", START, 148))
    tickets = {148: desk.tickets[f"{BANK}/148"], None: desk.tickets[KEY]}
    shown = institution_health(BANK, tickets, {}).tickets
    assert [(one.code, one.cause.value) for one in shown] == [(148, "support"), (None, "login_unknown")]
