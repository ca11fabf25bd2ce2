"""Support tickets: one open per institution and code, for codes that only the vendor's support can mend (R10).

Time: signals of different customers arrive out of order, so an institution has an event time of its own, the largest
`ce_time` among its signals and the ticks of its partition. Openings, messages and the quiet period go by it: they never
run backwards, a ticket is never complete early, and two tickets never open at one time. `first_seen` and `last_seen`
are the signals' own times, as support wants to know when logins failed, not when we heard of it.

Memory: a login is counted once a ticket, which takes a record of every login that the open ticket has counted, whether
it stands at the code or has left. These records form a chain, the newest first. A complete ticket, at which by then
nobody stands, gives them up by that chain, `DROPPED_AT_ONCE` at a time and `DROP_EVERY` apart, and goes with the last.
A ticket that opens meanwhile takes the rest over and gives it up with its own. So the records are at most one for each
distinct login of that institution and code since a moment when none were left; nothing ever scans them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import uuid5

from schemas.catalogue import Kind, Treatment
from schemas.commands import COMMAND_NAMESPACE, COMMAND_TOPICS, Action, Evidence, Reason, Ticket, TicketCause
from schemas.events import Event
from schemas.health import InstitutionHealth, OpenTicket
from schemas.signals import Signal, SignalType
from schemas.state import StandingState, TicketState, replace
from schemas.times import rfc3339
from streams.domain.messages import Outgoing
from streams.domain.rules import Rules

SAMPLES = 10
"""How many `customerId/accountId` a ticket names: enough for a support case, whatever the size of the outage."""
DROPPED_AT_ONCE = 1000
"""Records of logins given up in one decision: what fits a transaction with ease."""
DROP_EVERY = timedelta(minutes=1)
"""Event time between two such decisions: a million logins are gone in 17 hours."""

_RULE = "R10"
_SIGNALS = frozenset({SignalType.FAILING, SignalType.LEFT})


class InstitutionView(Protocol):
    """What the decisions read of the institution agent's tables."""

    def event_time(self, institution_id: str, /) -> datetime | None:
        """Give the largest event time so far among the institution's signals and its partition's ticks."""

    def ticket(self, institution_id: str, code: int, /) -> TicketState | None:
        """Give the ticket at `ticket_key(institution_id, code)`."""

    def standing(self, key: str, /) -> StandingState | None:
        """Give the record of a login at a code."""


class TicketOutcome(StrEnum):
    """What a signal or a timer came to."""

    IGNORED = "ignored"
    OPENED = "opened"
    AFFECTED = "affected"
    STANDING = "standing"
    LEFT = "left"
    COMPLETED = "completed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class TicketDecision:
    """What to write, by table key (None: a tombstone), and what to send.

    `event_time` is the institution's from here on, None where it does not move; it is no part of `changed`.
    """

    outcome: TicketOutcome
    tickets: Mapping[str, TicketState | None] = field(default_factory=dict)
    standings: Mapping[str, StandingState | None] = field(default_factory=dict)
    messages: tuple[Outgoing, ...] = ()
    rules: tuple[str, ...] = ()
    event_time: datetime | None = None

    @property
    def changed(self) -> bool:
        """Whether state other than the clock changes, which is what an audit record is for; no message goes without."""
        return bool(self.tickets or self.standings)


_IGNORED = TicketDecision(TicketOutcome.IGNORED)


def decide_signal(state: InstitutionView, event: Event, rules: Rules) -> TicketDecision:
    """Decide on one record of `institution.signals`; ticks, policies and types not known here change nothing.

    A failing login stands at the code, whether or not the signal says `entered`: so a code that a new catalogue leaves
    to support gathers the logins that entered it before. A signal said again changes nothing.

    Raises:
        pydantic.ValidationError: the data is not a `Signal`.
    """
    if event.type not in _SIGNALS:
        return _IGNORED
    signal = Signal.model_validate(event.data)
    heard = state.event_time(signal.institution_id)
    at = event.time if heard is None else max(heard, event.time)
    if event.type == SignalType.LEFT:
        decision = _left(state, signal, at)
    else:
        decision = _failing(state, signal, event.time, at, rules)
    return with_fields(decision, event_time=at)


