"""What the log says of decisions: a line each at debug, and a warning for a record that is set aside."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from schemas.cloudevents import UnreadableRecord, fields_of
from schemas.events import CONNECT_PREFIX, EventType
from schemas.notifications import CONNECT_TYPES
from schemas.signals import SignalType
from streams import pseudonyms
from streams.domain import Outcome
from streams.domain.institutions.view import Outcome as InstitutionOutcome
from streams.fold.effects import SourceRecord
from streams.kafka.topics import EVENTS, SIGNALS
from streams.observe.logs.correlation import correlation_id

log = logging.getLogger("streams.decisions")

MAX_TEXT = 256
"""Of a key, an id or a detail of an unreadable record: enough to find it, too little for a record that is refused."""
_COMMANDS = "remediation."
STRANGE = "strange"
"""Stands in the log for an id or a type that is none of ours: who else writes there may name anybody."""
_TYPES = frozenset({*EventType, *SignalType, *(CONNECT_PREFIX + word for word in CONNECT_TYPES)})
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LOGS = f"(?:{re.escape(EVENTS)}|{re.escape(SIGNALS)})"
_IDS = re.compile(
    r"[0-9a-f]{64}:[0-9]{1,9}"  # the record of a body, or a reading of ours
    r"|[0-9]{1,9}/[0-9]{1,19}/(?:healthy/)?[0-9]{1,19}"  # a signal
    rf"|(?:operator|policy):{_UUID}(?::{_LOGS}/[0-9]{{1,9}})?"
    rf"|tick:{_LOGS}/[0-9]{{1,9}}/[0-9]{{1,19}}"
)
_BANK = re.compile("[0-9]{1,19}")


class FoldOutcome(StrEnum):
    """What a record came to that no customer and no institution is decided on for."""

    ACTIVATED = "activated"
    OVERTAKEN = "overtaken"
    RESUMED = "resumed"
    CANARY = "canary"


AgentOutcome = Outcome | InstitutionOutcome | FoldOutcome
"""What a record of either log came to."""


class Said(Protocol):
    """A message that a decision has led to."""

    topic: str
    id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A partition of a log, as lines name it."""

    topic: str
    partition: int

    def of(self, record: SourceRecord) -> dict[str, Any]:
        """Say where a record lies, which event it is, and whose: customers by their pseudonyms."""
        attributes: Mapping[str, bytes | None] = dict(record.headers)
        event_id = known_id(short_text(attributes.get("ce_id")))
        cause = fields_of(record.value).get("event_id", event_id) if self.topic == SIGNALS else event_id
        named = {
            "event_id": event_id,
            "type": known_type(short_text(attributes.get("ce_type"))),
            "correlation_id": correlation_id(known_id(str(cause))),
        }
        place = {"topic": self.topic, "partition": self.partition, "offset": record.offset}
        return named | place | self.whose(short_text(record.key))

    def whose(self, key: str | None) -> dict[str, str]:
        """Name who a key of this log is."""
        if not key:
            return {}
        return {"customer": pseudonyms.customer(key)} if self.topic == EVENTS else {"institution": known_bank(key)}


class DecisionLines:
    """The lines of a poll: one for each decision of a record, or one that says that it came to nothing."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._outcome: AgentOutcome | None = None
        self._decided: list[dict[str, Any]] = []

    def heard(self, outcome: AgentOutcome) -> None:
        """Note what became of the record."""
        self._outcome = outcome

    def decided(
        self,
        key: str | None,
        phases: tuple[str | None, str | None],
        rules: Iterable[str],
        messages: Iterable[Said],
        dead_letter: str | None,
    ) -> None:
        """Note a decision on it."""
        said = list(messages)
        line = {
            **self._place.whose(key),
            "rules": list(rules),
            "phases": None if phases == (None, None) else list(phases),
            "commands": [_command(one) for one in said if one.topic.startswith(_COMMANDS)],
            "others": [f"{one.topic} {one.id}" for one in said if not one.topic.startswith(_COMMANDS)],
            "dead_letter": dead_letter,
        }
        self._decided.append({name: value for name, value in line.items() if value})

    def say(self, record: SourceRecord) -> None:
        """Write the lines of the record, and begin anew."""
        where = self._place.of(record) | ({} if self._outcome is None else {"outcome": self._outcome})
        for decision in self._decided or [{}]:
            log.debug("decided" if decision else "nothing to decide", extra=where | decision)
        self._outcome, self._decided = None, []


def lines_of(place: Place) -> DecisionLines | None:
    """Give the lines of a poll; None where nobody would read them."""
    return DecisionLines(place) if log.isEnabledFor(logging.DEBUG) else None


def tell_aside(place: Place, record: SourceRecord, error: UnreadableRecord) -> None:
    """Warn of a dead letter; why it is one in words is in the letter, as that may quote the record.

    Each reason is a kind of its own: a flood of one, which others may cause, hides no decision that failed.
    """
    what = f"a record is set aside: {error.reason.value}"
    log.warning("%s", what, extra=place.of(record) | place.whose(error.whose))


def _command(message: Said) -> dict[str, Any]:
    data = fields_of(message.value)
    named = {"topic": message.topic, **{name: data.get(name) for name in ("action", "command_id", "sequence")}}
    return {"id": message.id} | {name: value for name, value in named.items() if value is not None}


def known_id(text: str) -> str:
    """Give the id of an event as it is where it has a form of ours or is absent, or else what stands for it."""
    return text if not text or _IDS.fullmatch(text) else STRANGE


def known_type(text: str) -> str:
    """Give a type as it is where the contract or the vendor's documents have it or it is absent, as above."""
    return text if not text or text in _TYPES else STRANGE


def known_bank(text: str) -> str:
    """Give the id of an institution as it is where it is a number, as all of the vendor's are, or absent, as above."""
    return text if not text or _BANK.fullmatch(text) else STRANGE


def short_text(value: bytes | None) -> str:
    """Give the beginning of an id that anybody may have written; what is no text of it is replaced."""
    return (value or b"")[:MAX_TEXT].decode(errors="replace")
