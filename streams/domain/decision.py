"""The one pure function that everything else serves: a customer's state and an event in, state and messages out.

A turn goes: the timers that were due, the memory of event ids (R1), the event itself, the needs of every case that it
may have changed, and the timers that were due when it set them. Nothing here reads a clock, a network, a file or a
random number.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

from schemas.events import (
    AccountChallenged,
    AccountSnapshot,
    ClockTick,
    CommandReported,
    ConnectEvent,
    CustomerForgotten,
    Event,
    EventType,
    Override,
    Source,
)
from schemas.health import Phase
from schemas.state import AccountState, Consent, CustomerState, Record, Surroundings, replace
from schemas.vendor import valid_identifier
from streams.domain.agenda import Agenda
from streams.domain.cases import consent, otp
from streams.domain.cases.contact import release, take_over, waiting_cases
from streams.domain.cases.needs import look_at
from streams.domain.cases.settle import settle, settle_cases
from streams.domain.customers import location, unknowns
from streams.domain.customers.customer import Customer
from streams.domain.customers.deletion import delete, forget
from streams.domain.customers.fixes import hear_fix, is_fix
from streams.domain.customers.health import phase
from streams.domain.customers.observation import observe
from streams.domain.customers.overrides import hear_challenge, hear_override
from streams.domain.customers.turn import NOWHERE, Outcome, Timer, Turn
from streams.domain.firing import fire_due, fire_new
from streams.domain.messages import Outgoing, OutgoingSignal, OutgoingWish
from streams.domain.rules import Rule, Rules
from streams.domain.timers import first_timer

DECIDED_AT_ONCE = 2000
"""Customers decided on because of one record about all: their messages and states have to fit one transaction.

What is beyond is due, for the next tick.
"""
SEEN_LIMIT = 4096
"""How many event ids a customer's state remembers at most: a record of the state has to fit a Kafka batch."""


class Decision(Record, frozen=True):
    """What one event did to its customer.

    `counted` lists (institution, login) of logins that were seen to succeed and are to be counted (R9), `erased` the
    accounts of which not even the health may be left (R12, R18).

    `customer` is None where nothing is left to keep. `event_time` is the event's, as decided on. `rules` names what was
    applied, each rule once, in order. `accounts` and `logins` list the ids whose record changed or was dropped,
    ascending. `changed` says that anything but the clocks and the memory of event ids changed, or that something was
    sent. The phases are those of the event's account: None where it has none.
    """

    customer: Customer | None
    outcome: Outcome
    event_time: datetime
    changed: bool = False
    messages: tuple[Outgoing, ...] = ()
    signals: tuple[OutgoingSignal | OutgoingWish, ...] = ()
    counted: tuple[tuple[str, str], ...] = ()
    erased: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    future_dates: int = 0
    phase_before: Phase | None = None
    phase_after: Phase | None = None
    next_due: datetime | None = None
    """When the customer's earliest timer is due, under the same rules and surroundings."""


_OF_CUSTOMERS = (AccountSnapshot, ConnectEvent, AccountChallenged, CommandReported, Override, CustomerForgotten)


def customer_of(event: Event) -> str | None:
    """Give the id of the customer that an event is about; None for ticks, policies and events about institutions."""
    data = event.data
    if isinstance(data, _OF_CUSTOMERS):
        return data.customer_id
    return valid_identifier(data.get("customerId")) if isinstance(data, Mapping) else None


def decide(
    customer: Customer | None,
    event: Event,
    rules: Rules,
    ticked_at: datetime | None = None,
    around: Surroundings = NOWHERE,
) -> Decision:
    """Decide on one event of one customer: `customer` is None where nothing is known of it yet.

    `ticked_at` is the latest tick of the customer's partition: the event time is never before it, nor before the
    customer's own. A tick is for each customer whose `next_due` has come, in the order due, customer. `around` is what
    holds for the whole partition. The executor answers about customers who were known when it was asked: one who is not
    any more was forgotten meanwhile, and stays so (R18).
    """
    if customer is None and event.source == Source.EXECUTOR:
        return Decision(None, Outcome.UNKNOWN_CUSTOMER, event.time, rules=(Rule.R18.name,))
    known = event.time if customer is None else customer.state.event_time
    at = max(event.time, known, ticked_at or known)
    before = customer or Customer(customer_of(event) or "", CustomerState(event_time=at))
    is_tick = isinstance(event.data, ClockTick)
    turn = Turn(before, rules, at, around)
    agenda = Agenda(turn)
    turn = fire_due(turn, agenda, is_tick=is_tick)
    turn = replace(turn, outcome=Outcome.TICK) if is_tick else fire_new(_read(turn, event), agenda)
    return _decision(before, turn, event, agenda.first())