def next_due(ticket: TicketState, rules: Rules) -> datetime | None:
    """Give when `fire` is next to be called for a ticket, under the rules in force; None while a login stands."""
    if ticket.drop_at is not None:
        return ticket.drop_at
    if ticket.quiet_since is None:
        return None
    return ticket.quiet_since + rules.policy.ticket.quiet


def fire(state: InstitutionView, key: str, ticket: TicketState, at: datetime, rules: Rules) -> TicketDecision:
    """Complete a ticket that was quiet for long enough, or give up more records of a complete one.

    `key` is the ticket's, `at` the time it was due, or the institution's event time where it was due when it was set (a
    new policy may shorten the quiet period). A timer that is not due (any more) changes nothing.
    """
    due = next_due(ticket, rules)
    if due is None or due > at:
        return _IGNORED
    dropped, newest = _drop(state, key, ticket.newest)
    rest = replace(ticket, newest=newest, drop_at=at + DROP_EVERY) if newest else None
    if ticket.drop_at is not None:
        return TicketDecision(TicketOutcome.DROPPED, {key: rest}, dropped, (), (_RULE,))
    last = replace(ticket, sequence=ticket.sequence + 1)
    messages = (_message(key, last, Action.COMPLETE, at, rules=rules),)
    return TicketDecision(TicketOutcome.COMPLETED, {key: rest}, dropped, messages, (_RULE,))


def institution_health(institution_id: str, tickets: Mapping[int, TicketState]) -> InstitutionHealth:
    """Give the institution's open tickets, from its ticket records by code, in ascending order of code."""
    return InstitutionHealth(
        institution_id=institution_id,
        tickets=tuple(
            OpenTicket(
                cause=TicketCause.SUPPORT,
                code=code,
                command_id=ticket.command_id,
                opened_at=ticket.opened_at,
                logins_affected=ticket.affected,
                logins_standing=ticket.standing,
            )
            for code, ticket in sorted(tickets.items())
            if ticket.drop_at is None
        ),
    )


def ticket_key(institution_id: str, code: int) -> str:
    """Give the table key of a ticket; ids hold no slash, so no two share one."""
    return f"{institution_id}/{code}"


def _login(signal: Signal) -> str:
    # An account of unknown login has an empty part where others name the login: no login id is empty or has a slash.
    if signal.institution_login_id is None:
        return f"{signal.customer_id}//{signal.account_id}"
    return f"{signal.customer_id}/{signal.institution_login_id}"


def _left(state: InstitutionView, signal: Signal, at: datetime) -> TicketDecision:
    key = ticket_key(signal.institution_id, signal.code)
    place = f"{key}/{_login(signal)}"
    ticket, login = state.ticket(signal.institution_id, signal.code), state.standing(place)
    if ticket is None or login is None or login.left_at is not None:
        return _IGNORED
    remaining = ticket.standing - 1
    after = replace(ticket, standing=remaining, quiet_since=None if remaining else at)
    return TicketDecision(TicketOutcome.LEFT, {key: after}, {place: replace(login, left_at=at)}, (), (_RULE,))


def _failing(state: InstitutionView, signal: Signal, seen_at: datetime, at: datetime, rules: Rules) -> TicketDecision:
    key = ticket_key(signal.institution_id, signal.code)
    before = state.ticket(signal.institution_id, signal.code)
    ticket = _open_ticket(before, signal, seen_at, at, rules)
    if ticket is None:
        return _IGNORED
    place = f"{key}/{_login(signal)}"
    login = state.standing(place)
    after = _count(ticket, login, signal, seen_at)
    outcome, action = _judge(before, ticket, after, rules)
    if action is Action.UPDATE:
        after = replace(after, sequence=after.sequence + 1)
    return TicketDecision(
        outcome,
        {key: after} if after != before else {},
        {place: _placed(ticket, login)} if login is None or login.left_at is not None else {},
        () if action is None else (_message(key, after, action, at, event_ids=(signal.event_id,), rules=rules),),
        (_RULE,),
    )


