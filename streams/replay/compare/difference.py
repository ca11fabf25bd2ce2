"""What a comparison finds: a difference, and what it comes from."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from streams.kafka.topics import EVENTS

DECISION = "decision"
"""What an audit record says."""
SNAPSHOT = "snapshot"
"""What the log has announced of the state at a mark."""


class Verdict(StrEnum):
    """How one thing compares; `new` is derived and not recorded, `dropped` recorded and not derived."""

    SAME = "same"
    NEW = "new"
    DROPPED = "dropped"
    CHANGED = "changed"
    GONE = "gone"
    """Derived, and recorded before the first record that its topic still keeps: nothing is there to compare with."""


class Cause(StrEnum):
    """What a difference comes from."""

    EVENT = "another event was decided on at this offset"
    INPUTS = "the inbound records up to here are not those that were decided on"
    ENGINE = "another engine version decided"
    POLICY = "another policy was in force"
    CATALOGUE = "another catalogue was in force"
    WAS_DEAD_LETTER = "recorded as a dead letter, decided now"
    IS_DEAD_LETTER = "decided then, a dead letter now"
    MESSAGES = "other messages were decided"
    RULES = "other rules were applied"
    STATE = "only the state is another"
    OTHERWISE = "decided otherwise"
    CHAIN = "the record does not follow the one before it"
    NO_DECISION = "no decision is recorded"
    NO_EVENT = "nothing in the log leads to it"
    NO_MESSAGE = "the message is missing"
    FORGED = "no decision leads to this message"
    BYTES = "the message has other bytes"
    OTHER_POLICY = "decided under the other policy"
    SNAPSHOT = "the state is not that of the announced snapshot"


class Differs(NamedTuple):
    """What differs of two: fields by name, and of some both sides, the recorded one first."""

    fields: tuple[str, ...] = ()
    shown: Mapping[str, tuple[Any, Any]] = {}


NOTHING = Differs()


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is not the same.

    Attributes:
        verdict: new, dropped or changed.
        cause: what it comes from, the first of several.
        place: `topic/partition` of the log that was folded.
        offset: in that log; None for a message.
        message_offset: in the topic of a message that is recorded, in the partition of the same number.
        what: `decision`, `snapshot`, or the topic of a message.
        id: of the event, or of the message.
        customer: whose it is, or the institution's of another log; None for what is about nobody.
        at: when, milliseconds since 1970; None where not even that can be told.
        fields: what differs, by name.
        shown: of both sides what can be shown of it: names of fields to recorded and derived value; nothing that could
            name a customer.
        snapshot: the name of the file that the fold went on from; None for the log's beginning. In lines that are
            written only: it is the same for a whole partition.
        is_anybodys: the id is of a message that none of ours has written, and does not follow from whose it says
            that it is; in no line that is written.
    """

    verdict: Verdict
    cause: Cause
    place: str
    offset: int | None
    what: str
    id: str
    customer: str | None
    at: int | None = None
    fields: tuple[str, ...] = ()
    shown: Mapping[str, tuple[Any, Any]] = {}
    snapshot: str | None = None
    message_offset: int | None = None
    is_anybodys: bool = False

    @property
    def where(self) -> str:
        """Where in the log: `topic/partition/offset`, or the first two of them for a message."""
        return self.place if self.offset is None else f"{self.place}/{self.offset}"

    @property
    def subject(self) -> str:
        """What is different, with its id; a message that is recorded with its place in its topic."""
        if self.message_offset is None:
            return f"{self.what} {self.id}"
        _, _, partition = self.place.rpartition("/")
        return f"{self.what}/{partition}/{self.message_offset} {self.id}"

    @property
    def is_of_customer(self) -> bool:
        """Whether it is about a customer, not about an institution."""
        return self.place.startswith(f"{EVENTS}/")


Counts = Counter[tuple[str, Verdict]]
"""How many of what compare how: by `decision` or topic."""