def review(
    customer: Customer, event: Event, rules: Rules, ticked_at: datetime | None, around: Surroundings
) -> Decision:
    """Decide anew who is contacted, after an event about the whole partition: an incident or a silence that ended.

    The event is not the customer's own: it moves the clock only of those who are told something.
    """
    at = max(event.time, customer.state.event_time, ticked_at or event.time)
    turn = Turn(customer, rules, at, around, event_id=event.id, outcome=Outcome.REVIEWED)
    turn = _move_clock_if_told(settle_cases(look_at(turn.looking_at(*waiting_cases(customer)), customer)))
    return _decision(customer, turn, event, first_timer(turn))


def release_baseline(
    customer: Customer,
    login_id: str,
    event: Event,
    at: datetime,
    rules: Rules,
    *,
    ticked_at: datetime | None = None,
    around: Surroundings = NOWHERE,
) -> Decision:
    """Have a baseline case contacted from `at` on (R17), by an operator's event about the whole partition.

    What surrounds the customer holds it all the same: a release lifts no silence and ends no incident.
    """
    now = max(event.time, customer.state.event_time, ticked_at or event.time)
    turn = Turn(customer, rules, now, around, event_id=event.id, outcome=Outcome.OVERRIDDEN)
    turn = _move_clock_if_told(settle_cases(look_at(release(turn, login_id, at), customer)))
    return _decision(customer, turn, event, first_timer(turn))


def _move_clock_if_told(turn: Turn) -> Turn:
    """Move the clock of a customer who is told something: what comes later with an earlier time is told after it."""
    if not turn.messages:
        return turn
    state = replace(turn.customer.state, event_time=turn.at)
    return replace(turn, customer=replace(turn.customer, state=state))


def next_due(customer: Customer, rules: Rules, around: Surroundings = NOWHERE) -> datetime | None:
    """Give when the customer's earliest timer is due; None without timers."""
    timer = first_timer(Turn(customer, rules, customer.state.event_time, around))
    return None if timer is None else timer.due


def _read(turn: Turn, event: Event) -> Turn:
    """Take a record that is no tick: it moves the clock, whatever else it says."""
    customer = turn.customer
    if isinstance(event.data, Mapping):
        return replace(turn, customer=replace(customer, state=replace(customer.state, event_time=turn.at)))
    seen, digest = _still_seen(customer.state, turn.at - turn.rules.policy.state.dedupe), _digest(event.id)
    is_known = seen.pop(digest, None) is not None
    seen[digest] = turn.at
    if len(seen) > SEEN_LIMIT:
        del seen[next(iter(seen))]
    state = replace(customer.state, event_time=turn.at, seen=seen)
    turn = replace(turn, customer=replace(customer, state=state), event_id=event.id)
    if is_known:
        return replace(turn, outcome=Outcome.DUPLICATE_EVENT).by(Rule.R1)
    return settle(_hear(turn, event), customer)


def _hear(turn: Turn, event: Event) -> Turn:
    data = event.data
    if isinstance(data, AccountSnapshot):
        return _look(turn, data, event.type)
    if isinstance(data, ConnectEvent):
        return _connect(turn, data)
    if isinstance(data, Override):
        return hear_override(turn, data)
    if isinstance(data, AccountChallenged):
        return hear_challenge(turn, data)
    if isinstance(data, CustomerForgotten):
        return forget(turn)
    return replace(turn, outcome=Outcome.REPORTED)


def _still_seen(state: CustomerState, oldest: datetime) -> dict[str, datetime]:
    seen = dict(state.seen)
    for digest, at in state.seen.items():
        if at >= oldest:
            break
        del seen[digest]
    return seen


