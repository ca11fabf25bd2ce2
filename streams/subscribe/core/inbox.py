"""The commands that wait for the reader: one entry a command, in the order of the log."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, NamedTuple

from schemas.commands import Action
from streams.subscribe.core.messages import C, Message, Partition
from streams.subscribe.core.verdict import Fate, Marks, Pending, Verdict, judge

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Offer(Generic[C]):
    """A command to be handed out, and why."""

    pending: Pending[C]
    action: Action
    contact: bool
    asked_by: int
    missed: bool

    @property
    def command_id(self) -> str:
        """Whose offer it is."""
        return self.pending.latest.command.command_id

    @property
    def id(self) -> str:
        """The id of the message that asks for the action: the same when it is offered again."""
        return f"{self.command_id}:{self.asked_by}"

    @property
    def repeated(self) -> bool:
        """Whether it was handed out before without an acknowledgement."""
        return self.pending.marks.begun >= self.asked_by

    @property
    def through(self) -> int:
        """The sequence that an acknowledgement settles.

        What may have been done before with older content settles only that, so that the content follows as an update.
        """
        return self.asked_by if self.repeated else self.pending.latest.command.sequence

    @property
    def not_after(self) -> datetime | None:
        """The last moment at which to contact."""
        return self.pending.contact.not_after if self.contact and self.pending.contact is not None else None


class Settled(NamedTuple, Generic[C]):
    """A command that leaves without being handed out."""

    message: Message[C]
    fate: Fate


class Inbox(Generic[C]):
    """Latest state per command, over the partitions that are open; no I/O, no clock.

    Entries of a partition stand in the order of their first unread message, so the first one says how far it is read.
    `contacts` counts the commands that wait to reach a customer, as of the last `settle` and less those done since.
    """

    def __init__(self) -> None:
        self._waiting: dict[Partition, OrderedDict[str, Pending[C]]] = {}
        self._read_to: dict[Partition, int] = {}
        self.contacts = 0

    def __len__(self) -> int:
        """Count the commands that wait."""
        return sum(map(len, self._waiting.values()))

    def open(self, partition: Partition, offset: int) -> None:
        """Begin a partition at an offset: all before it is dealt with."""
        self._waiting[partition] = OrderedDict()
        self._read_to[partition] = offset

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Drop partitions and what waits in them: they are someone else's now."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._read_to.pop(partition, None)

    def __contains__(self, partition: Partition) -> bool:
        """Tell whether a partition is open."""
        return partition in self._waiting

    def partitions(self) -> tuple[Partition, ...]:
        """Give the open partitions."""
        return tuple(self._waiting)

    def pass_by(self, partition: Partition, offset: int) -> None:
        """Count a record of an open partition as read without keeping it."""
        self._read_to[partition] = max(self._read_to[partition], offset + 1)

    def take(self, message: Message[C], marks: Marks) -> bool:
        """Keep a message; False when its sequence was dealt with or is known already, or its partition is not open.

        `marks` are those of the store; where the command waits already, its own count.
        """
        entries = self._waiting.get(message.partition)
        if entries is None:
            return False
        self.pass_by(message.partition, message.offset)
        waiting = entries.get(message.command.command_id)
        known = marks.done if waiting is None else waiting.latest.command.sequence
        if message.command.sequence <= known:
            return False
        pending = Pending.of(message, marks) if waiting is None else waiting.followed_by(message)
        entries[message.command.command_id] = pending
        return True

    def settle(self, now: datetime) -> list[Settled[C]]:
        """Take out every command that needs nothing from the reader, and tell why; counts `contacts` anew."""
        gone: list[Settled[C]] = []
        self.contacts = 0
        for entries in self._waiting.values():
            for pending, verdict in _judged(entries, now):
                self.contacts += verdict.contact
                if verdict.fate is not Fate.HAND_OUT:
                    gone.append(Settled(pending.latest, verdict.fate))
        for message, _ in gone:
            del self._waiting[message.partition][message.command.command_id]
        return gone

    def next(self, now: datetime, *, contacts: bool) -> Offer[C] | None:
        """Give the oldest command that may be handed out now; `contacts` tells whether customers may be contacted."""
        ready = (self._first(entries, now, contacts=contacts) for entries in self._waiting.values())
        return min((offer for offer in ready if offer is not None), key=_age, default=None)

    def _first(self, entries: Mapping[str, Pending[C]], now: datetime, *, contacts: bool) -> Offer[C] | None:
        for pending, verdict in _judged(entries, now):
            held_back = pending.not_before is not None and pending.not_before > now
            if verdict.action is not None and not held_back and (contacts or not verdict.contact):
                return Offer(pending, verdict.action, verdict.contact, verdict.asked_by, verdict.missed)
        return None

    def begun(self, offer: Offer[C]) -> None:
        """Note that a command is with the caller."""
        latest = offer.pending.latest
        marks = offer.pending.marks._replace(begun=max(offer.pending.marks.begun, latest.command.sequence))
        self._waiting[latest.partition][offer.command_id] = replace(offer.pending, marks=marks)

    def done(self, offer: Offer[C]) -> None:
        """Take out what the caller has done; what it did not cover stays, in its place."""
        self.contacts -= offer.contact
        entries = self._waiting[offer.pending.latest.partition]
        left = entries[offer.command_id].done_through(offer.through)
        if left is None:
            del entries[offer.command_id]
        else:
            entries[offer.command_id] = left

    def hand_back(self, offer: Offer[C], now: datetime) -> float:
        """Keep a command that the caller could not deal with, and give the seconds until it is handed out again."""
        entries = self._waiting[offer.pending.latest.partition]
        attempts = offer.pending.attempts + 1
        delay = min(FIRST_DELAY_SECONDS * (1 << min(attempts - 1, 30)), LONGEST_DELAY_SECONDS)
        until = now + timedelta(seconds=delay)
        entries[offer.command_id] = replace(entries[offer.command_id], attempts=attempts, not_before=until)
        return delay

    def positions(self) -> dict[Partition, int]:
        """Give for each partition the offset before which everything is dealt with."""
        return {
            partition: next(iter(entries.values())).first_offset if entries else self._read_to[partition]
            for partition, entries in self._waiting.items()
        }


def _judged(entries: Mapping[str, Pending[C]], now: datetime) -> Iterator[tuple[Pending[C], Verdict]]:
    return ((pending, judge(pending, now)) for pending in entries.values())


def _age(offer: Offer[C]) -> tuple[datetime, Partition, int]:
    latest = offer.pending.latest
    return latest.time, latest.partition, latest.offset
