"""Loose in: ids, codes and dates of records in the several types that the vendor uses (section 3, R1)."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
"""One CloudEvent in structured mode."""

FUTURE = timedelta(hours=24)
"""Section 4: a vendor date later than the event time by more than this counts as absent."""

_WHOLE = re.compile(r"(-?\d{1,18})(?:\.0+)?")
_MILLISECONDS = re.compile(r"(\d{1,18})(?:-.*)?")
_SANE_FROM = datetime(2000, 1, 1, tzinfo=UTC)


def event_time(record: Record) -> datetime:
    """Section 4: the event time of a record is its `ce_time`."""
    at = iso_time(record["time"])
    if at is None:
        raise ValueError(f"record {record.get('id')} has no readable time: {record['time']!r}")
    return at


def rfc3339(at: datetime) -> str:
    """Section 5: times of messages are RFC 3339 in UTC."""
    return at.isoformat().removesuffix("+00:00") + "Z"


def iso_time(value: object) -> datetime | None:
    """Read ISO 8601 as UTC; a time without a zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def identifier(value: object) -> str | None:
    """Section 3: ids are strings, and may come as whole numbers."""
    if isinstance(value, str):
        return value.strip() or None
    number = whole(value)
    return None if number is None else str(number)


def identifiers(value: object) -> list[str]:
    """Section 3: a list of ids, each once, in order."""
    listed = value if isinstance(value, list) else [value]
    found = [identifier(one) for one in listed]
    return list(dict.fromkeys(one for one in found if one is not None))


def whole(value: object) -> int | None:
    """Section 3: `185`, `"185"` and `185.0` are the same number, `true` is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and (digits := _WHOLE.fullmatch(value.strip())):
        return int(digits[1])
    return None


def any_date(value: object) -> datetime | None:
    """Section 4: epoch seconds and ISO 8601 are read; 0 and what is unreadable are absent."""
    seconds = int(value) if isinstance(value, float) and value > 0 else whole(value)
    if seconds is None:
        return iso_time(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


def vendor_date(value: object, now: datetime) -> datetime | None:
    """Section 4: a vendor date later than event time + 24 h counts as absent."""
    at = any_date(value)
    return None if at is None or at > now + FUTURE else at


def truth(value: object) -> bool | None:
    """Read a boolean that may come as text."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


@dataclass
class Snapshot:
    """Section 3: an account snapshot; None where it says nothing. The attempt is at the event time at the latest."""

    institution: str | None
    login: str | None
    code: int | None
    attempt: datetime | None
    success: datetime | None
    updated: datetime | None
    end: datetime | None
    expires: bool | None
    baseline: bool


def snapshot(record: Record, now: datetime) -> Snapshot:
    """Read an account record (R1: an attempt later than the event time counts as at the event time)."""
    data = record["data"]
    attempt = vendor_date(data.get("aggregationAttemptDate"), now)
    return Snapshot(
        institution=identifier(data.get("institutionId")),
        login=identifier(data.get("institutionLoginId")),
        code=whole(data.get("aggregationStatusCode")),
        attempt=None if attempt is None else min(attempt, now),
        success=vendor_date(data.get("aggregationSuccessDate"), now),
        updated=vendor_date(data.get("lastUpdatedDate"), now),
        end=any_date(data.get("authorizationEndDate")),
        expires=truth(data.get("authorizationExpires")),
        baseline=truth(data.get("baseline")) is True,
    )


def fix_time(event_id: object, now: datetime) -> datetime:
    """R5: the millisecond prefix of `eventId` where sane, else the event time; never later than the event time."""
    digits = _MILLISECONDS.fullmatch(event_id) if isinstance(event_id, str) else None
    if digits is None:
        return now
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(digits[1]))
    except OverflowError:
        return now
    return min(at, now) if _SANE_FROM <= at <= now + FUTURE else now


def command_id(data: Record) -> str | None:
    """R5: `webhookData.command_id`, in an object or in a JSON string of one."""
    carried = data.get("webhookData")
    if isinstance(carried, str):
        try:
            carried = json.loads(carried)
        except ValueError:
            return None
    found = carried.get("command_id") if isinstance(carried, dict) else None
    return found if isinstance(found, str) else None