def _open_ticket(
    before: TicketState | None, signal: Signal, seen_at: datetime, at: datetime, rules: Rules
) -> TicketState | None:
    # A ticket that is open runs to its end, even where a new catalogue would not open it.
    if before is not None and before.drop_at is None:
        return before
    if rules.treatment(signal.code) is not Treatment.SUPPORT:
        return None
    name = f"{signal.institution_id}/{signal.code}/{TicketCause.SUPPORT}/{rfc3339(at)}"
    newest = "" if before is None else before.newest
    return TicketState(str(uuid5(COMMAND_NAMESPACE, name)), at, seen_at, seen_at, newest=newest)


def _count(ticket: TicketState, login: StandingState | None, signal: Signal, seen_at: datetime) -> TicketState:
    enters = login is None or login.left_at is not None
    counts = login is None or login.counted_by != ticket.command_id
    return replace(
        ticket,
        first_seen=min(ticket.first_seen, seen_at),
        last_seen=max(ticket.last_seen, seen_at),
        standing=ticket.standing + enters,
        quiet_since=None,
        affected=ticket.affected + counts,
        sample_ids=_sampled(ticket.sample_ids, f"{signal.customer_id}/{signal.account_id}"),
        newest=_login(signal) if login is None else ticket.newest,
    )


def _sampled(sample_ids: tuple[str, ...], account: str) -> tuple[str, ...]:
    if len(sample_ids) >= SAMPLES or account in sample_ids:
        return sample_ids
    return (*sample_ids, account)


def _placed(ticket: TicketState, login: StandingState | None) -> StandingState:
    # A login that has a record keeps its link of the chain: linked in anew, it would cut off what lies behind it.
    before = ticket.newest if login is None else login.before
    return StandingState(counted_by=ticket.command_id, before=before)


def _judge(
    before: TicketState | None, ticket: TicketState, after: TicketState, rules: Rules
) -> tuple[TicketOutcome, Action | None]:
    if ticket is not before:
        return TicketOutcome.OPENED, Action.ISSUE
    if after.affected == ticket.affected:
        return TicketOutcome.STANDING, None
    passed = after.affected in rules.policy.ticket.update_at
    return TicketOutcome.AFFECTED, Action.UPDATE if passed else None


def _drop(state: InstitutionView, key: str, newest: str) -> tuple[dict[str, None], str]:
    dropped: dict[str, None] = {}
    while newest and len(dropped) < DROPPED_AT_ONCE:
        place = f"{key}/{newest}"
        login = state.standing(place)
        dropped[place] = None
        newest = "" if login is None else login.before
    return dropped, newest


def _message(
    key: str, ticket: TicketState, action: Action, at: datetime, *, event_ids: tuple[str, ...] = (), rules: Rules
) -> Outgoing:
    institution_id, _, code = key.rpartition("/")
    return Outgoing(
        topic=COMMAND_TOPICS[Kind.SUPPORT_TICKET],
        key=institution_id,
        id=f"{ticket.command_id}:{ticket.sequence}",
        time=at,
        subject=f"institutions/{institution_id}/codes/{code}",
        data=_data(institution_id, int(code), ticket, action, event_ids=event_ids, rules=rules),
    )


def _data(
    institution_id: str, code: int, ticket: TicketState, action: Action, *, event_ids: tuple[str, ...], rules: Rules
) -> Ticket:
    entry = rules.catalogue.entry(code)
    return Ticket(
        command_id=ticket.command_id,
        sequence=ticket.sequence,
        action=action,
        kind=Kind.SUPPORT_TICKET,
        institution_id=institution_id,
        cause=TicketCause.SUPPORT,
        opened_at=ticket.opened_at,
        reason=Reason(code=code, cause=entry.cause, text=entry.text),
        steps=rules.catalogue.rule_remedy(Kind.SUPPORT_TICKET, fix_integrated=rules.policy.fix_integrated).steps,
        codes=(code,),
        logins_affected=ticket.affected,
        first_seen=ticket.first_seen,
        last_seen=ticket.last_seen,
        sample_ids=ticket.sample_ids,
        evidence=Evidence(event_ids=event_ids, rules=(_RULE,)),
        policy_version=rules.policy_version,
        catalogue_version=rules.catalogue_version,
    )
