"""What one command needs from its reader now: the rules of the design, section 5, read from the reader's side."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Generic, NamedTuple

from schemas.commands import CONTACT_KINDS, Action
from streams.subscribe.core.messages import C, Message

_CONTACTS = frozenset({Action.ISSUE, Action.REMIND})
_CLOSINGS = frozenset({Action.WITHDRAW, Action.COMPLETE})


class Marks(NamedTuple):
    """What the store knows of a command, as sequences; -1 for none.

    Attributes:
        begun: the highest that was handed out.
        acknowledged: the highest that was handed out and acknowledged.
        passed: the highest that was settled without being handed out.
    """

    begun: int = -1
    acknowledged: int = -1
    passed: int = -1

    @property
    def done(self) -> int:
        """The highest sequence that is dealt with: at or below it, skip."""
        return max(self.acknowledged, self.passed)

    @property
    def known(self) -> bool:
        """Whether the reader ever met the command, if only to see it expired."""
        return max(self) >= 0


NO_MARKS = Marks()


class Fate(Enum):
    """What becomes of a command that waits; the words are those of the metrics."""

    HAND_OUT = "hand_out"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNNEEDED = "unneeded"


@dataclass(frozen=True, slots=True)
class Pending(Generic[C]):
    """The messages of one command above its `done` mark, folded into what matters of them.

    Attributes:
        latest: the message with the highest sequence.
        first_offset: of the first of them: nothing from there on counts as read.
        contact: the latest `issue` or `remind` among them.
        updated: whether an `update` is among them.
        attempts: how often the caller has handed it back.
        not_before: when it may be handed out again.
    """

    latest: Message[C]
    marks: Marks
    first_offset: int
    contact: Message[C] | None
    updated: bool
    attempts: int = 0
    not_before: datetime | None = None

    @classmethod
    def of(cls, message: Message[C], marks: Marks) -> "Pending[C]":
        """Begin with the first message of a command."""
        contact = message if message.action in _CONTACTS else None
        return cls(message, marks, message.offset, contact, message.action is Action.UPDATE)

    def followed_by(self, message: Message[C]) -> "Pending[C]":
        """Fold in a message with a higher sequence; it counts afresh for handing out."""
        contact = message if message.action in _CONTACTS else self.contact
        updated = self.updated or message.action is Action.UPDATE
        return replace(self, latest=message, contact=contact, updated=updated, attempts=0, not_before=None)

    def done_through(self, sequence: int) -> "Pending[C] | None":
        """Give what is left once the reader has dealt with the messages up to `sequence`."""
        if sequence >= self.latest.command.sequence:
            return None
        marks = self.marks._replace(begun=max(self.marks.begun, sequence), acknowledged=sequence)
        return replace(self, marks=marks, contact=None, updated=True, attempts=0, not_before=None)


class Verdict(NamedTuple):
    """What becomes of a command, and if it is handed out, what for.

    Attributes:
        action: what the reader has to do, which need not be the action of the latest message.
        contact: whether that reaches a customer: it counts for `max_per_hour`.
        asked_by: sequence of the message that asks for the action.
        missed: whether a contact among the messages came too late.
    """

    fate: Fate
    action: Action | None = None
    contact: bool = False
    asked_by: int = -1
    missed: bool = False


_SUPERSEDED = Verdict(Fate.SUPERSEDED)
_UNNEEDED = Verdict(Fate.UNNEEDED)
_EXPIRED = Verdict(Fate.EXPIRED, missed=True)


def judge(pending: Pending[C], now: datetime) -> Verdict:
    """Say what the reader has to do about a command, given what it has done before.

    A command that ended before the reader heard of it needs nothing. One whose `issue` it never got is issued to it,
    with the latest content. A contact past its `not_after` is not handed out; what it brought otherwise still is.
    """
    latest, marks, contact = pending.latest, pending.marks, pending.contact
    if latest.action in _CLOSINGS:
        return _hand_out(latest.action, latest) if marks.known else _SUPERSEDED
    is_late = contact is not None and contact.not_after is not None and now > contact.not_after
    if contact is not None and not is_late:
        action = contact.action if marks.acknowledged >= 0 else Action.ISSUE
        return _hand_out(action, contact, contact=latest.command.kind in CONTACT_KINDS)
    if pending.updated and marks.begun >= 0:
        return _hand_out(Action.UPDATE, latest, missed=is_late)
    if is_late:
        return _EXPIRED
    if marks.known or latest.command.kind in CONTACT_KINDS:
        return _UNNEEDED
    return _hand_out(Action.ISSUE, latest)


def _hand_out(action: Action, asked_by: Message[C], *, contact: bool = False, missed: bool = False) -> Verdict:
    return Verdict(Fate.HAND_OUT, action, contact, asked_by.command.sequence, missed)
