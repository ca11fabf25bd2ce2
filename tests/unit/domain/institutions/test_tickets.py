"""Support tickets: when one opens, is brought up to date and is complete, and what its records cost (R10)."""

from datetime import timedelta
from uuid import uuid5

import pytest

from schemas.catalogue import Entry, Treatment
from schemas.commands import COMMAND_NAMESPACE, Action, TicketCause
from schemas.events import ClockTick, Event, PolicyActivated
from schemas.policy import Policy
from schemas.policy import Ticket as TicketPolicy
from schemas.state import TicketState
from streams.domain.institutions import (
    InstitutionDecision,
    Outcome,
    case_key,
    decide_signal,
    due,
    institution_health,
    tickets,
)
from streams.domain.rules import Rules
from tests.unit.domain.institutions.build import (
    BANK,
    DAY,
    HOUR,
    MS,
    OTHER_BANK,
    RULES,
    START,
    Desk,
    crowd,
    data,
    event,
    failing,
    left,
)


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "DROPPED_AT_ONCE", 2)


def test_first_login_opens_the_ticket(desk: Desk) -> None:
    """The first login at a support code issues a ticket that says all that a support case needs."""
    decision = desk.hear(failing("71", START))
    (message,) = decision.messages
    command_id = str(uuid5(COMMAND_NAMESPACE, "102105/148/support/2026-11-01T03:00:00Z"))
    assert (message.topic, message.key) == ("remediation.support-ticket", BANK)
    assert (message.id, message.time) == (f"{command_id}:0", START)
    assert message.subject == "institutions/102105/codes/148"
    assert data(message).model_dump(mode="json") == {
        "command_id": command_id,
        "sequence": 0,
        "action": "issue",
        "kind": "support-ticket",
        "institution_id": BANK,
        "cause": "support",
        "opened_at": "2026-11-01T03:00:00Z",
        "reason": {"code": 148, "cause": RULES.catalogue.entry(148).cause, "text": RULES.catalogue.entry(148).text},
        "steps": ["submit_case"],
        "codes": [148],
        "logins_affected": 1,
        "first_seen": "2026-11-01T03:00:00Z",
        "last_seen": "2026-11-01T03:00:00Z",
        "sample_ids": ["70/59"],
        "evidence": {"event_ids": ["source-71-59"], "rules": ["R10"]},
        "policy_version": RULES.policy.version,
        "catalogue_version": RULES.catalogue.version,
    }
    assert (decision.outcome, decision.changed, decision.rules) == (Outcome.OPENED, True, ("R10",))


@pytest.mark.parametrize(("logins", "said"), [(9, ["issue"]), (10, ["issue", "update"]), (11, ["issue", "update"])])
def test_ten_logins_bring_an_update(desk: Desk, logins: int, said: list[str]) -> None:
    """The tenth login updates the ticket; the ninth and the eleventh say nothing."""
    desk.hear(*crowd(logins))
    assert desk.actions() == said


def test_updates_count_up(desk: Desk) -> None:
    """10, 100 and 1000 logins each bring one update, and the end comes with the true number."""
    events = crowd(1001)
    desk.hear(*events)
    desk.hear(*(left(f"login{n}", START + HOUR) for n in range(1001)))
    desk.tick(START + HOUR + 7 * DAY)
    assert desk.said(TicketCause.SUPPORT) == [
        (Action.ISSUE, 0, 1),
        (Action.UPDATE, 1, 10),
        (Action.UPDATE, 2, 100),
        (Action.UPDATE, 3, 1000),
        (Action.COMPLETE, 4, 1001),
    ]
    about = [data(message) for message in desk.messages]
    assert len({one.command_id for one in about if one.cause is TicketCause.SUPPORT}) == 1


def test_threshold_of_one_is_passed_at_issue() -> None:
    """A threshold that the opening login reaches gives no update, neither then nor later."""
    desk = Desk(Rules(policy=Policy(ticket=TicketPolicy(update_at=(1, 3))), catalogue=RULES.catalogue))
    desk.hear(*crowd(3))
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.UPDATE, 1, 3)]


def test_reentering_login_counts_once(desk: Desk) -> None:
    """A login that leaves and enters again under the same ticket is one affected login."""
    for day in range(12):
        desk.hear(failing("71", START + day * DAY), left("71", START + day * DAY + HOUR))
    assert desk.said() == [(Action.ISSUE, 0, 1)]
    assert desk.tickets["102105/148"].affected == 1
    assert len(desk.standings) == 1


