"""Short words for the tests of the decision core: events, and a story that folds them as the agent does."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from schemas.catalogue import Catalogue
from schemas.commands import Action, Command, Lookup
from schemas.events import (
    AccountChallenged,
    AccountSnapshot,
    ClockTick,
    ConnectEvent,
    CustomerForgotten,
    Event,
    EventType,
    Incident,
    Override,
    OverrideAction,
    Source,
    WebhookData,
)
from schemas.policy import Contact, Policy
from schemas.signals import SignalType
from schemas.state import AccountState, EpisodeState, LoginState, Record, Surroundings, encode
from schemas.times import to_epoch_ms
from streams.domain import (
    NOWHERE,
    Customer,
    Decision,
    Outgoing,
    OutgoingSignal,
    OutgoingWish,
    Rules,
    decide,
    hear_around,
    next_due,
    review,
)

CUSTOMER, ACCOUNT, LOGIN, BANK = "70", "a1", "L1", "102105"
START = datetime(2026, 11, 1, 3, tzinfo=UTC)
DAY, HOUR, MINUTE, MS = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(milliseconds=1)
CATALOGUE = Catalogue.load()
RULES = Rules(Policy(contact=Contact(reminder_days=())), CATALOGUE)
"""The shipped rules without reminders, which have tests of their own."""
SHIPPED = Rules(Policy(), CATALOGUE)
"""The shipped rules: reminders after 1, 3 and 7 days."""
UNINTEGRATED = Rules(Policy(fix_integrated=False, contact=Contact(reminder_days=())), CATALOGUE)

_ids = count()


def fresh_id() -> str:
    """Give an event id that no other event has."""
    return f"{next(_ids):064x}:0"


def looked(
    code: int | None = 0,
    at: datetime = START,
    attempt: datetime | None = START,
    account: str = ACCOUNT,
    login: str | None = LOGIN,
    *,
    bank: str | None = BANK,
    event_id: str | None = None,
    kind: EventType = EventType.ACCOUNT_MODIFIED,
    **more: Any,  # noqa: ANN401 - the other fields of a snapshot
) -> Event:
    """Give an event with a snapshot."""
    snapshot = AccountSnapshot(
        customer_id=CUSTOMER,
        account_id=account,
        institution_id=bank,
        institution_login_id=login,
        aggregation_status_code=code,
        aggregation_attempt_date=attempt,
        **more,
    )
    return Event(event_id or fresh_id(), kind, Source.BRIDGE, at, snapshot)


def nightly(code: int, night: int, account: str = ACCOUNT, login: str | None = LOGIN) -> Event:
    """Give the snapshot of a night, two minutes after its attempt."""
    attempt = START + night * DAY
    return looked(code, attempt + 2 * MINUTE, attempt, account, login)


def answered(code: int, at: datetime, source: Source = Source.EXECUTOR) -> Event:
    """Give what the executor, or a sweep, reads of the account at the vendor."""
    observed = looked(code, at, at - MINUTE, kind=EventType.ACCOUNT_OBSERVED)
    return msgspec.structs.replace(observed, source=source)


def deleted(at: datetime, account: str = ACCOUNT, login: str | None = LOGIN) -> Event:
    """Give the deletion of an account."""
    return looked(None, at, None, account, login, kind=EventType.ACCOUNT_DELETED)


def connected(event_type: str, at: datetime, *, made: datetime | None = None, command: str = "", **more: Any) -> Event:  # noqa: ANN401 - the other fields of the event
    """Give a Data Connect event; `made` is the time in its id."""
    made_id = None if made is None else f"{to_epoch_ms(made)}-0123456789abcdef01234567"
    webhook = WebhookData(command_id=command) if command else None
    data = ConnectEvent(customer_id=CUSTOMER, event_type=event_type, event_id=made_id, webhook_data=webhook, **more)
    return Event(fresh_id(), f"connect.{event_type}", Source.BRIDGE, at, data)


def fixed(at: datetime, login: str = LOGIN, *, made: datetime | None = None) -> Event:
    """Give a strong fix event of a login."""
    return connected("done", at, made=made, institution_login_ids=(login,))


def overridden(action: OverrideAction, at: datetime, *, customer: str | None = CUSTOMER, **more: Any) -> Event:  # noqa: ANN401 - the other fields of the override
    """Give an operator's decision about the customer, or with `customer=None` about a whole partition."""
    data = Override(action=action, customer_id=customer, who="ops", why="asked to", **more)
    return Event(fresh_id(), EventType.OPERATOR_OVERRIDE, Source.OPERATOR, at, data)


def silenced(at: datetime, until: datetime | None = None, *, customer: str | None = CUSTOMER, **more: Any) -> Event:  # noqa: ANN401 - the scope
    """Give a silence."""
    return overridden(OverrideAction.SILENCE, at, customer=customer, until=until, **more)


def challenged(at: datetime, account: str | None = ACCOUNT, login: str | None = None) -> Event:
    """Give the challenge that a live call met."""
    data = AccountChallenged(customer_id=CUSTOMER, account_id=account, institution_login_id=login)
    return Event(fresh_id(), EventType.ACCOUNT_CHALLENGED, Source.BRIDGE, at, data)


