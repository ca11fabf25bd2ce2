"""What a decision sends: commands to the log's readers, and signals to the institution agent."""

from datetime import datetime

from schemas.commands import Command, Ticket
from schemas.health import Phase
from schemas.signals import Signal, SignalType
from schemas.state import Record


class Outgoing(Record, frozen=True):
    """A command message, as a CloudEvent; `time` is the event time that caused it, or when its timer was due."""

    topic: str
    key: str
    id: str
    time: datetime
    subject: str
    data: Command | Ticket


class OutgoingSignal(Record, frozen=True):
    """A signal, as a CloudEvent, but for the place of its cause in the inbound log: `sourced` adds that."""

    type: SignalType
    time: datetime
    institution_id: str
    code: int
    customer_id: str
    institution_login_id: str | None
    account_id: str
    entered: bool
    event_id: str

    def sourced(self, partition: int, offset: int) -> Signal:
        """Give the data of the record, with the place of the record that caused it."""
        return Signal(
            institution_id=self.institution_id,
            code=self.code,
            customer_id=self.customer_id,
            institution_login_id=self.institution_login_id,
            account_id=self.account_id,
            entered=self.entered,
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
    commands: tuple[OpenCommand, ...]
