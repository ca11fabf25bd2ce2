"""Which logins of an institution were seen and which fail in the window of R9."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.reading import iso_time
from tests.oracle.rules import Rules

LoginKey = tuple[str, str]
"""Customer and login; where the login is unknown, an empty text and the account id joined by a slash."""


@dataclass
class Heard:
    """One signal of the log as R9 looks at it."""

    at: datetime
    type: str
    data: dict[str, Any]


@dataclass
class Window:
    """R9: the logins within 30 min of the newest event time; both ends belong to it."""

    seen: int = 0
    newly_failing: dict[int, set[LoginKey]] = field(default_factory=dict)
    failing: dict[int, set[LoginKey]] = field(default_factory=dict)

    def share(self, code: int) -> float:
        """R9: the share of the logins seen that fail with the code."""
        return len(self.failing.get(code, ())) / self.seen if self.seen else 0.0


def login_key(data: dict[str, Any]) -> LoginKey:
    """Section 2: a signal is about a login, or about an account whose login is unknown (R14)."""
    login = data.get("institution_login_id")
    return str(data["customer_id"]), str(login) if login is not None else f"/{data['account_id']}"


def look_back(rules: Rules, heard: list[Heard], now: datetime) -> Window:
    """R9: count the signals in the window anew; OTP logins are in neither number."""
    first = now - rules.minutes("incident", "window_minutes")
    inside = [one for one in heard if first <= one.at <= now]
    about_logins = [one for one in inside if one.data.get("code") is not None]
    otp = {login_key(one.data) for one in about_logins if one.data.get("otp") is True}
    counted = [one for one in about_logins if login_key(one.data) not in otp]
    window = Window(seen=_seen(inside, counted, first))
    for one in counted:
        if one.type == "institution.login.failing" and one.data["entered"] is True:
            window.newly_failing.setdefault(int(one.data["code"]), set()).add(login_key(one.data))
    by_login: dict[LoginKey, list[Heard]] = {}
    for one in counted:
        by_login.setdefault(login_key(one.data), []).append(one)
    for login, signals in by_login.items():
        for code in _codes(signals):
            window.failing.setdefault(code, set()).add(login)
    return window


def _seen(inside: list[Heard], counted: list[Heard], first: datetime) -> int:
    """R9: logins reported by name, and those counted as successes unless they were reported as well."""
    by_name = {login_key(one.data) for one in counted}
    successes = sum(int(one.data["logins"]) for one in inside if one.type == "institution.logins.healthy")
    both = {login_key(one.data) for one in counted if _counted_inside(one, first)}
    return len(by_name) + max(0, successes - len(both))


def _counted_inside(one: Heard, first: datetime) -> bool:
    """Section 2: the login was counted as a success within the window."""
    counted_at = iso_time(one.data.get("counted_at"))
    return counted_at is not None and first <= counted_at


def _codes(signals: Iterable[Heard]) -> set[int]:
    """R9: the codes of the latest observations of a login's accounts in the window."""
    latest: dict[str, int] = {}
    for one in signals:
        code, account = int(one.data["code"]), str(one.data["account_id"])
        if one.type == "institution.login.failing":
            latest[account] = code
        else:
            latest = {other: stands for other, stands in latest.items() if stands != code}
    return set(latest.values())