def test_repeated_failure_only_moves_the_times(desk: Desk) -> None:
    """A login that goes on failing is the same affected login, seen later."""
    desk.hear(failing("71", START))
    decision = desk.hear(failing("71", START + DAY, entered=False))
    assert (decision.outcome, decision.changed, decision.messages) == (Outcome.STANDING, True, ())
    assert desk.tickets["102105/148"].last_seen == START + DAY
    assert desk.tickets["102105/148"].affected == 1


@pytest.mark.parametrize("again", [failing("71", START), failing("71", START, entered=False)])
def test_signal_said_again_changes_nothing(desk: Desk, again: Event) -> None:
    """A signal that is repeated changes nothing and says nothing."""
    desk.hear(failing("71", START))
    before = dict(desk.tickets), dict(desk.standings)
    decision = desk.hear(again)
    assert not decision.changed
    assert not decision.messages
    assert (desk.tickets, desk.standings) == before


def test_leaving_twice_is_leaving_once(desk: Desk) -> None:
    """A second `left` neither miscounts the logins that stand nor prolongs the quiet period."""
    desk.hear(failing("71", START), failing("72", START), left("71", START + HOUR))
    assert desk.hear(left("71", START + 2 * HOUR)).outcome == Outcome.IGNORED
    assert desk.tickets["102105/148"].standing == 1
    desk.hear(left("72", START + 3 * HOUR), left("72", START + 4 * HOUR))
    assert desk.tickets["102105/148"].quiet_since == START + 3 * HOUR


def test_left_without_entered_changes_nothing(desk: Desk) -> None:
    """A login that was never seen at the code cannot leave it, with or without a ticket."""
    assert desk.hear(left("71", START)).outcome == Outcome.IGNORED
    desk.hear(failing("72", START))
    decision = desk.hear(left("71", START + HOUR))
    assert (decision.outcome, decision.changed) == (Outcome.IGNORED, False)
    assert desk.tickets["102105/148"].standing == 1


def test_quiet_period_starts_with_the_last_login(desk: Desk) -> None:
    """No end is due while one login stands at the code."""
    desk.hear(failing("71", START), failing("72", START), left("71", START + HOUR))
    assert due(desk.tickets["102105/148"], RULES) is None
    desk.hear(left("72", START + DAY))
    assert due(desk.tickets["102105/148"], RULES) == START + 8 * DAY


@pytest.mark.parametrize(
    ("late", "said"), [(-MS, ["issue"]), (0 * MS, ["issue", "complete"]), (MS, ["issue", "complete"])]
)
def test_tick_completes_after_seven_days(desk: Desk, late: timedelta, said: list[str]) -> None:
    """Seven days without a login complete the ticket, to the millisecond; the message bears the time it was due."""
    desk.hear(failing("71", START), left("71", START + HOUR))
    desk.tick(START + HOUR + 7 * DAY + late)
    assert desk.actions() == said
    assert desk.messages[-1].time == START + (0 * HOUR if said == ["issue"] else HOUR + 7 * DAY)


@pytest.mark.parametrize(
    ("late", "said"),
    [(-MS, ["issue"]), (0 * MS, ["issue"]), (MS, ["issue", "complete", "issue"])],
)
def test_reentry_in_the_quiet_period(desk: Desk, late: timedelta, said: list[str]) -> None:
    """A login that enters within the seven days, the last millisecond included, keeps the ticket open."""
    desk.hear(failing("71", START), left("71", START + HOUR), failing("72", START + HOUR + 7 * DAY + late))
    assert desk.actions() == said


def test_ticket_stays_open_while_a_login_stands(desk: Desk) -> None:
    """A re-entry ends the quiet period: however long the login then stands, the ticket is not complete."""
    desk.hear(failing("71", START), left("71", START), failing("71", START + DAY))
    desk.tick(START + 90 * DAY)
    assert desk.actions() == ["issue"]


def test_reentry_starts_the_quiet_period_anew(desk: Desk) -> None:
    """After a re-entry the seven days count from the next leaving."""
    desk.hear(failing("71", START), left("71", START), failing("71", START + 6 * DAY), left("71", START + 6 * DAY))
    desk.tick(START + 13 * DAY - MS)
    assert desk.actions() == ["issue"]
    desk.tick(START + 13 * DAY)
    assert desk.actions() == ["issue", "complete"]


def test_second_ticket_is_another(desk: Desk) -> None:
    """What fails after a completion opens a ticket with its own id, sequence, count and samples."""
    desk.hear(failing("71", START), left("71", START), failing("71", START + 8 * DAY, account="60"))
    first, _, second = map(data, desk.messages)
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.COMPLETE, 1, 1), (Action.ISSUE, 0, 1)]
    assert first.command_id != second.command_id
    assert (second.opened_at, second.first_seen, second.sample_ids) == (START + 8 * DAY, START + 8 * DAY, ("70/60",))


