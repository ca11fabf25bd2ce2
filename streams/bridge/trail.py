"""What ties a request to its records: an id in its answer and its lines, and the one that its events carry on."""

import logging
import re
import secrets
from collections.abc import Iterable, Sequence

from streams import pseudonyms
from streams.bridge.answers import Answer, Message
from streams.kafka.log import LogRecord
from streams.observe.labels import Route

log = logging.getLogger(__name__)

_NOTHING_HERE = 404
MAX_NAMED = 20
"""Events and customers of one body that its line names."""
_REQUEST_ID = re.compile(rb"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
"""A UUID, or its 32 digits as nginx has them: another word that somebody has chosen may be a customer's id."""
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""`traceparent` of W3C Trace Context."""


class Trail:
    """The ids of one request.

    Attributes:
        request_id: of `x-request-id` or `traceparent`, where somebody in front has given it one, else made up. It is
            for finding lines, and nothing is decided by it.
        correlation_id: what the ids of its events begin with, once they are known.
    """

    __slots__ = ("_records", "correlation_id", "request_id")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.request_id = _given(headers) or secrets.token_hex(16)
        self.correlation_id = ""
        self._records: Sequence[LogRecord] = ()

    def leads_to(self, correlation_id: str, records: Sequence[LogRecord]) -> None:
        """Note what the body came to, before it is written."""
        self.correlation_id, self._records = correlation_id, records

    def start(self, answer: Answer) -> Message:
        """Give the head of an answer with the ids; who found nothing here gets no word more."""
        if answer.status == _NOTHING_HERE:
            return answer.start
        ids = [(b"x-request-id", self.request_id.encode())]
        if self.correlation_id:
            ids.append((b"x-correlation-id", self.correlation_id.encode()))
        return {**answer.start, "headers": [*answer.start["headers"], *ids]}

    def tell(self, route: Route, answer: Answer) -> None:
        """Say at debug what was answered, and which events it is about."""
        if not log.isEnabledFor(logging.DEBUG):
            return
        attributes = [dict(record.headers) for record in self._records[:MAX_NAMED]]
        keys = dict.fromkeys(record.key.decode() for record in self._records[:MAX_NAMED] if record.key is not None)
        line = {
            "correlation_id": self.correlation_id,
            "route": route.value,
            "status": answer.status,
            "outcome": answer.outcome.value,
            "records": len(self._records),
            "event_ids": [one["ce_id"].decode() for one in attributes if "ce_id" in one],
            "customers": [pseudonyms.customer(key) for key in keys],
        }
        log.debug("answered", extra={name: value for name, value in line.items() if value})


def _given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Read the id that a request came with: its own before that of the trace it belongs to."""
    trace = None
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
        if name == b"traceparent" and (found := _TRACE.fullmatch(value)) is not None:
            trace = found[1].decode()
    return trace
