"""Times as they travel."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import from_epoch_ms, parse_rfc3339, rfc3339, to_epoch_ms


@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_a_millisecond_survives_every_form(epoch_ms: int) -> None:
    """Kafka timestamp, datetime and text are the same moment, to the millisecond."""
    at = from_epoch_ms(epoch_ms)
    assert to_epoch_ms(at) == epoch_ms
    assert parse_rfc3339(rfc3339(at)) == at


def test_text_is_utc_with_a_z() -> None:
    """A time of another zone is written as UTC, whole seconds without a fraction."""
    assert rfc3339(datetime(2026, 11, 1, 5, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-01T03:00:00Z"


def test_an_offset_becomes_utc() -> None:
    """A time with an offset is read as the UTC moment it names."""
    at = parse_rfc3339("2026-11-01T05:00:00+02:00")
    assert at == datetime(2026, 11, 1, 3, tzinfo=UTC)
    assert at.tzinfo is UTC


@pytest.mark.parametrize("text", ["2026-11-01T03:00:00", "yesterday", ""])
def test_a_time_without_zone_is_refused(text: str) -> None:
    """Text that names no moment raises ValueError."""
    with pytest.raises(ValueError, match=r"time zone|isoformat"):
        parse_rfc3339(text)
