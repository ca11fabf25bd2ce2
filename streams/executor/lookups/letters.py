"""What becomes of a look-up that nobody can answer: a dead letter, before it is acknowledged."""

import hashlib

import orjson

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.commands import LookupAction
from schemas.times import time_of_record
from schemas.vendor import identifiers, valid_identifier
from streams.kafka.log import Log, LogRecord
from streams.kafka.topics import DEAD_LETTER
from streams.subscribe.core import RawRecord

MAX_DETAIL = 256
MAX_ACCOUNTS = 50
_CONTENT_TYPE = ("content-type", b"application/json")


class Letters:
    """Writes dead letters about look-ups; one that is written twice, after a crash, is the same to the byte."""

    def __init__(self, writer: Log, ack_seconds: float) -> None:
        self._log = writer
        self._ack_seconds = ack_seconds

    async def write(self, record: RawRecord, reason: DeadLetterReason, detail: str) -> None:
        """Write one, and return when it stands.

        Args:
            record: what could not be answered; only ids of it are shown.
            reason: why, for programs.
            detail: why, in words that quote nothing of the record.

        Raises:
            LogError: it is not known to be on the topic.
        """
        value, shown = record.value or b"", _reduced(record.value)
        letter = DeadLetter(
            reason=reason,
            detail=detail[:MAX_DETAIL],
            origin=f"{record.partition.topic}/{record.partition.number}/{record.offset}",
            received_at=time_of_record(record.timestamp_ms),
            reduced=orjson.dumps(shown).decode() if shown else None,
            body_sha256=hashlib.sha256(value).hexdigest(),
        )
        customer_id = shown.get("customer_id")
        key = customer_id.encode() if isinstance(customer_id, str) else None
        # Of the time of writing, as the agents' are: however old the record may be, its letter is kept for 14 days.
        written = LogRecord(DEAD_LETTER, key, letter.model_dump_json().encode(), [_CONTENT_TYPE])
        await self._log.send_all([written], self._ack_seconds)


def _reduced(value: bytes | None) -> dict[str, object]:
    """Keep what is asked and the ids it is asked about; nothing where it is no object."""
    try:
        body = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(body, dict):
        return {}
    kept = {name: valid_identifier(body.get(name)) for name in ("customer_id", "institution_login_id")}
    action, accounts = body.get("action"), identifiers(body.get("account_ids"))[:MAX_ACCOUNTS]
    found = {**kept, "account_ids": accounts or None, "action": action if action in list(LookupAction) else None}
    return {name: one for name, one in found.items() if one is not None}
