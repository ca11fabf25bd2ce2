"""How the commands that links lead to stand: a fold of the command topics that forgets when links end."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from schemas.commands import Action, Lookup, WithdrawReason
from schemas.problems import UNREADABLE
from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.kafka.view import ViewRecord
from streams.links import LIFETIME

log = logging.getLogger(__name__)

MAX_COMMANDS = 1_000_000
"""Some 600 bytes each; past it the longest unheard of is forgotten, and its link opens nothing."""
MAX_ACCOUNTS = 20
"""Accounts that are kept of a command: enough to see where its login has gone."""
MARGIN = timedelta(days=1)
LIFETIME_MS = round(LIFETIME.total_seconds() * 1000)
_OPEN = frozenset({Action.ISSUE, Action.UPDATE, Action.REMIND})
_ACTIONS = frozenset(Action)
_REASONS = frozenset({None, *WithdrawReason})


class Ending(Enum):
    """How a command ended."""

    MENDED = "mended"
    """The connection works: repaired by us or elsewhere."""
    SUPERSEDED = "superseded"
    """Others have taken its place, as where its login has moved (R5)."""
    CALLED_OFF = "called_off"
    """It is not needed, or not the right remedy any more."""


_ENDINGS: dict[str | None, Ending] = {
    WithdrawReason.HEALED: Ending.MENDED,
    WithdrawReason.RELEASED: Ending.MENDED,
    WithdrawReason.SUPERSEDED: Ending.SUPERSEDED,
}


class OpenCommand(msgspec.Struct, frozen=True, gc=False):
    """What a session at the vendor is made from."""

    sequence: int
    heard_ms: int
    customer_id: str
    institution_login_id: str
    institution_id: str | None
    account_ids: tuple[str, ...] = ()


class ClosedCommand(msgspec.Struct, frozen=True, gc=False):
    """What is left of a command that ended."""

    sequence: int
    heard_ms: int
    ending: Ending


class _Message(msgspec.Struct):
    """The part of a command message that counts here."""

    command_id: str
    sequence: int
    action: str
    customer_id: str
    institution_login_id: str
    institution_id: str | None = None
    account_ids: tuple[str, ...] = ()
    withdraw_reason: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether this release knows what it says."""
        return self.action in _ACTIONS and self.withdraw_reason in _REASONS


class Commands:
    """The commands whose latest message is younger than links live: of older ones no link opens.

    Args:
        clock: says what is past.
        on_unreadable: told of each record that is no command message.
        limit: commands kept, at most.
    """

    def __init__(self, clock: Clock, on_unreadable: Callable[[], None], limit: int = MAX_COMMANDS) -> None:
        self._clock = clock
        self._on_unreadable = on_unreadable
        self._limit = limit
        self._decoder = msgspec.json.Decoder(_Message)
        self._known: dict[str, OpenCommand | ClosedCommand] = {}
        self._open_of: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._known)

    def heard_since(self) -> datetime:
        """Give the time before which no message counts; a day earlier, as other clocks may differ."""
        return self._clock.now() - LIFETIME - MARGIN

    def find(self, command_id: str) -> OpenCommand | ClosedCommand | None:
        """Give how a command stands; None for one that is not kept."""
        return self._known.get(command_id)

    def institutions_of(self, customer_id: str) -> frozenset[str]:
        """Give the institutions of a customer's open commands."""
        found = (self._known.get(command_id) for command_id in self._open_of.get(customer_id, ()))
        return frozenset(one.institution_id for one in found if isinstance(one, OpenCommand) and one.institution_id)

    def institution_of(self, lookup: Lookup) -> str | None:
        """Give the institution that a look-up is about, where an open command names it."""
        found = (self._known.get(command_id) for command_id in self._open_of.get(lookup.customer_id, ()))
        login_id = lookup.institution_login_id
        named = (one for one in found if isinstance(one, OpenCommand) and one.institution_login_id == login_id)
        return next((one.institution_id for one in named if one.institution_id), None)

    def hear(self, record: ViewRecord) -> None:
        """Take a committed record of a command topic; one that cannot be read is passed by.

        An action or a reason of a later release is told, and closes: better no session than one that nobody wants.
        """
        oldest_ms = to_epoch_ms(self._clock.now()) - LIFETIME_MS
        if record.value is None or record.timestamp_ms <= oldest_ms:
            return
        try:
            message = self._decoder.decode(record.value)
        except UNREADABLE:  # its text may quote the record
            self._tell(record, "no command message")
            return
        if not message.is_known:
            self._tell(record, "a command message of a later release")
        known = self._known.get(message.command_id)
        if known is None or message.sequence > known.sequence:
            self._drop(message.command_id)  # so that the dict stays in the order of hearing
            self._keep(message.command_id, _standing(message, record.timestamp_ms))
        self._forget(oldest_ms)

    def _tell(self, record: ViewRecord, what: str) -> None:
        log.error("%s/%d/%d is %s", record.topic, record.partition, record.offset, what)
        self._on_unreadable()

    def _forget(self, oldest_ms: int) -> None:
        while self._known:
            first = next(iter(self._known))
            if self._known[first].heard_ms > oldest_ms and len(self._known) <= self._limit:
                return
            self._drop(first)

    def _keep(self, command_id: str, command: OpenCommand | ClosedCommand) -> None:
        self._known[command_id] = command
        if isinstance(command, OpenCommand):
            self._open_of[command.customer_id] = (*self._open_of.get(command.customer_id, ()), command_id)

    def _drop(self, command_id: str) -> None:
        command = self._known.pop(command_id, None)
        if not isinstance(command, OpenCommand):
            return
        if rest := tuple(one for one in self._open_of[command.customer_id] if one != command_id):
            self._open_of[command.customer_id] = rest
        else:
            del self._open_of[command.customer_id]


def _standing(message: _Message, heard_ms: int) -> OpenCommand | ClosedCommand:
    if message.action == Action.COMPLETE:
        return ClosedCommand(message.sequence, heard_ms, Ending.MENDED)
    if message.action not in _OPEN or not message.is_known:
        return ClosedCommand(message.sequence, heard_ms, _ENDINGS.get(message.withdraw_reason, Ending.CALLED_OFF))
    return OpenCommand(
        message.sequence,
        heard_ms,
        message.customer_id,
        message.institution_login_id,
        message.institution_id,
        message.account_ids[:MAX_ACCOUNTS],
    )
