"""What a product owner would ask of a year, counted as it goes by."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from schemas.commands import CONTACT_KINDS
from schemas.events import AccountSnapshot, Event
from tests.bench.year.world import HOUR, Login, Outage

CONTACTS = frozenset({"issue", "remind"})


@dataclass(slots=True)
class Course:
    """What became of one login."""

    contacts: list[datetime] = field(default_factory=list)
    repairs: int = 0
    found_after: int | None = None
    """Contacts until it was found to be OTP."""
    is_released: bool = False
    """It was taken for OTP and is no more (R7)."""


@dataclass(slots=True)
class Tally:
    """The year in numbers."""

    outages: dict[str, Outage]
    """By institution."""
    events: int = 0
    naive: int = 0
    """A mail for every delivery of a code that is not 0."""
    naive_in_outages: int = 0
    in_outages: int = 0
    after_outages: int = 0
    """Contacts because of an outage that had ended, before the vendor had tried the login again."""
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    courses: dict[int, Course] = field(default_factory=dict)
    """By the login's own identity: its id changes when it is linked again."""
    repair_hours: list[float] = field(default_factory=list)
    failures: int = 0
    at_zero: int = 0
    """Contacts about a login that was at code 0 by then."""
    closest: float = float("inf")
    """Hours between two contacts about one login, the fewest."""

    def hear(self, event: Event) -> None:
        """Count an event as a handler without memory would."""
        self.events += 1
        data = event.data
        if isinstance(data, AccountSnapshot) and data.aggregation_status_code and event.type.endswith("modified"):
            self.naive += 1
            self.naive_in_outages += self._is_in_outage(data.institution_id, event.time)

    def told(self, data: dict[str, Any], login: Login | None, at: datetime) -> None:
        """Count a message."""
        kind, action = data["kind"], data["action"]
        self.messages[kind, action] += 1
        if login is None:
            return
        course = self.course(login)
        if kind in CONTACT_KINDS and action in CONTACTS:
            if course.contacts:
                self.closest = min(self.closest, (at - course.contacts[-1]) / HOUR)
            course.contacts.append(at)
            self.at_zero += login.code == 0
            if login.in_outage:
                during = self._is_in_outage(data["institution_id"], at)
                self.in_outages += during
                self.after_outages += not during
        elif kind == "otp-escalation" and action == "issue" and course.found_after is None:
            course.found_after = len(course.contacts)
        elif kind == "otp-escalation" and action == "withdraw":
            course.is_released = data["withdraw_reason"] == "released"

    def failed(self, login: Login, at: datetime) -> None:
        """Note that a login fails from now on with something that its customer can repair, and is to be told of."""
        if "otp-escalation" not in login.commands:
            login.failing_since = at
            self.failures += 1

    def repaired(self, login: Login, at: datetime) -> None:
        """Note that it is at code 0 again after a repair."""
        if login.failing_since is not None:
            self.repair_hours.append((at - login.failing_since) / HOUR)
        login.failing_since = None
        self.course(login).repairs += 1

    def course(self, login: Login) -> Course:
        """Give what became of a login so far."""
        return self.courses.setdefault(id(login), Course())

    def _is_in_outage(self, institution_id: str | None, at: datetime) -> bool:
        outage = self.outages.get(institution_id or "")
        return outage is not None and outage.begins <= at < outage.ends

    # -- what it comes to

    def _said(self, action: str) -> int:
        return sum(n for (kind, one), n in self.messages.items() if kind in CONTACT_KINDS and one == action)

    def lines(self, logins: list[Login], days: int) -> list[tuple[str, str]]:
        """Give the summary, a name and a value a line."""
        hours = self.repair_hours or [float("nan")]
        issued, reminded = self._said("issue"), self._said("remind")
        accounts = sum(len(login.account_ids) for login in logins)
        return [
            ("days, logins, accounts, events", f"{days}, {len(logins):,}, {accounts:,}, {self.events:,}"),
            ("mails of a handler that sends one for every failure delivered", f"{self.naive:,}"),
            ("contacts: first ones, reminders", f"{issued + reminded:,}: {issued:,}, {reminded:,}"),
            ("shortest time between two contacts about one login", f"{self.closest:.1f} h"),
            ("contacts about a login that worked by then", f"{self.at_zero:,}"),
            (
                "contacts during the two outages, at their end, mails of that handler",
                f"{self.in_outages:,}, {self.after_outages:,}, {self.naive_in_outages:,}",
            ),
            ("failures to tell a customer of, repaired by one", f"{self.failures:,}, {len(self.repair_hours):,}"),
            ("time to repair, median", f"{median(hours):.1f} h"),
            *self._passcodes(logins),
            ("support tickets", f"{self.messages['support-ticket', 'issue']:,}"),
        ]

    def _passcodes(self, logins: list[Login]) -> list[tuple[str, str]]:
        """Say which logins were taken to ask for a passcode at every connection, and which do."""
        otp = [self.course(login) for login in logins if login.is_otp]
        found = [course.found_after for course in otp if course.found_after is not None]
        missed = [course for course in otp if course.found_after is None]
        wrongly = [login for login in logins if not login.is_otp and self.course(login).found_after is not None]
        returned = sum(course.repairs >= NEEDED_REPAIRS for course in missed)
        short = sum(login.is_short for login in wrongly)
        released = sum(self.course(login).is_released for login in wrongly)
        return [
            ("logins that ask for a passcode at every connection, found", f"{len(otp):,}, {len(found):,}"),
            ("contacts until one was found: median, most", f"{median(found or [0]):g}, {max(found or [0])}"),
            ("of the others repaired twice, so that it could show", f"{returned:,}"),
            ("found wrongly, of these with a device cookie of 1 to 3 weeks", f"{len(wrongly):,}, {short:,}"),
            ("found wrongly and released since", f"{released:,}"),
        ]


NEEDED_REPAIRS = 2
"""A login comes back twice after a repair before it is marked (R7)."""
