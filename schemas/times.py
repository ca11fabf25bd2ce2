"""Times as they travel: UTC, RFC 3339 with a `Z`, milliseconds at most."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def rfc3339(at: datetime) -> str:
    """Write an aware UTC time as RFC 3339, with a fraction only where there is one."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()[:-6] + "Z"


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time as aware UTC; raises ValueError for anything else, a missing zone included."""
    try:
        return _in_utc(text)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range in UTC: use a year from 1 to 9999") from error


def _in_utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write it as RFC 3339, for example 2026-11-01T03:00:00Z")
    return at.astimezone(UTC)


def from_epoch_ms(epoch_ms: int) -> datetime:
    """Read milliseconds since 1970, the unit of a Kafka timestamp, as aware UTC without rounding."""
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def time_of_record(epoch_ms: int) -> datetime:
    """Read the timestamp of a record; one that is no time, which a broker may take, is the first that there is."""
    try:
        return from_epoch_ms(epoch_ms)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def to_epoch_ms(at: datetime) -> int:
    """Give whole milliseconds since 1970."""
    return (at - _EPOCH) // _MILLISECOND
