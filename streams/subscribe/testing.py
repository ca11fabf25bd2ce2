"""For the tests of a service: its subscription in memory, on a clock that the test sets; nothing here waits.

The rules are those of the real subscription, as it is the same code; only the topics are a list.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

from schemas.catalogue import Catalogue, Kind
from schemas.commands import (
    COMMAND_NAMESPACE,
    COMMAND_TOPICS,
    Action,
    Command,
    EpisodeRef,
    Evidence,
    Reason,
    Ticket,
    TicketCause,
    WithdrawReason,
)
from schemas.times import rfc3339
from streams.clock import Clock
from streams.subscribe import CUSTOMER_KINDS
from streams.subscribe.meters import Meters
from streams.subscribe.options import Options
from streams.subscribe.report import AnyDelivery, reported
from streams.subscribe.sources.memory import MemoryLog, MemorySource
from streams.subscribe.stores.base import AsyncStore, Store
from streams.subscribe.stores.contract import StoreContractError, check_store
from streams.subscribe.subscription import Subscription

__all__ = [
    "CommandStory",
    "MemoryLog",
    "RecordingReporter",
    "SettableClock",
    "StoreContractError",
    "TicketStory",
    "check_store",
    "commands",
    "tickets",
]

START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
CONTACT_LASTS = timedelta(hours=24)


class SettableClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at

    def now(self) -> datetime:
        """Give the time that was set."""
        return self._at

    def advance(self, span: timedelta) -> None:
        """Move on."""
        self._at += span


def commands(
    log: MemoryLog,
    store: Store | AsyncStore,
    options: Options,
    kinds: Collection[Kind] = CUSTOMER_KINDS,
    *,
    clock: Clock | None = None,
    meters: Meters | None = None,
) -> Subscription[Command]:
    """Subscribe to a MemoryLog as `streams.subscribe.commands` does to Kafka; iterating ends when nothing is left.

    What waits (for `max_per_hour`, or after it was handed back) stays: move the clock, and iterate again. For a
    restart make another one on the same log and store.
    """
    source = MemorySource(log, [COMMAND_TOPICS[kind] for kind in kinds])
    return Subscription(source, store, options, clock or SettableClock(), meters or Meters())


def tickets(
    log: MemoryLog,
    store: Store | AsyncStore,
    options: Options,
    *,
    clock: Clock | None = None,
    meters: Meters | None = None,
) -> Subscription[Ticket]:
    """Subscribe to the support tickets of a MemoryLog."""
    source = MemorySource(log, [COMMAND_TOPICS[Kind.SUPPORT_TICKET]])
    return Subscription(source, store, options, clock or SettableClock(), meters or Meters())


class RecordingReporter:
    """A `Reporter` that keeps what it is told, and refuses what the real one would."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.reports: list[tuple[str, str, str | None]] = []
        self._clock = clock or SettableClock()

    async def report(self, delivery: AnyDelivery, report: str, *, reference: str | None = None) -> None:
        """As in `Reporter`."""
        reported(delivery, report, reference, "/services/test", self._clock)
        self.reports.append((delivery.id, report, reference))


class CommandStory:
    """The messages of one command in their order: each call gives the next, as the agent would write it."""

    def __init__(
        self, customer_id: str = "7000000042", kind: Kind = Kind.CONNECT_FIX, code: int = 185, at: datetime = START
    ) -> None:
        self.at = at
        self._next = 0
        name = f"{customer_id}/71{customer_id}/{kind.value}/{rfc3339(at)}/1"
        self._fixed: dict[str, Any] = {
            "command_id": str(uuid5(COMMAND_NAMESPACE, name)),
            "kind": kind,
            "customer_id": customer_id,
            "institution_login_id": f"71{customer_id}",
            "institution_id": "102105",
            "account_ids": (f"59{customer_id}",),
            "episode": EpisodeRef(opened_at=at, ordinal=1),
            "evidence": Evidence(event_ids=("test:0",), rules=("R3",)),
            "policy_version": "test",
            "catalogue_version": "test",
        }
        self._code = code

    @property
    def command_id(self) -> str:
        """The id of the command."""
        return str(self._fixed["command_id"])

    def issue(self, at: datetime | None = None) -> Command:
        """Open it."""
        return self._message(Action.ISSUE, at)

    def update(self, code: int, at: datetime | None = None) -> Command:
        """State another code, with its steps."""
        self._code = code
        return self._message(Action.UPDATE, at)

    def remind(self, at: datetime | None = None) -> Command:
        """Ask for contact again."""
        return self._message(Action.REMIND, at)

    def withdraw(self, reason: WithdrawReason = WithdrawReason.HEALED, at: datetime | None = None) -> Command:
        """End it without a repair of ours."""
        return self._message(Action.WITHDRAW, at, withdraw_reason=reason)

    def complete(self, at: datetime | None = None) -> Command:
        """End it repaired."""
        return self._message(Action.COMPLETE, at)

    def _message(self, action: Action, at: datetime | None, **more: Any) -> Command:  # noqa: ANN401 - fields of Command
        self.at = at or self.at
        is_contact = action in (Action.ISSUE, Action.REMIND) and self._fixed["kind"] is not Kind.OTP_ESCALATION
        sequence, self._next = self._next, self._next + 1
        return Command(
            sequence=sequence,
            action=action,
            reason=_reason(self._code),
            steps=_CATALOGUE.entry(self._code).steps,
            not_after=self.at + CONTACT_LASTS if is_contact else None,
            **more,
            **self._fixed,
        )


class TicketStory:
    """The messages of one support ticket in their order."""

    def __init__(self, institution_id: str = "102105", code: int = 906, at: datetime = START) -> None:
        self._next = 0
        self._logins = 1
        name = f"{institution_id}/{code}/support/{rfc3339(at)}"
        self._fixed: dict[str, Any] = {
            "command_id": str(uuid5(COMMAND_NAMESPACE, name)),
            "kind": Kind.SUPPORT_TICKET,
            "institution_id": institution_id,
            "cause": TicketCause.SUPPORT,
            "opened_at": at,
            "reason": _reason(code),
            "steps": _CATALOGUE.entry(code).steps,
            "codes": (code,),
            "first_seen": at,
            "last_seen": at,
            "sample_ids": ("5900000001",),
            "evidence": Evidence(event_ids=("test:0",), rules=("R10",)),
            "policy_version": "test",
            "catalogue_version": "test",
        }

    @property
    def command_id(self) -> str:
        """The id of the ticket."""
        return str(self._fixed["command_id"])

    def issue(self) -> Ticket:
        """Open it."""
        return self._message(Action.ISSUE)

    def update(self, logins_affected: int) -> Ticket:
        """State more logins."""
        self._logins = logins_affected
        return self._message(Action.UPDATE)

    def complete(self) -> Ticket:
        """End it."""
        return self._message(Action.COMPLETE)

    def _message(self, action: Action) -> Ticket:
        sequence, self._next = self._next, self._next + 1
        return Ticket(sequence=sequence, action=action, logins_affected=self._logins, **self._fixed)


_CATALOGUE = Catalogue.load()


def _reason(code: int) -> Reason:
    entry = _CATALOGUE.entry(code)
    return Reason(code=code, cause=entry.cause, text=entry.text)
