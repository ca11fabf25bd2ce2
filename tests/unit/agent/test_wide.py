"""Whom an event about a whole partition concerns (R9, R16, R17)."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.events import Override, OverrideAction
from schemas.state import CustomerState, EpisodeState, LoginState
from streams.agent.wide import baseline_releases, concerned
from streams.domain import Customer
from tests.unit.domain.build import BANK, HOUR, MINUTE, START, incident, nightly, silenced


def waiting(customer_id: str, *logins: str, bank: str | None = BANK, is_baseline: bool = False) -> Customer:
    """Give a customer with a command that waits for each login."""
    episode = EpisodeState(START, 1, "id", -1, 185, (), ("a",), waiting_since=START, is_baseline=is_baseline)
    cases = {login: LoginState(institution_id=bank, episodes={"connect-fix": episode}) for login in logins}
    return Customer(customer_id, CustomerState(event_time=START), {}, cases)


def release(**more: Any) -> Override:  # noqa: ANN401 - the fields of an override
    """Give a release of baseline cases."""
    fields: dict[str, Any] = {"action": OverrideAction.RELEASE_BASELINE, "who": "ops", "why": "swept", **more}
    return Override(**fields)


IDLE = Customer("10", CustomerState(event_time=START), {}, {"L": LoginState(BANK)})
CUSTOMERS = [IDLE, waiting("20", "L1"), waiting("30", "L1", bank="5"), waiting("40", "L1", bank=None)]


def test_concerned_there() -> None:
    """An incident concerns those who have something waiting at its institution."""
    assert [one.customer_id for one in concerned(CUSTOMERS, incident(START, 185))] == ["20"]


def test_concerned_anywhere() -> None:
    """Any other event concerns whoever has something waiting, a silence at one institution too."""
    there = silenced(START, customer=None, institution_id=BANK)
    for event in (there, silenced(START, customer=None, all=True), nightly(0, 0)):
        assert [one.customer_id for one in concerned(CUSTOMERS, event)] == ["20", "30", "40"]


@pytest.mark.parametrize(("rate", "apart"), [(None, 0 * MINUTE), (1, HOUR), (2, 30 * MINUTE), (3600, MINUTE / 60)])
def test_rate(rate: int | None, apart: timedelta) -> None:
    """Cases are released in the order customer, login, spread evenly over the hour; without a rate all at once."""
    customers = [waiting("1", "M", "L", is_baseline=True), waiting("2", "A", is_baseline=True)]
    released = list(baseline_releases(customers, release(all=True, rate_per_hour=rate), START))
    assert released == [("1", "L", START), ("1", "M", START + apart), ("2", "A", START + 2 * apart)]


def test_whole_milliseconds() -> None:
    """Times are whole milliseconds, as all in the log, and the rate is never below the one asked for."""
    customers = [waiting("1", *(f"L{n:02}" for n in range(8)), is_baseline=True)]
    times = [at - START for _, _, at in baseline_releases(customers, release(all=True, rate_per_hour=7), START)]
    assert all(after % timedelta(milliseconds=1) == timedelta(0) for after in times)
    assert times[7] <= HOUR


def test_only_baseline() -> None:
    """What waits for another reason is not released, nor what waits at another institution."""
    customers = [
        waiting("1", "L1"),
        waiting("2", "L1", is_baseline=True),
        waiting("3", "L1", bank="5", is_baseline=True),
    ]
    assert [one for one, _, _ in baseline_releases(customers, release(institution_id=BANK), START)] == ["2"]


def test_other_actions() -> None:
    """Another override releases nothing."""
    customers = [waiting("1", "L1", is_baseline=True)]
    silence = release(action=OverrideAction.SILENCE, all=True)
    assert list(baseline_releases(customers, silence, START)) == []
