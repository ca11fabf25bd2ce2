"""Short words for the tests of the decision core: events, and a story that folds them as the agent does."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from schemas.catalogue import Catalogue
from schemas.commands import Action, Command
from schemas.events import AccountSnapshot, ClockTick, ConnectEvent, Event, EventType, Source, WebhookData
from schemas.policy import Contact, Policy
from schemas.state import AccountState, EpisodeState, LoginState
from schemas.times import to_epoch_ms
from streams.domain import Customer, Decision, Outgoing, Rules, decide

CUSTOMER, ACCOUNT, LOGIN, BANK = "70", "a1", "L1", "102105"
START = datetime(2026, 11, 1, 3, tzinfo=UTC)
DAY, HOUR, MINUTE, MS = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(milliseconds=1)
CATALOGUE = Catalogue.load()
RULES = Rules(Policy(contact=Contact(reminder_days=())), CATALOGUE)
"""The shipped rules without reminders, which have tests of their own."""
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


def deleted(at: datetime, account: str = ACCOUNT, login: str | None = LOGIN) -> Event:
    """Give the deletion of an account."""
    return looked(None, at, None, account, login, kind=EventType.ACCOUNT_DELETED)


def connected(event_type: str, at: datetime, *, made: datetime | None = None, command: str = "", **more: Any) -> Event:  # noqa: ANN401 - the other fields of the event
    """Give a Data Connect event; `made` is the time in its id."""
    made_id = None if made is None else f"{to_epoch_ms(made)}-0123456789abcdef01234567"
    webhook = WebhookData(command_id=command) if command else None
    data = ConnectEvent(customer_id=CUSTOMER, event_type=event_type, event_id=made_id, webhook_data=webhook, **more)
    return Event(fresh_id(), f"connect.{event_type}", Source.BRIDGE, at, data)


def tick(at: datetime) -> Event:
    """Give a tick of the partition."""
    return Event(fresh_id(), EventType.CLOCK_TICK, Source.AGENT, at, ClockTick())


@dataclass
class Story:
    """A customer's events, folded one after the other; `told` has every message in order."""

    rules: Rules = RULES
    customer: Customer | None = None
    told: list[Outgoing] = field(default_factory=list)

    def hear(self, *events: Event) -> Decision:
        """Fold events and give the decision on the last one."""
        for event in events:
            decision = decide(self.customer, event, self.rules)
            self.customer = decision.customer
            self.told += decision.messages
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
        """The data of every message."""
        return [command(message) for message in self.told]

    @property
    def lines(self) -> list[str]:
        """Every message in a few words: login, kind, action, why it was withdrawn, the code stated."""
        return [line(one) for one in self.commands]


def command(message: Outgoing) -> Command:
    """Give the command of a message."""
    assert isinstance(message.data, Command)
    return message.data


def line(one: Command) -> str:
    """Say what a command says, in a few words."""
    why = f" {one.withdraw_reason}" if one.action is Action.WITHDRAW else ""
    return f"{one.institution_login_id} {one.kind} {one.action}{why} {one.reason.code}"
