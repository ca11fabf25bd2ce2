"""What is remembered of a partition: plain mutable records, one a noun of the rules."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.rules import CUSTOMER_FACING, Rules

Message = dict[str, Any]
"""A command or lookup as it goes out."""


@dataclass
class Account:
    """R13: state belongs to (customer, account)."""

    id: str
    institution: str | None = None
    login: str | None = None
    login_since: datetime | None = None
    """Event time since when it belongs to its login (R7)."""
    heard: datetime | None = None
    """Event time at which it was last heard of (R13)."""
    code: int | None = None
    """The last observed code (R1)."""
    attempted: datetime | None = None
    codes_at_attempt: list[int] = field(default_factory=list)
    updated: datetime | None = None
    succeeded: datetime | None = None
    """The latest lastUpdatedDate and aggregationSuccessDate seen (R1)."""
    success_attempt: datetime | None = None
    """The latest attempt with code 0 (R5)."""
    fix_between: bool = False
    """A strong fix event was heard since the last observation (R1)."""
    standing: int | None = None
    """The last code that says something about the login (R2)."""
    healthy_since: datetime | None = None
    """Event time since when the account stands at code 0 (R7)."""
    run: list[tuple[datetime, int]] = field(default_factory=list)
    """Attempts and codes of one kind in a row, by the rules when each was heard; none at 0, or closed (R4, R16)."""
    counts: bool = True
    """Whether its latest 185 counts (R7)."""
    successes: set[datetime] = field(default_factory=set)
    """Distinct successful attempts in a row on a marked login (R7)."""
    located: bool = False
    """A `locate` went out in this failing stretch (R14)."""
    closed: set[str] = field(default_factory=set)
    """What an operator closed until a new attempt: `code`, `consent` (R16)."""
    baseline: bool = False
    """First seen through a sweep, with an old attempt, and not tried since (R17)."""
    end: datetime | None = None
    expires: bool | None = None
    warned: bool = False
    passed: bool = False
    """The warning of its end date is due; the end date has passed (R15)."""
    deleted: datetime | None = None


@dataclass
class Episode:
    """R4: an episode of a case and kind, and the command that speaks for it."""

    kind: str
    opened_at: datetime
    ordinal: int
    since: datetime
    """Event time of opening: its `issue` waits since then (R8)."""
    command_id: str
    accounts: list[str]
    """The accounts that need the kind, or that needed it last."""
    relapses: int = 0
    sequence: int = 0
    """Of the next message."""
    issued: bool = False
    reason: int | None = None
    steps: list[str] = field(default_factory=list)
    """As last stated."""
    contacted: datetime | None = None
    fixed: bool = False
    """A strong fix event counts for it, or a deletion that stands for one (R5)."""
    first_fix: datetime | None = None
    by_challenge: bool = False
    """Opened by a 185 that counts (R7)."""
    challenges: dict[str, set[datetime]] = field(default_factory=dict)
    """Attempts of counted 185 in it, by account (R7)."""
    baseline: bool = False
    release_at: datetime | None = None
    """Opened without contact; when `release_baseline` lets it go (R17)."""


@dataclass
class Case:
    """Section 4: (customerId, institutionLoginId)."""

    login: str
    institution: str | None = None
    ordinal: int = 0
    episodes: dict[str, Episode] = field(default_factory=dict)
    last_contact: datetime | None = None
    challenged: bool = False
    """A live call met a challenge (R7)."""
    schedule_start: datetime | None = None
    next_reminder: int = 0
    reminder_since: datetime | None = None
    """When the reminder that now waits fell due (R8)."""
    pending: datetime | None = None
    last_fix: datetime | None = None
    verified: bool = False
    """The strong fix that is pending, the latest one, and whether its 15 min are over (R6)."""
    weak_until: datetime | None = None
    marked: bool = False
    marked_at: datetime | None = None
    mark_code: int = 0
    mark_closed: bool = False
    """An operator closed the escalation; the mark stays (R16)."""
    relapses: int = 0
    repaired_at: datetime | None = None
    repair_used: bool = False
    """R7: relapses in a row, and the end of the last repaired 185 episode."""

    def facing(self) -> list[Episode]:
        """Give the open customer-facing episodes in the order of R8."""
        return [self.episodes[kind] for kind in CUSTOMER_FACING if kind in self.episodes]

    def known(self) -> bool:
        """R5: it had an episode, a mark, a contact or a challenge on a live call."""
        return self.ordinal > 0 or self.marked or self.challenged or self.last_contact is not None

    def open(self) -> bool:
        """R5: an open case has an episode open, issued or not, or is marked OTP."""
        return bool(self.episodes) or self.marked


Target = tuple[str | None, str | None, str | None, str | None]
"""R16: customer, account, login, institution that an override names; None where it does not."""


@dataclass
class Customer:
    """One customer of the partition."""

    id: str
    clock: datetime
    """The event time; while timers fire, the time of the one that fires."""
    seen: dict[str, datetime] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    """Every command id so far, with the login of its case (R5)."""
    silences: dict[Target, datetime | None] = field(default_factory=dict)
    heard: datetime | None = None
    """The event time of the latest record of the customer's own; None for one that is forgotten."""

    def case(self, login: str) -> Case:
        """Give the case of a login, made where there is none."""
        return self.cases.setdefault(login, Case(login))

    def of_login(self, login: str) -> list[Account]:
        """Give the accounts of a login, deleted ones left out, by id."""
        found = [one for one in self.accounts.values() if one.login == login and one.deleted is None]
        return sorted(found, key=lambda one: one.id)

    def place(self, login: str, institution: str | None = None) -> None:
        """R13: a case is where the account is that was heard of last; before it had anything, of two at once by id."""
        case = self.case(login)
        if case.known():
            case.institution = institution or case.institution
        else:
            named = [(one.heard, one.institution) for one in self.of_login(login) if one.heard and one.institution]
            case.institution = max(named)[1] if named else None

    def sorted_cases(self) -> list[Case]:
        """Give the cases in the order of their logins."""
        return [self.cases[login] for login in sorted(self.cases)]


@dataclass
class Partition:
    """What belongs to the partition as a whole, and what went out."""

    rules: Rules = field(default_factory=Rules)
    ticked: datetime | None = None
    customers: dict[str, Customer] = field(default_factory=dict)
    sequences: dict[tuple[str, int], tuple[int, datetime]] = field(default_factory=dict)
    incidents: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """R9: the last applied sequence by institution and code, with its time; the incidents not closed, since when."""
    silences: dict[Target, datetime | None] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    """R1: ids of overrides for the whole partition, with their times."""
    out: list[Message] = field(default_factory=list)