def incident(at: datetime, code: int, sequence: int = 1, *, bank: str = BANK, is_open: bool = True) -> Event:
    """Give the opening, or the closing, of an incident."""
    kind = EventType.INCIDENT_OPENED if is_open else EventType.INCIDENT_CLOSED
    data = Incident(institution_id=bank, code=code, sequence=sequence, opened_at=at, logins_failing=20, logins_seen=20)
    return Event(fresh_id(), kind, Source.INSTITUTIONS, at, data)


def forgotten(at: datetime) -> Event:
    """Give the order to forget the customer."""
    data = CustomerForgotten(customer_id=CUSTOMER, who="ops", why="asked to")
    return Event(fresh_id(), EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, at, data)


def tick(at: datetime) -> Event:
    """Give a tick of the partition."""
    return Event(fresh_id(), EventType.CLOCK_TICK, Source.AGENT, at, ClockTick())


@dataclass
class Story:
    """A customer's events, folded one after the other; `told` has every message in order.

    Time passes only by events: `wait` lets it pass without one. `around` is what `surround` has made of it, `ticked_at`
    the latest tick.
    """

    rules: Rules = RULES
    customer: Customer | None = None
    told: list[Outgoing] = field(default_factory=list)
    signals: list[OutgoingSignal | OutgoingWish] = field(default_factory=list)
    counted: list[tuple[str, str]] = field(default_factory=list)
    around: Surroundings = NOWHERE
    ticked_at: datetime | None = None

    def hear(self, *events: Event) -> Decision:
        """Fold events and give the decision on the last one."""
        for event in events:
            if event.type == EventType.CLOCK_TICK:
                self.ticked_at = max(event.time, self.ticked_at or event.time)
            decision = self.keep(decide(self.customer, event, self.rules, self.ticked_at, self.around))
        return decision

    def wait(self, until: datetime) -> None:
        """Let time pass: a tick whenever a timer is due, and one at its end."""
        while self.customer is not None:
            due = next_due(self.customer, self.rules, self.around)
            if due is None or due >= until:
                break
            self.hear(tick(due))
        self.hear(tick(until))

    def surround(self, event: Event) -> None:
        """Take an event about the whole partition, and look anew at who is contacted."""
        self.around = hear_around(self.around, event, event.time)
        if self.customer is not None:
            self.keep(review(self.customer, event, self.rules, self.ticked_at, self.around))

    def keep(self, decision: Decision) -> Decision:
        """Take what a decision has made of the customer; whatever it is, it names rules, each once, and is stored."""
        assert all(re.fullmatch(r"R\d+", rule) for rule in decision.rules), decision.rules
        assert len(set(decision.rules)) == len(decision.rules), decision.rules
        self.customer = decision.customer
        if decision.customer is not None:
            for record in _changed(decision.customer, decision):
                assert msgspec.json.decode(encode(record), type=type(record)) == record, record
        self.told += decision.messages
        self.signals += decision.signals
        self.counted += decision.counted
        return decision

    @property
    def known(self) -> Customer:
        """The customer, who must be known."""
        assert self.customer is not None, "the customer is forgotten"
        return self.customer

    def account(self, account_id: str = ACCOUNT) -> AccountState:
        """Give the state of an account."""
        return self.known.accounts[account_id]

    def login(self, login_id: str = LOGIN) -> LoginState:
        """Give the state of a case."""
        return self.known.logins[login_id]

    def episode(self, kind: str = "connect-fix", login_id: str = LOGIN) -> EpisodeState:
        """Give the open episode of a kind."""
        return self.login(login_id).episodes[kind]

    @property
    def commands(self) -> list[Command]:
        """The data of every message that is no request to the executor."""
        return [message.data for message in self.told if isinstance(message.data, Command)]

    @property
    def lines(self) -> list[str]:
        """Every message in a few words: see `line`."""
        return [line(message) for message in self.told]

    @property
    def dated(self) -> list[tuple[datetime, str]]:
        """Every message in a few words, with its time."""
        return [(message.time, line(message)) for message in self.told]

    @property
    def said(self) -> list[str]:
        """Every signal in a few words: what, the code, the login or else the account."""
        return [f"{WORDS[one.type]} {one.code} {one.institution_login_id or one.account_id}" for one in self.signals]


def _changed(customer: Customer, decision: Decision) -> list[Record]:
    """Give the records that a decision has changed."""
    accounts = [customer.accounts[key] for key in decision.accounts if key in customer.accounts]
    return [customer.state, *accounts, *(customer.logins[key] for key in decision.logins if key in customer.logins)]


WORDS = {SignalType.FAILING: "failing", SignalType.LEFT: "left", SignalType.TICKET_WANTED: "wanted"}


def command(message: Outgoing) -> Command:
    """Give the command of a message."""
    assert isinstance(message.data, Command)
    return message.data


def line(message: Outgoing) -> str:
    """Say what a message says: login, kind, action, why withdrawn, code; of a look-up login, action, accounts."""
    one = message.data
    if isinstance(one, Lookup):
        return f"{one.institution_login_id} {one.action} {','.join(one.account_ids)}"
    assert isinstance(one, Command)
    why = f" {one.withdraw_reason}" if one.action is Action.WITHDRAW else ""
    return f"{one.institution_login_id} {one.kind} {one.action}{why} {one.reason.code}"
