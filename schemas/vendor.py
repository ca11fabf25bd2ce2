"""Loose in: the vendor's bodies and hand-written files, whose ids, codes and dates come in several types (design §3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.events import AccountSnapshot

_DATES = ("aggregationAttemptDate", "aggregationSuccessDate", "lastUpdatedDate", "authorizationEndDate")
_IDS = ("customerId", "accountId", "institutionId", "institutionLoginId")


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


def loosened(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a snapshot their types: ids text, the code an int, dates aware UTC; unreadable ones absent."""
    fields = dict(body)
    fields.update({name: identifier(body[name]) for name in _IDS if name in body})
    fields.update({name: vendor_date(body[name]) for name in _DATES if name in body})
    if "aggregationStatusCode" in body:
        fields["aggregationStatusCode"] = status_code(body["aggregationStatusCode"])
    expires = body.get("authorizationExpires")
    fields["authorizationExpires"] = expires if isinstance(expires, bool) else None
    kind = body.get("accountType")
    fields["accountType"] = kind if isinstance(kind, str) else None
    return fields


def identifier(value: object) -> str | None:
    """Read an id that may come as text or as a whole number; anything else is absent."""
    number = _whole(value)
    if number is not None:
        return str(number)
    return value.strip() or None if isinstance(value, str) else None


def status_code(value: object) -> int | None:
    """Read an aggregation status code: `"185"`, `185` and `185.0` are the same, `true` is none."""
    if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
        return int(value.strip()) if len(value.strip()) <= _MAX_DIGITS else None
    return _whole(value)


_MAX_DIGITS = 18


def vendor_date(value: object) -> datetime | None:
    """Read epoch seconds or ISO 8601 as aware UTC; 0 and what cannot be read are absent."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and not value.strip().isdigit():
        return _iso_date(value)
    seconds = status_code(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


def _iso_date(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None
