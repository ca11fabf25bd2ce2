"""Loose in: JSON of the vendor's and of hand-written files, whose ids, codes and dates come in several types."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.events import AccountSnapshot, ConnectEvent

ID_FIELDS = ("customerId", "accountId", "institutionId", "institutionLoginId")
DATE_FIELDS = ("aggregationAttemptDate", "aggregationSuccessDate", "lastUpdatedDate", "authorizationEndDate")
MAX_LISTED_IDS = 1000
"""Logins or accounts that one Data Connect event may list; more are cut off."""

_IDENTIFIER = re.compile(r"[!-.0-~]{1,64}")
_WHOLE_TEXT = re.compile(r"(-?[0-9]{1,18})(?:\.0+)?")
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_EXACT_FLOAT = 2.0**53
_MAX_CODE = 2**31 - 1
_OTHER_REASON = "other"
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def read_json(text: bytes | str) -> Any:  # noqa: ANN401 - JSON of any form
    """Read JSON; half a surrogate pair, as in a name cut off within an emoji, becomes a replacement character.

    Raises:
        orjson.JSONDecodeError: not JSON, or nested too deep.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = with_whole_characters(text)
        if whole is None:
            raise
        return orjson.loads(whole)


def with_whole_characters(text: bytes | str) -> bytes | None:
    """Write JSON anew without halves of surrogate pairs; None where there are none, or it is no JSON even so."""
    octets = text.encode(errors="replace") if isinstance(text, str) else text
    if b"\\ud" not in octets.lower():
        return None
    try:
        content = json.dumps(json.loads(octets.decode()), ensure_ascii=False)
    except (RecursionError, ValueError):
        return None
    return _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", content).encode()


def read_snapshot(value: bytes) -> AccountSnapshot:
    """Read a snapshot of the log: as we write it, else with the vendor's loose types.

    Raises:
        ValueError: not JSON, or without a customer or account id.
    """
    try:
        return AccountSnapshot.model_validate_json(value)
    except ValidationError:
        body = orjson.loads(value)
        if not isinstance(body, dict):
            raise
        return AccountSnapshot.model_validate(loosened(body))


def read_connect(value: bytes) -> ConnectEvent:
    """Read a reduced Data Connect event of the log: as we write it, else with the vendor's loose types.

    Raises:
        ValueError: not JSON, or without a customer id or event type.
    """
    try:
        return ConnectEvent.model_validate_json(value)
    except ValidationError:
        body = orjson.loads(value)
        if not isinstance(body, dict):
            raise
        return ConnectEvent.model_validate(loosened_connect(body))


def loosened(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a snapshot their types: ids text, the code an int, dates aware UTC; unreadable ones absent."""
    fields: dict[str, Any] = {name: identifier(body[name]) for name in ID_FIELDS if name in body}
    for name in DATE_FIELDS:
        if name in body:
            fields[name] = vendor_date(body[name])
    if "aggregationStatusCode" in body:
        fields["aggregationStatusCode"] = status_code(body["aggregationStatusCode"])
    if "authorizationExpires" in body:
        fields["authorizationExpires"] = truth(body["authorizationExpires"])
    if "accountType" in body:
        fields["accountType"] = plain_text(body["accountType"])
    return fields


def loosened_connect(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a reduced Data Connect event their types; unreadable ones are absent."""
    return {
        "customerId": identifier(body.get("customerId")),
        "institutionId": identifier(body.get("institutionId")),
        "institutionLoginIds": identifiers(body.get("institutionLoginIds")),
        "accountIds": identifiers(body.get("accountIds")),
        "eventType": body.get("eventType"),
        "eventId": plain_text(body.get("eventId")),
        "code": status_code(body.get("code")),
        "reason": reason(body.get("reason")),
        "webhookData": webhook_data(body.get("webhookData")),
    }


def identifier(value: object) -> str | None:
    """Read an id that may come as text or as a whole number; anything else is absent."""
    if isinstance(value, str):
        return value.strip() or None
    number = _whole(value)
    return None if number is None else str(number)


def valid_identifier(value: object) -> str | None:
    """Read an id as `identifier` does; one that could not be part of a key is absent, too."""
    text = identifier(value)
    return text if text is not None and _IDENTIFIER.fullmatch(text) else None


def identifiers(values: object) -> tuple[str, ...]:
    """Read a list of ids, each once and in order, or a single one; what is no id is left out."""
    listed = values if isinstance(values, list | tuple) else (values,)
    found = (valid_identifier(value) for value in listed[:MAX_LISTED_IDS])
    return tuple(dict.fromkeys(text for text in found if text is not None))


def status_code(value: object) -> int | None:
    """Read an aggregation status code: `"185"`, `185` and `185.0` are the same, `true` is none."""
    number = _whole_or_text(value)
    return number if number is not None and abs(number) <= _MAX_CODE else None


def vendor_date(value: object) -> datetime | None:
    """Read epoch seconds or ISO 8601 as aware UTC; 0 and what cannot be read are absent."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    seconds = int(value) if isinstance(value, float) and 0 < value < _EXACT_FLOAT else _whole_or_text(value)
    if seconds is None:
        return _iso_date(value) if isinstance(value, str) else None
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


def truth(value: object) -> bool | None:
    """Read a boolean that may come as text; anything else is absent."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def plain_text(value: object) -> str | None:
    """Take a short word of the vendor's as it is; free text, which could name somebody, is absent."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else None


def reason(value: object) -> str | None:
    """Take the reason of a Data Connect event; free text becomes `other`, which is no success either (R5)."""
    return None if value is None or value == "" else plain_text(value) or _OTHER_REASON


def webhook_data(value: object) -> dict[str, str] | None:
    """Take the command id out of what our Fix link carried, an object or a JSON string of one."""
    if isinstance(value, str):
        try:
            value = read_json(value)
        except orjson.JSONDecodeError:
            return None
    command = plain_text(value.get("command_id")) if isinstance(value, dict) else None
    return None if command is None else {"command_id": command}


def _iso_date(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _whole_or_text(value: object) -> int | None:
    if isinstance(value, str):
        digits = _WHOLE_TEXT.fullmatch(value.strip())
        return int(digits[1]) if digits else None
    return _whole(value)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and abs(value) < _EXACT_FLOAT and value.is_integer() else None
