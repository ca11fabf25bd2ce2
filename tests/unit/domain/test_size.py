"""How much state a customer costs: bounded by its accounts, whatever happens to them and for however long."""

from typing import Any

import pytest

from schemas.state import encode
from streams.domain.cases.episodes import CLOSED_IDS
from streams.domain.customers.customer import FORMER_CASES
from tests.unit.domain.build import (
    ACCOUNT,
    DAY,
    HOUR,
    MINUTE,
    SHIPPED,
    START,
    Story,
    challenged,
    connected,
    deleted,
    fixed,
    looked,
    silenced,
)

CODES = (0, 185, 0, 103, 777_777, 949, 0, 102, 169, 0, 185, 931, 0, 888_888, 185, 0)


def state_bytes(story: Story) -> int:
    """Give the size of all records of a customer as the changelogs have them."""
    known = story.known
    return sum(len(encode(one)) for one in (known.state, *known.accounts.values(), *known.logins.values()))


def messy_days(count: int, days: int) -> int:
    """Let accounts, two a login, go through bad times, and give the largest size of their customer's state."""
    story, largest = Story(SHIPPED), 0
    for day in range(days):
        at = START + day * DAY
        for number in range(count):
            account, login = f"59000000{number:02}", f"71000000{number // 2:02}"
            code = CODES[(day + 5 * number) % len(CODES)]
            dates: dict[str, Any] = {
                "authorization_end_date": at + (20 - day % 30) * DAY,
                "authorization_expires": True,
            }
            story.hear(looked(code, at + 2 * MINUTE, at, account, login, **dates))
            if day % 11 == number % 11:
                story.hear(fixed(at + HOUR, login), looked(code, at + 2 * HOUR, at + HOUR + MINUTE, account, login))
            if day % 97 == number:
                story.hear(deleted(at + 3 * HOUR, account, login), challenged(at + 4 * HOUR, account))
        if day % 40 == 0:
            story.hear(connected("done", at + 5 * HOUR), silenced(at + 5 * HOUR, at + 3 * DAY, account_id="5900000000"))
        largest = max(largest, state_bytes(story))
    return largest


@pytest.mark.parametrize(
    ("count", "days", "limit"),
    [
        (1, 365, 2_600),
        (5, 120, 8_200),
        pytest.param(5, 365, 9_000, marks=pytest.mark.slow),
        pytest.param(20, 60, 30_000, marks=pytest.mark.slow),
    ],
)
def test_messy_year(count: int, days: int, limit: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A customer's state stays in proportion to its accounts: at most 1.4 kB each beside 1.2 kB of its own."""
    largest = messy_days(count, days)
    with capsys.disabled():
        print(f"\n{count} accounts: {largest} bytes at most, {largest // count} an account")  # noqa: T201 - asked for
    assert largest <= limit


def test_years_cost_nothing() -> None:
    """Twenty years of ups and downs cost no more than one."""
    story, sizes = Story(SHIPPED), []
    for night in range(20 * 365 // 5):
        at = START + 5 * night * DAY
        story.hear(looked((0, 185, 0, 103)[night % 4], at, at))
        sizes.append(state_bytes(story))
    assert max(sizes[200:]) <= max(sizes[:200]) + 8
    assert len(story.login().closed_ids) <= CLOSED_IDS


def test_logins_come_and_go() -> None:
    """An account that goes from login to login leaves a limited number of cases behind."""
    story = Story(SHIPPED)
    for number in range(2 * FORMER_CASES):
        at = START + number * DAY
        story.hear(looked(185, at, at, ACCOUNT, f"L{number}"))
    assert len(story.known.logins) <= FORMER_CASES + 2
