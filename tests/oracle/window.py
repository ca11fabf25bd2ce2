"""Which logins of an institution were seen and which fail in the window of R9."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.reading import iso_time

LoginKey = tuple[str, str]
"""Customer and login; where the login is unknown, an empty text and the account id joined by a slash."""


FAILING = "institution.login.failing"
LEFT = "institution.login.left"
HEALTHY = "institution.logins.healthy"
ABOUT_LOGINS = (FAILING, LEFT)


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


def look_back(inside: list[Heard], first: datetime) -> Window:
    """R9: count the signals in the window, which begins with `first`, anew; OTP logins are in neither number."""
    by_login: dict[LoginKey, list[Heard]] = {}
    for one in inside:
        if one.type in ABOUT_LOGINS and one.data["code"] is not None:
            by_login.setdefault(login_key(one.data), []).append(one)
    counted = {login: kept for login, signals in by_login.items() if (kept := _since_otp(signals))}
    window = Window(seen=len(counted) + _only_counted(inside, by_login, first))
    for login, signals in counted.items():
        for code in {int(one.data["code"]) for one in signals if one.type == FAILING and one.data["entered"] is True}:
            window.newly_failing.setdefault(code, set()).add(login)
        for code in _stands_at(signals):
            window.failing.setdefault(code, set()).add(login)
    return window


def _since_otp(signals: list[Heard]) -> list[Heard]:
    """R9: what was heard of a login since it was last said to be one of OTP."""
    last = max((place for place, one in enumerate(signals) if one.data.get("otp") is True), default=-1)
    return signals[last + 1 :]


def _only_counted(inside: list[Heard], by_login: dict[LoginKey, list[Heard]], first: datetime) -> int:
    """Section 2: the successes, without the logins that were heard of by name after they were counted."""
    successes = sum(int(one.data["logins"]) for one in inside if one.type == HEALTHY)
    both = [login for login, signals in by_login.items() if any(_counted_inside(one, first) for one in signals)]
    return max(0, successes - len(both))


def _counted_inside(one: Heard, first: datetime) -> bool:
    """Section 2: the login was counted as a success within the window."""
    counted_at = iso_time(one.data.get("counted_at"))
    return counted_at is not None and first <= counted_at


def _stands_at(signals: list[Heard]) -> set[int]:
    """R9: the codes that a login failed with in the window and did not leave since."""
    codes: set[int] = set()
    for one in signals:
        (codes.add if one.type == FAILING else codes.discard)(int(one.data["code"]))
    return codes
