"""Bodies of webhooks, as the vendor writes them: compact JSON, or XML where JSON was not asked for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

import orjson

from schemas.times import to_epoch_ms
from streams.sandbox.seed import Seed

JSON, XML = "application/json", "application/xml"
PING: Mapping[str, Any] = {"eventType": "ping", "payload": {}}
EVENT_ID_LENGTH = 24


def notification(class_name: str, type_name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Write a TxPUSH notification (domain 1.5)."""
    return {"event": {"class": class_name, "type": type_name, "records": records}}


def connect_event(
    customer_id: str, event_type: str, event_id: str, payload: Mapping[str, Any], webhook_data: object
) -> dict[str, Any]:
    """Write a Data Connect event (domain 4.1); `webhook_data` comes back as it was given, object or text."""
    body = {"customerId": customer_id, "eventType": event_type, "eventId": event_id, "payload": payload}
    return body if webhook_data is None else {**body, "webhookData": webhook_data}


def event_id(seed: Seed, number: int, at: datetime) -> str:
    """Give an id as the vendor's: milliseconds of its making, and 24 hex digits."""
    drawn = seed.text(EVENT_ID_LENGTH, "event", number).encode().hex()[:EVENT_ID_LENGTH]
    return f"{to_epoch_ms(at)}-{drawn}"


def encoded(content: object, content_type: str) -> bytes:
    """Write a body; the elements of the vendor's XML are not known, these only have the same names (domain 1.5)."""
    if content_type == JSON:
        return orjson.dumps(_plain_numbers(content))
    (root,) = _elements("message", content)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _plain_numbers(content: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Write 7030.0 as 7030, as JavaScript does."""
    if isinstance(content, float) and content.is_integer():
        return int(content)
    if isinstance(content, Mapping):
        return {name: _plain_numbers(value) for name, value in content.items()}
    return [_plain_numbers(value) for value in content] if isinstance(content, list) else content


def _elements(name: str, content: Any) -> list[ET.Element]:  # noqa: ANN401 - JSON of any shape
    if isinstance(content, list):
        return [element for value in content for element in _elements(name, value)]
    element = ET.Element(name)
    if isinstance(content, Mapping):
        element.extend([part for key, value in content.items() for part in _elements(str(key), value)])
    else:
        element.text = str(content).lower() if isinstance(content, bool) else str(content)
    return [element]