def _digest(event_id: str) -> str:
    """Shorten an id of any form: 96 bits tell the few that a customer's state remembers from each other."""
    return blake2b(event_id.encode(), digest_size=12).hexdigest()


def _look(turn: Turn, snapshot: AccountSnapshot, event_type: str) -> Turn:
    if event_type == EventType.ACCOUNT_DELETED:
        unknown = AccountState(turn.at, snapshot.institution_id, snapshot.institution_login_id)
        turn = delete(replace(turn, outcome=Outcome.REPEATED_DELETION), snapshot.account_id, unknown)
        return location.keep_waiting(turn)
    before = turn.customer
    turn = observe(turn, snapshot)
    if _is_still_healthy(before, turn.customer, snapshot.account_id):
        return turn
    turn = otp.hear_move(take_over(turn, snapshot.account_id, before), snapshot.account_id, before)
    if turn.observed:
        turn = consent.hear_attempt(otp.hear_attempt(unknowns.hear_attempt(turn, before), before))
    return location.keep_waiting(turn)


def _is_still_healthy(before: Customer, after: Customer, account_id: str) -> bool:
    """Whether an account stood at 0 and still does: nine in ten nightly events, which have nothing more to tell."""
    was, now = before.accounts.get(account_id), after.accounts.get(account_id)
    if was is None or now is None or was.code != 0 or now.code != 0 or was.login_id != now.login_id:
        return False
    login = None if now.login_id is None else after.logins.get(now.login_id)
    return now.consent is not Consent.CLOSED and (login is None or login.otp is None)


def _connect(turn: Turn, event: ConnectEvent) -> Turn:
    if is_fix(event):
        return hear_fix(turn, event)
    if event.event_type != "accountsDeleted" or not event.account_ids:
        return replace(turn, outcome=Outcome.CONNECT)
    turn = replace(turn, outcome=Outcome.REPEATED_DELETION)
    for account_id in sorted(event.account_ids):
        turn = delete(turn, account_id, AccountState(turn.at, event.institution_id))
    return location.keep_waiting(turn)


def _decision(before: Customer, turn: Turn, event: Event, timer: Timer | None) -> Decision:
    customer = turn.customer
    accounts = turn.touched if len(turn.touched) < 2 else tuple(sorted(set(turn.touched)))  # noqa: PLR2004 - one
    logins = () if before.logins is customer.logins else _changed(before, customer, turn.stirred)
    account_id = event.data.account_id if isinstance(event.data, AccountSnapshot) else ""
    return Decision(
        customer=None if customer.remembers_nothing else customer,
        outcome=turn.outcome,
        event_time=turn.at,
        changed=bool(logins or turn.messages or turn.signals or turn.erased) or _is_told(before, customer, accounts),
        messages=turn.messages,
        signals=turn.signals,
        counted=turn.counted,
        erased=turn.erased,
        rules=turn.applied,
        accounts=accounts,
        logins=logins,
        future_dates=turn.future_dates,
        phase_before=_phase(before, account_id, turn.rules),
        phase_after=_phase(customer, account_id, turn.rules),
        next_due=None if timer is None else timer.due,
    )


def _is_told(before: Customer, after: Customer, accounts: tuple[str, ...]) -> bool:
    """Whether any account has changed, or a silence."""
    if before.state.silences != after.state.silences:
        return True
    return any(_tells(before.accounts.get(key), after.accounts.get(key)) for key in accounts)


def _changed(before: Customer, after: Customer, stirred: tuple[str, ...]) -> tuple[str, ...]:
    """Give the logins whose case has changed, or was dropped."""
    keys = {*stirred}
    if before.state.login_ids is not after.state.login_ids:
        keys |= before.logins.keys() - after.logins.keys()
    return tuple(sorted(key for key in keys if before.logins.get(key) is not after.logins.get(key)))


def _tells(before: AccountState | None, after: AccountState | None) -> bool:
    """Whether more than the time at which an account was heard of has changed."""
    if before is None or after is None or before.attempted_at != after.attempted_at:
        return True
    return replace(before, heard_at=after.heard_at) != after


def _phase(customer: Customer, account_id: str, rules: Rules) -> Phase | None:
    account = customer.accounts.get(account_id)
    return None if account is None else phase(account, rules)
