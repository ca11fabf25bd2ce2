"""What the topics beside the log have of one customer: decisions, messages, dead letters, and what is gone by now."""

from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import ValidationError

from schemas.audit import AuditRecord, DeadLetter, DeadLetterReason
from schemas.cloudevents import fields_of, id_of
from schemas.commands import CONTACT_KINDS, Action
from schemas.events import PolicyActivated
from schemas.times import time_of_record
from streams.explain.asked import ExplainError
from streams.fold.effects import SourceRecord
from streams.fold.inforce import InForce
from streams.fold.messages import hash_of
from streams.history import Place
from streams.kafka.topics import AUDIT, EVENTS

MOST = 200_000
"""Records of one customer that are kept at once."""
_OF_EVENTS = b'"topic":"' + EVENTS.encode() + b'"'
_NO_LETTER = b'"dead_letter":null'


class _Reason(msgspec.Struct):
    code: int | None = None
    text: str | None = None


class _Evidence(msgspec.Struct):
    rules: tuple[str, ...] = ()


class _Episode(msgspec.Struct):
    relapses: int = 0


class _Said(msgspec.Struct):
    """What is told of a message, whichever release has written it."""

    action: str | None = None
    kind: str | None = None
    sequence: int | None = None
    command_id: str | None = None
    institution_login_id: str | None = None
    account_ids: tuple[str, ...] | None = None
    reason: _Reason | None = None
    steps: tuple[str, ...] | None = None
    withdraw_reason: str | None = None
    not_after: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    evidence: _Evidence | None = None
    episode: _Episode | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A command or look-up as it was recorded, its link left out."""

    topic: str
    id: str
    at: datetime
    data: Mapping[str, Any]
    place: str
    """`topic/partition/offset`; empty where the record is not there, and the message is the derived one."""

    @property
    def login_id(self) -> str | None:
        """The login that it is about."""
        return self._text("institution_login_id")

    @property
    def command_id(self) -> str | None:
        """The command that it belongs to; None for a look-up."""
        return self._text("command_id")

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts that it is about."""
        return tuple(map(str, self.data.get("account_ids") or ()))

    @property
    def is_contact(self) -> bool:
        """Whether the customer is to be contacted because of it."""
        return self.data.get("kind") in CONTACT_KINDS and self.data.get("action") in (Action.ISSUE, Action.REMIND)

    def _text(self, name: str) -> str | None:
        value = self.data.get(name)
        return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter of this customer."""

    place: Place
    offset: int
    written_at: datetime
    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class Gone:
    """What retention has removed of a topic: all before its first record; None where no record is left."""

    topic: str
    first_at: datetime | None


@dataclass(slots=True)
class Kept:
    """What was found; offsets are those of the log in the customer's partition."""

    customer_id: str
    audits: dict[int, list[AuditRecord]] = field(default_factory=dict)
    """Decisions on this customer: one record about all may have several."""
    aside: dict[int, DeadLetterReason] = field(default_factory=dict)
    """Records of the partition that became dead letters, whosever they are."""
    messages: dict[tuple[str, str, str], Message] = field(default_factory=dict)
    """By topic, id and hash as decisions have it: somebody may have written another one under the id of ours."""
    _by_id: dict[tuple[str, str], Message] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    put_back: dict[str, str] = field(default_factory=dict)
    """Where records of dead letters are now that were put back, by `partition/offset` of the letter."""
    gone: dict[str, Gone] = field(default_factory=dict)
    rules: list[PolicyActivated] = field(default_factory=list)
    """Rules that the partition's agent has kept."""
    absent: set[str] = field(default_factory=set)
    """Topics that the history does not have."""
    audited_from: int | None = None
    """The first offset of the log of which all decisions are kept; None where none is."""
    audited_to: int = 0
    """One more than the last offset of the log that a decision was kept of, whosever it is."""

    def knows_of(self, offset: int) -> bool:
        """Tell whether a decision on a record would be here, if one was made by the time of the last that is here."""
        return AUDIT not in self.absent and self.audited_from is not None and offset >= self.audited_from

    def message(self, topic: str, message_id: str, sha256: str | None) -> Message | None:
        """Give the message of a decision; the first of its id where no hash is known that it has to have."""
        if sha256 is None:
            return self._by_id.get((topic, message_id))
        return self.messages.get((topic, message_id, sha256))

    def unnamed(self, told: Container[str], since: datetime | None, at: datetime | None) -> int:
        """Count the messages of a time that are at none of the places that are told: no decision names them.

        None where not all decisions since the log begins are here.
        """
        if AUDIT in self.absent or self.audited_from != 0:
            return 0
        log = self.gone.get(EVENTS)
        begins = [one for one in (since, None if log is None else log.first_at) if one is not None]
        found = [one.at for one in self.messages.values() if one.place not in told]
        return sum(all(one >= begin for begin in begins) and (at is None or one <= at) for one in found)

    def take_audit(self, record: SourceRecord) -> None:
        """Keep a decision on this customer, and where anybody's record was set aside."""
        value = record.value or b""
        is_own = record.key == self.customer_id.encode()
        if not is_own and (record.key is not None or _NO_LETTER in value):
            return
        audit = _audit(record)
        if audit.topic != EVENTS:
            return
        if is_own:
            self.audits.setdefault(audit.offset, []).append(audit)
        elif audit.dead_letter is not None:
            self.aside[audit.offset] = audit.dead_letter
        self._require_room()

    def take_audited(self, record: SourceRecord) -> None:
        """Note how far the decisions on the log go that are kept."""
        offset = _audit(record).offset
        if self.audited_from is None:
            self.audited_from = offset + 1  # there may have been more of the same record before it
        self.audited_to = offset + 1

    def take_rules(self, record: SourceRecord) -> None:
        """Keep rules of the agent's state; what is none is passed over, as a log mostly has its own."""
        with suppress(ValidationError):
            self.rules.append(PolicyActivated.model_validate_json(record.value or b""))

    def first_rules(self, shipped: InForce) -> InForce:
        """Give the rules by which the first decision that is here was made, where they are known, else the shipped.

        The log may have lost the record that put them in force, or has it behind its first events.
        """
        first = self.audits[min(self.audits)][0] if self.audits else None
        names = None if first is None else (first.policy_sha256, first.catalogue_sha256)
        found = (one for one in self.rules if (one.policy_sha256, one.catalogue_sha256) == names)
        return next(map(InForce.activated, found), shipped)

    def take_message(self, place: Place, record: SourceRecord) -> None:
        """Keep a message to or about the customer, without its link."""
        if record.key != self.customer_id.encode() or record.value is None:
            return
        name = id_of(record.headers)
        data = _said(record.value)
        data.pop("fix_url", None)
        at, where = time_of_record(record.timestamp), f"{place}/{record.offset}"
        message = Message(place.topic, name, at, data, where)
        self.messages.setdefault((place.topic, name, hash_of(record.value)), message)
        self._by_id.setdefault((place.topic, name), message)
        self._require_room()

    def take_letter(self, place: Place, record: SourceRecord) -> None:
        """Keep a dead letter under the customer's key, or the note that one was put back."""
        if record.key != self.customer_id.encode() or record.value is None:
            return
        read = fields_of(record.value)
        if "put_back" in read:
            self.put_back[str(read.get("letter"))] = str(read["put_back"])
            return
        try:
            letter = DeadLetter.model_validate_json(record.value)
        except ValidationError:
            return  # one of a later release: that its record was set aside is told by the audit all the same
        self.letters.append(Letter(place, record.offset, time_of_record(record.timestamp), letter))
        self._require_room()

    def _require_room(self) -> None:
        if len(self.audits) + len(self.messages) + len(self.letters) + len(self.aside) > MOST:
            raise ExplainError(f"there are more than {MOST:,} records to keep: ask for a shorter time with --from")


def is_of_events(record: SourceRecord) -> bool:
    """Tell a decision on the log of events from one on signals, without reading it."""
    return _OF_EVENTS in (record.value or b"")


def _audit(record: SourceRecord) -> AuditRecord:
    try:
        return AuditRecord.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise ExplainError(
            f"offset {record.offset} of {AUDIT} is no decision that this release can read: run `txpush audit verify`, "
            "or the release that wrote it"
        ) from error


def _said(value: bytes) -> dict[str, Any]:
    """Read a message; one that somebody else has written in its place says nothing."""
    data = fields_of(value)
    try:
        msgspec.convert(data, _Said)
    except msgspec.ValidationError:
        return {}
    return data