def test_codes_and_institutions_are_apart(desk: Desk) -> None:
    """Each institution and code has its own ticket, and one that ends leaves the others open."""
    for bank, code in [(BANK, 148), (BANK, 900), (OTHER_BANK, 148)]:
        desk.hear(failing("71", START, code, bank))
    assert len({data(message).command_id for message in desk.messages}) == 3
    desk.hear(left("71", START, 900))
    desk.tick(START + 7 * DAY)
    assert sorted(desk.tickets) == ["102105/148", "5/148"]
    assert [(one.action, one.codes) for one in map(data, desk.messages[3:])] == [(Action.COMPLETE, (900,))]


def test_other_institutions_do_not_move_the_time(desk: Desk) -> None:
    """A record of one institution fires no timer of another."""
    desk.hear(failing("71", START), left("71", START), failing("71", START + 30 * DAY, bank=OTHER_BANK))
    assert desk.actions() == ["issue", "issue"]
    assert desk.clocks[BANK] == START


def test_late_signal_takes_the_institutions_time(desk: Desk) -> None:
    """A signal behind the newest is decided at the institution's event time, yet says when the login was seen."""
    desk.hear(failing("71", START, 900))
    decision = desk.hear(failing("72", START - HOUR))
    assert decision.event_time == START
    ticket = data(decision.messages[0])
    assert (decision.messages[0].time, ticket.opened_at) == (START, START)
    assert (ticket.first_seen, ticket.last_seen) == (START - HOUR, START - HOUR)
    assert ticket.command_id == str(uuid5(COMMAND_NAMESPACE, "102105/148/support/2026-11-01T03:00:00Z"))


def test_late_signals_widen_the_times_seen(desk: Desk) -> None:
    """First and last seen are the earliest and the latest failure, in whatever order they arrive."""
    desk.hear(failing("71", START), failing("72", START + HOUR), failing("73", START - HOUR), failing("74", START))
    ticket = desk.tickets["102105/148"]
    assert (ticket.first_seen, ticket.last_seen, ticket.opened_at) == (START - HOUR, START + HOUR, START)


def test_late_leaving_is_quiet_from_when_it_is_heard(desk: Desk) -> None:
    """A late `left` never brings the end forward: the quiet period runs in the institution's event time."""
    desk.hear(failing("71", START), failing("72", START + DAY, 900), left("71", START + HOUR))
    assert desk.tickets["102105/148"].quiet_since == START + DAY


def test_tick_moves_the_institutions_time(desk: Desk) -> None:
    """After a tick, a signal from before it opens its ticket at the time of the tick."""
    desk.tick(START + DAY)
    desk.hear(failing("71", START))
    assert data(desk.messages[0]).opened_at == START + DAY


def test_late_entering_after_the_end_opens_anew(desk: Desk) -> None:
    """A failure from within the quiet period that arrives after its end opens a second ticket, with another id."""
    desk.hear(failing("71", START), left("71", START))
    desk.tick(START + 7 * DAY)
    desk.hear(failing("72", START + DAY))
    assert desk.actions() == ["issue", "complete", "issue"]
    assert data(desk.messages[2]).opened_at == START + 7 * DAY
    assert data(desk.messages[2]).command_id != data(desk.messages[0]).command_id


@pytest.mark.parametrize("code", [0, 103, 185, 931, 101])
def test_codes_of_other_rules_open_no_ticket(desk: Desk, code: int) -> None:
    """Only support codes open tickets here; the others only move the institution's time."""
    for one in (failing("71", START, code), left("71", START + HOUR, code)):
        decision = desk.hear(one)
        assert (decision.outcome, decision.changed, decision.messages) == (Outcome.IGNORED, False, ())
        assert decision.event_time == one.time


@pytest.mark.parametrize(
    "one",
    [
        event("clock.tick", ClockTick()),
        event("institution.ticket_wanted", {"a": 1}),
        event(
            "policy.activated",
            PolicyActivated(
                policy=RULES.policy,
                policy_sha256="",
                catalogue=RULES.catalogue,
                catalogue_sha256="",
                engine_version="",
            ),
        ),
    ],
)
def test_other_records_change_nothing(desk: Desk, one: Event) -> None:
    """Ticks, policies and types of other versions change nothing by themselves, not even the institution's time."""
    assert decide_signal(desk, one, RULES) == InstitutionDecision(Outcome.IGNORED)


