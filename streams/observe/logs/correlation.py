"""One id from a request to what it leads to: what the ids of the events of one body have in common."""

import re
from contextvars import ContextVar

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is answered: every line that is said meanwhile carries it."""
_OF_A_BODY = re.compile(r"([0-9a-f]{64}):[0-9]{1,9}")


def correlation_id(event_id: str) -> str:
    """Give what lines about an event have as `correlation_id`: its id, without the number of the record in its body.

    For what came over HTTP that is the SHA-256 of the body, the same when it is sent again; commands have the event's
    id among `evidence.event_ids`.
    """
    found = _OF_A_BODY.fullmatch(event_id)
    return event_id if found is None else found[1]
