"""Dead letters that no decision names: those of the bridge and the executor, and the notes of operators."""

import re

from schemas.audit import LetterRetried
from schemas.contract.channels import LETTER_RETRIED
from schemas.events import Source
from schemas.problems import UNREADABLE
from streams.audit.faults import Fault, Kind
from streams.audit.messages.found import letter_of
from streams.audit.plan import LOGS
from streams.fold.effects import SourceRecord, type_of
from streams.history import Place
from streams.kafka.topics import DEAD_LETTER, LOOKUP

MOST_FAULTS = 10
_OF_OTHERS = re.compile(rf"{re.escape(Source.BRIDGE)}/.{{1,200}}|{re.escape(LOOKUP)}/\d{{1,9}}/\d{{1,18}}")
_NOTE = LETTER_RETRIED.encode()


class Strays:
    """Hears dead letters of a partition, and tells of those that are neither of a log there nor of other writers."""

    def __init__(self, partition: int) -> None:
        self._place = Place(DEAD_LETTER, partition)
        self._own = tuple(f"{log}/{partition}/" for log in LOGS)
        self.faults: list[Fault] = []

    def __call__(self, record: SourceRecord) -> None:
        """Hear one."""
        if _is_note(record) or len(self.faults) >= MOST_FAULTS:
            return
        letter = letter_of(record)
        if letter is None or any(name.startswith("ce_") for name, _ in record.headers):
            self._fault(Kind.FORGED, record, "it is neither a dead letter nor a note about one: none of ours writes it")
        elif not letter.origin.startswith(self._own) and not _OF_OTHERS.fullmatch(letter.origin):
            self._fault(Kind.FORGED, record, f"none of ours writes a dead letter of {letter.origin[:80]!r} here")

    def _fault(self, kind: Kind, record: SourceRecord, text: str) -> None:
        self.faults.append(Fault(kind, self._place, record.offset, text))


def _is_note(record: SourceRecord) -> bool:
    if type_of(record) != _NOTE:
        return False
    try:
        LetterRetried.model_validate_json(record.value or b"")
    except UNREADABLE:
        return False
    return True