def _demoted(code: int) -> Rules:
    """Rules under which `code` is no support code any more."""
    entries = tuple(
        Entry(code=code, cause="demoted", text="Demoted", treatment=Treatment.UNKNOWN) if one.code == code else one
        for one in RULES.catalogue.entries
    )
    return Rules(policy=RULES.policy, catalogue=RULES.catalogue.model_copy(update={"entries": entries}))


def test_open_ticket_outlives_its_code(desk: Desk) -> None:
    """A ticket whose code a new catalogue takes from support counts on to its end; no other follows."""
    desk.hear(*crowd(9))
    desk.rules = _demoted(148)
    desk.hear(failing("71", START + HOUR), left("71", START + HOUR))
    desk.hear(*(left(f"login{n}", START + HOUR) for n in range(9)))
    desk.hear(failing("71", START + 8 * DAY))
    assert desk.said() == [(Action.ISSUE, 0, 1), (Action.UPDATE, 1, 10), (Action.COMPLETE, 2, 10)]
    assert data(desk.messages[1]).reason.cause == "demoted"


def test_code_that_becomes_a_support_code_gathers_its_logins() -> None:
    """A login that entered before its code was support's stands at it from its next failure on."""
    desk = Desk(_demoted(148))
    desk.hear(failing("71", START))
    desk.rules = RULES
    desk.hear(failing("71", START + DAY, entered=False))
    assert desk.said() == [(Action.ISSUE, 0, 1)]
    assert desk.tickets["102105/148"].standing == 1


def test_samples_are_the_first_ten_accounts(desk: Desk) -> None:
    """A ticket names the first ten distinct accounts, in the order in which they appeared."""
    desk.hear(failing("71", START, account="a"), failing("71", START, account="b"), failing("72", START, account="a"))
    desk.hear(*crowd(12))
    assert desk.tickets["102105/148"].sample_ids == ("70/a", "70/b", *(f"70/account{n}" for n in range(8)))


def test_account_of_unknown_login_is_a_login_of_its_own(desk: Desk) -> None:
    """Accounts whose login is unknown count one by one, and never as a login that is called like one of them."""
    desk.hear(failing(None, START, account="59"), failing(None, START, account="60"))
    desk.hear(failing("59", START), failing("59", START, customer="71"), failing("account:59", START))
    assert desk.tickets["102105/148"].affected == 5
    desk.hear(left("59", START))
    assert desk.tickets["102105/148"].standing == 4
    desk.hear(left(None, START, account="59"))
    assert desk.tickets["102105/148"].standing == 3


def test_shorter_quiet_period_counts_at_once(desk: Desk) -> None:
    """A new policy moves the end of a quiet period that runs; the message can bear the time it was set."""
    desk.hear(failing("71", START), left("71", START))
    desk.rules = Rules(policy=Policy(ticket=TicketPolicy(quiet_days=2)), catalogue=RULES.catalogue)
    assert due(desk.tickets["102105/148"], desk.rules) == START + 2 * DAY
    desk.fire("102105/148", START + 3 * DAY)
    assert [message.time for message in desk.messages] == [START, START + 3 * DAY]


def test_timer_that_is_not_due_changes_nothing(desk: Desk) -> None:
    """A timer that was overtaken, or comes too early, changes nothing."""
    desk.hear(failing("71", START))
    assert desk.fire("102105/148", START + 7 * DAY) == InstitutionDecision(Outcome.IGNORED)
    desk.hear(left("71", START))
    assert desk.fire("102105/148", START + 7 * DAY - MS) == InstitutionDecision(Outcome.IGNORED)


@pytest.mark.usefixtures("two_at_once")
def test_health_lists_open_tickets_by_code(desk: Desk) -> None:
    """An institution's health names its open tickets in ascending order of code, and no complete one."""
    desk.hear(*crowd(3), *(left(f"login{n}", START + HOUR) for n in range(3)))
    desk.tick(START + HOUR + 7 * DAY)
    at = START + HOUR + 7 * DAY + MS
    desk.hear(failing("71", at, 903), failing("71", at, 900), failing("72", at, 900), left("72", at, 900))
    by_code: dict[int | None, TicketState] = {code: desk.tickets[case_key(BANK, code)] for code in (903, 148, 900)}
    health = institution_health(BANK, by_code, {})
    assert [(one.code, one.logins_affected, one.logins_standing) for one in health.tickets] == [
        (900, 2, 1),
        (903, 1, 1),
    ]
    assert (health.institution_id, health.tickets[0].cause.value) == (BANK, "support")
    assert health.tickets[0].command_id == desk.tickets["102105/900"].command_id
    assert health.tickets[0].opened_at == at
