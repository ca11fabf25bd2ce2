"""The one pure function that everything else serves: a customer's state and an event in, state and messages out.

A turn goes: the timers that were due, the memory of event ids (R1), the event itself, then the needs of every case that
it may have changed. Nothing here reads a clock, a network, a file or a random number.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

from schemas.events import AccountSnapshot, ClockTick, ConnectEvent, Event, EventType
from schemas.health import Phase
from schemas.state import AccountState, CustomerState, LoginState, Record, replace
from schemas.vendor import valid_identifier
from streams.domain.case import settle
from streams.domain.customer import Customer, Outcome, Timer, Turn
from streams.domain.deletion import delete, forgetting
from streams.domain.fixes import hear_fix, is_fix
from streams.domain.messages import Outgoing, OutgoingSignal
from streams.domain.observation import observe
from streams.domain.rules import Rules
from streams.domain.standing import phase

SEEN_LIMIT = 4096
"""How many event ids a customer's state remembers at most: a record of the state has to fit a Kafka batch."""


class Decision(Record, frozen=True):
    """What one event did to its customer.

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
    signals: tuple[OutgoingSignal, ...] = ()
    rules: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    future_dates: int = 0
    phase_before: Phase | None = None
    phase_after: Phase | None = None


def customer_of(event: Event) -> str | None:
    """Give the id of the customer that an event is about; None for ticks, policies and events about institutions."""
    data = event.data
    if isinstance(data, AccountSnapshot | ConnectEvent):
        return data.customer_id
    return valid_identifier(data.get("customerId")) if isinstance(data, Mapping) else None


def decide(customer: Customer | None, event: Event, rules: Rules, ticked_at: datetime | None = None) -> Decision:
    """Decide on one event of one customer: `customer` is None where nothing is known of it yet.

    `ticked_at` is the latest tick of the customer's partition: the event time is never before it, nor before the
    customer's own. A tick is for each customer whose `next_due` has come, in the order due, customer.
    """
    known = event.time if customer is None else customer.state.event_time
    at = max(event.time, known, ticked_at or known)
    before = customer or Customer(customer_of(event) or "", CustomerState(event_time=at))
    is_tick = isinstance(event.data, ClockTick)
    turn = _fire_due(Turn(before, rules, at), is_tick=is_tick)
    turn = replace(turn, outcome=Outcome.TICK) if is_tick else _read(turn, event)
    return _decision(before, turn, event)


def next_due(customer: Customer, rules: Rules) -> datetime | None:
    """Give when the customer's earliest timer is due; None without timers."""
    timer = _first(customer, rules)
    return None if timer is None else timer.due


def _first(customer: Customer, rules: Rules) -> Timer | None:
    timers = forgetting(customer, rules)
    return min(timers, key=lambda timer: timer.order) if timers else None


def _fire_due(turn: Turn, *, is_tick: bool) -> Turn:
    """Fire what was due before this record; a tick fires what is due at its very time, too."""
    while (timer := _first(turn.customer, turn.rules)) is not None and timer.due <= turn.at:
        if timer.due == turn.at and not is_tick:
            break
        fired = timer.fire(replace(turn, at=timer.due), timer.account_id)
        turn = replace(settle(fired, turn.customer), at=turn.at)
    return turn


def _read(turn: Turn, event: Event) -> Turn:
    """Take a record that is no tick: it moves the clock, whatever else it says."""
    customer, data = turn.customer, event.data
    if not isinstance(data, AccountSnapshot | ConnectEvent):
        return replace(turn, customer=replace(customer, state=replace(customer.state, event_time=turn.at)))
    seen, digest = _still_seen(customer.state, turn.at - turn.rules.policy.state.dedupe), _digest(event.id)
    is_known = digest in seen
    seen.setdefault(digest, turn.at)
    if len(seen) > SEEN_LIMIT:
        del seen[next(iter(seen))]
    state = replace(customer.state, event_time=turn.at, seen=seen)
    turn = replace(turn, customer=replace(customer, state=state), event_id=event.id)
    if is_known:
        return replace(turn, outcome=Outcome.DUPLICATE_EVENT).by("R1")
    handled = _hear(turn, data) if isinstance(data, ConnectEvent) else _look(turn, data, event.type)
    return settle(handled, customer)


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
    if event_type != EventType.ACCOUNT_DELETED:
        return observe(turn, snapshot)
    unknown = AccountState(turn.at, snapshot.institution_id, snapshot.institution_login_id)
    return delete(replace(turn, outcome=Outcome.REPEATED_DELETION), snapshot.account_id, unknown)


def _hear(turn: Turn, event: ConnectEvent) -> Turn:
    if is_fix(event):
        return hear_fix(turn, event)
    if event.event_type != "accountsDeleted" or not event.account_ids:
        return replace(turn, outcome=Outcome.CONNECT)
    turn = replace(turn, outcome=Outcome.REPEATED_DELETION)
    for account_id in sorted(event.account_ids):
        turn = delete(turn, account_id, AccountState(turn.at, event.institution_id))
    return turn


def _decision(before: Customer, turn: Turn, event: Event) -> Decision:
    customer = turn.customer
    accounts = tuple(sorted(set(turn.touched)))
    logins = _changed(before.logins, customer.logins)
    told = any(_tells(before.accounts.get(key), customer.accounts.get(key)) for key in accounts)
    account_id = event.data.account_id if isinstance(event.data, AccountSnapshot) else ""
    return Decision(
        customer=None if customer.remembers_nothing else customer,
        outcome=turn.outcome,
        event_time=turn.at,
        changed=bool(told or logins or turn.messages or turn.signals),
        messages=turn.messages,
        signals=turn.signals,
        rules=turn.applied,
        accounts=accounts,
        logins=logins,
        future_dates=turn.future_dates,
        phase_before=_phase(before, account_id, turn.rules),
        phase_after=_phase(customer, account_id, turn.rules),
    )


def _changed(before: Mapping[str, LoginState], after: Mapping[str, LoginState]) -> tuple[str, ...]:
    return (
        ()
        if before is after
        else tuple(sorted(key for key in {**before, **after} if before.get(key) is not after.get(key)))
    )


def _tells(before: AccountState | None, after: AccountState | None) -> bool:
    """Whether more than the time at which an account was heard of has changed."""
    return before is None or after is None or replace(before, heard_at=after.heard_at) != after


def _phase(customer: Customer, account_id: str, rules: Rules) -> Phase | None:
    account = customer.accounts.get(account_id)
    return None if account is None else phase(account, rules)
