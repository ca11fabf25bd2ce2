"""Decided messages as they go out: CloudEvents in binary mode."""

import hashlib
import re

from schemas.cloudevents import CONTENT_TYPE
from schemas.commands import Lookup
from schemas.times import rfc3339
from streams.domain import Outgoing
from streams.fold.effects import Headers
from streams.fold.ledger import Ledger, Written
from streams.observe.parts.deciding import AGENT_COMMANDS, AGENT_LOOKUPS

LINK = re.compile(rb',"fix_url":"([^"\\]*)"\}\Z')
"""The link of a command as `send` puts it on: the last thing in it, and in no hash of the audit."""


def without_link(value: bytes) -> bytes:
    """Give a message as it is audited; the very same where it has no link."""
    return LINK.sub(b"}", value)


def hash_of(value: bytes | None) -> str:
    """Hash a message as decisions do: without its link."""
    return hashlib.sha256(without_link(value or b"")).hexdigest()


def headers_of(message_id: str, message_type: str, source: str, time: str, subject: str) -> Headers:
    """Give the CloudEvents attributes of a message of ours."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", message_id.encode()),
        ("ce_type", message_type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", time.encode()),
        ("ce_subject", subject.encode()),
        CONTENT_TYPE,
    )


def send(ledger: Ledger, message: Outgoing, source: str, fix_url: str | None = None) -> Written:
    """Put a command message into the outbox, and give it as it is audited: without the link of the outbox."""
    written = Written(message.topic, message.id, message.data.model_dump_json().encode())
    sent = written
    if fix_url is not None:
        linked = message.data.model_copy(update={"fix_url": fix_url})
        sent = Written(message.topic, message.id, linked.model_dump_json().encode())
    headers = headers_of(message.id, message.topic, source, rfc3339(message.time), message.subject)
    ledger.send(sent, message.key, headers, message.time)
    if isinstance(message.data, Lookup):
        ledger.tally.count(AGENT_LOOKUPS, message.data.action)
    else:
        ledger.tally.count(AGENT_COMMANDS, message.data.kind, message.data.action)
    return written
