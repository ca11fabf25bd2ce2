"""What a decision sends: commands to the log's readers, and signals to the institution agent."""

from datetime import datetime

from schemas.commands import Command, Lookup, Ticket, TicketCause
from schemas.health import Otp, Phase
from schemas.signals import Signal, SignalType, TicketWanted
from schemas.state import Record


class Outgoing(Record, frozen=True):
    """A command message, as a CloudEvent; `time` is the event time that caused it, or when its timer was due."""

    topic: str
    key: str
    id: str
    time: datetime
    subject: str
    data: Command | Ticket | Lookup


class OutgoingSignal(Record, frozen=True):
    """A signal, as a CloudEvent, but for the place of its cause in the inbound log: `sourced` adds that."""

    type: SignalType
    time: datetime
    institution_id: str
    code: int | None
    customer_id: str
    institution_login_id: str | None
    account_id: str
    entered: bool
    event_id: str
    otp: bool = False
    counted_at: datetime | None = None

    def sourced(self, partition: int, offset: int) -> Signal:
        """Give the data of the record, with the place of the record that caused it."""
        return Signal(
            institution_id=self.institution_id,
            code=self.code,
            customer_id=self.customer_id,
            institution_login_id=self.institution_login_id,
            account_id=self.account_id,
            entered=self.entered,
            otp=self.otp,
            counted_at=self.counted_at,
            event_id=self.event_id,
            source_partition=partition,
            source_offset=offset,
        )


class OutgoingWish(Record, frozen=True):
    """A support ticket that an account asks for (R11, R14), but for the place of its cause."""

    time: datetime
    institution_id: str
    cause: TicketCause
    code: int | None
    customer_id: str
    institution_login_id: str | None
    account_id: str
    event_id: str

    @property
    def type(self) -> SignalType:
        """The `ce_type` of the record."""
        return SignalType.TICKET_WANTED

    def sourced(self, partition: int, offset: int) -> TicketWanted:
        """Give the data of the record, with the place of the record that caused it."""
        return TicketWanted(
            institution_id=self.institution_id,
            cause=self.cause,
            code=self.code,
            customer_id=self.customer_id,
            institution_login_id=self.institution_login_id,
            account_id=self.account_id,
            event_id=self.event_id,
            source_partition=partition,
            source_offset=offset,
        )


class OpenCommand(Record, frozen=True):
    """A command that is open for the login of an account, as `schemas.health` has it."""

    kind: str
    command_id: str
    sequence: int


class Health(Record, frozen=True):
    """What `account.health` says of an account: the record of `schemas.health.AccountHealth`, one for every event."""

    customer_id: str
    account_id: str
    institution_id: str | None
    institution_login_id: str | None
    phase: Phase
    code: int | None
    attempted_at: datetime | None
    heard_at: datetime
    healthy_at: datetime | None
    otp: Otp
    is_unresponsive: bool
    commands: tuple[OpenCommand, ...]
