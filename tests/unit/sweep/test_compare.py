"""What the vendor shows against what is known: which differences the log has to hear of, and which it must not."""

from datetime import timedelta
from typing import Any

import pytest

from streams.sweep.compare import Difference, Silence, compared
from tests.unit.sweep.double import BEFORE, LAST_NIGHT, NOW, known, shown


def test_what_is_known_is_equal() -> None:
    """An account that stands as it is known has nothing to tell."""
    assert compared(known(), shown(), NOW) is Silence.EQUAL


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"aggregation_status_code": 185}, Difference.CODE),
        ({"aggregation_attempt_date": NOW - timedelta(minutes=1)}, Difference.ATTEMPT),
        ({"institution_login_id": "72"}, Difference.LOGIN),
        ({"institution_id": "102106"}, Difference.INSTITUTION),
    ],
)
def test_each_field_that_decides_is_compared(fields: dict[str, Any], difference: Difference) -> None:
    """Code, attempt, login and institution: one that differs is told, and named."""
    assert compared(known(), shown(**fields), NOW) == (difference,)


def test_all_differences_are_named() -> None:
    """An account that failed at another login differs in each."""
    seen = shown(aggregation_status_code=948, aggregation_attempt_date=NOW, institution_login_id="72")
    assert compared(known(), seen, NOW) == (Difference.CODE, Difference.ATTEMPT, Difference.LOGIN)


@pytest.mark.parametrize(
    "field", ["aggregation_status_code", "aggregation_attempt_date", "institution_login_id", "institution_id"]
)
def test_what_is_left_out_says_nothing(field: str) -> None:
    """An absent field erases nothing (R1), so there is nothing to tell."""
    assert compared(known(), shown().model_copy(update={field: None}), NOW) is Silence.EQUAL


def test_an_account_without_dates_is_compared_by_its_code() -> None:
    """Its attempt is the time it was heard at: only another code is news."""
    alive = known(attempted_at=BEFORE)
    assert compared(alive, shown(aggregation_attempt_date=None), NOW) is Silence.EQUAL
    seen = shown(aggregation_attempt_date=None, aggregation_status_code=103)
    assert compared(alive, seen, NOW) == (Difference.CODE,)


def test_an_older_attempt_is_behind() -> None:
    """Something was heard since the vendor's answer was made: R1 would call it stale, whatever differs."""
    seen = shown(aggregation_attempt_date=BEFORE, aggregation_status_code=185, institution_login_id="72")
    assert compared(known(), seen, NOW) is Silence.BEHIND


def test_an_account_without_a_code_still_tells_where_it_is() -> None:
    """It is no observation, so it is never stale; what it newly says of its login is taken (R1)."""
    seen = shown(aggregation_status_code=None, aggregation_attempt_date=BEFORE, institution_login_id="72")
    assert compared(known(), seen, NOW) == (Difference.LOGIN,)


def test_an_attempt_in_the_future_is_no_difference() -> None:
    """R1 counts it as at the event time: told by each sweep, it would be a new attempt each time."""
    assert compared(known(), shown(aggregation_attempt_date=NOW + timedelta(minutes=1)), NOW) is Silence.EQUAL


@pytest.mark.parametrize("code", [0, 185, None])
def test_an_unknown_account_is_told(code: int | None) -> None:
    """Whatever its code, nobody has heard of it."""
    assert compared(None, shown(aggregation_status_code=code), NOW) == (Difference.UNKNOWN,)


def test_a_deleted_account_comes_back_by_a_later_attempt_only() -> None:
    """R12: one listed still, or without a date, stays deleted."""
    deleted = known(is_deleted=True, heard_at=LAST_NIGHT, attempted_at=BEFORE)
    assert compared(deleted, shown(), NOW) is Silence.STILL_DELETED
    assert compared(deleted, shown(aggregation_attempt_date=None), NOW) is Silence.STILL_DELETED
    later = shown(aggregation_attempt_date=LAST_NIGHT + timedelta(milliseconds=1))
    assert compared(deleted, later, NOW) == (Difference.RETURNED,)
