"""What the agent keeps: accounts, cases with their episodes, and the customer itself."""

from collections.abc import Mapping
from enum import StrEnum

from schemas.state.partitions import Silence
from schemas.state.record import Moment, Record


class Consent(StrEnum):
    """What became of the end of an account's authorisation (R15)."""

    ENDING = "ending"
    """It is near: a renewal is needed."""
    PASSED = "passed"
    CLOSED = "closed"
    """An operator closed its case: none is opened for it until a new attempt, or until the date moves."""


class AccountState(Record, frozen=True):
    """One account, keyed `customerId/accountId`; `heard_at`, `healthy_at`, `deleted_at` are event times."""

    heard_at: Moment
    """The latest record about the account that was neither stale nor a repetition."""
    institution_id: str | None = None
    login_id: str | None = None
    code: int | None = None
    """The last observed code; None: never aggregated."""
    standing: int | None = None
    """The last observed code that says something about the login: 0, 931, or one that a customer can mend (R2)."""
    standing_at: Moment | None = None
    """The attempt that gave the standing; None while that is the latest one."""
    failing_since: Moment | None = None
    """The first attempt of the present stretch of codes of one kind; None while the standing needs no command."""
    attempted_at: Moment | None = None
    codes_at_attempt: tuple[int, ...] = ()
    """The latest attempt and the codes seen at it, in order."""
    updated_at: Moment | None = None
    """The latest lastUpdatedDate seen."""
    succeeded_at: Moment | None = None
    """The latest aggregationSuccessDate seen."""
    healed_at: Moment | None = None
    """The latest attempt that gave code 0."""
    healthy_at: Moment | None = None
    """Event time of the latest observation of code 0."""
    fix_heard: bool = False
    """A strong fix event was heard since the last observation (R1)."""
    challenges: int = 0
    """Attempts at 185 in a row, without a fix between (R7, suspicion)."""
    is_incidental: bool = False
    """Its latest 185 was seen while an incident of it was open: it counts for nothing (R7)."""
    unknown_since: Moment | None = None
    """Event time since when the account stands at the unknown code that it stands at (R11)."""
    unknown_attempts: Mapping[int, int] = {}
    """Distinct attempts at each unknown code since the last success (R11)."""
    tickets_wanted: tuple[int, ...] = ()
    """The unknown codes that support was asked about since the last success (R11)."""
    located_at: Moment | None = None
    """Event time at which the unknown login of the failing account was asked for (R14)."""
    given_up: bool = False
    """It was not found in time (R14)."""
    sought_at: str | None = None
    """The institution whose support was asked about it; None while none was."""
    closed: bool = False
    """An operator closed its case: it needs nothing until it is observed anew (R16)."""
    is_baseline: bool = False
    """First seen through a sweep, at an old attempt, and not observed since (R17)."""
    authorization_end: Moment | None = None
    authorization_expires: bool | None = None
    consent: Consent | None = None
    deleted_at: Moment | None = None


class EpisodeState(Record, frozen=True):
    """An open episode of a case and kind, and the command that speaks for it (R3, R4)."""

    opened_at: Moment
    """The first failing attempt's time: part of the episode's identity."""
    ordinal: int
    command_id: str
    sequence: int
    """Of the command's latest message; -1 while none went out."""
    reason_code: int | None
    steps: tuple[str, ...]
    account_ids: tuple[str, ...]
    """The accounts that need the kind, ascending."""
    waiting_since: Moment | None = None
    """Event time since when its `issue` waits (R8); None once it went out."""
    contacted_at: Moment | None = None
    """Event time of its latest `issue` or `remind`."""
    fixed_at: Moment | None = None
    """Time of the latest strong fix event that counts for it (R5)."""
    first_fixed_at: Moment | None = None
    """Time of the first one heard (R7)."""
    challenged_at: Mapping[str, tuple[Moment, ...]] = {}
    """The latest attempts at 185, by account: as many as confirm a one-time passcode after a fix (R7)."""
    opened_by_challenge: bool = False
    """185 opened it, outside an incident: its end may be the base of a relapse (R7)."""
    relapses: int = 0
    """Relapses in a row, this episode included (R7)."""
    is_baseline: bool = False
    """Opened by a first sweep's old news: nobody is contacted until it is released (R17)."""
    release_at: Moment | None = None
    """When that is to be."""


class OtpMark(Record, frozen=True):
    """A login that asks for a one-time passcode at every connection (R7)."""

    marked_at: Moment
    code: int = 185
    """What confirmed it: 931, else 185."""
    successes: Mapping[str, int] = {}
    """Successful attempts in a row since then, by account."""
    quiet_since: Mapping[str, Moment] = {}
    """Event time since when each account of the login that stands at 0 has been seen to do so on a marked login."""
    closed: bool = False
    """An operator closed its escalation; a new challenge opens another (R16)."""


class LoginState(Record, frozen=True):
    """A case, keyed `customerId/institutionLoginId`: from its first episode on; its ordinal outlives its accounts."""

    institution_id: str | None = None
    ordinal: int = 0
    """Episodes of the case so far, all kinds."""
    episodes: Mapping[str, EpisodeState] = {}
    """Open episodes by kind."""
    closed_ids: tuple[str, ...] = ()
    """The latest closed commands, oldest first: the id of a closed command still names its case (R5)."""
    contacted_at: Moment | None = None
    """Event time of the latest `issue` or `remind` to the customer (R8)."""
    fix_at: Moment | None = None
    """Time of the latest strong fix since the case has had a customer-facing episode (R6)."""
    is_pending: bool = False
    """Its repair has still to show."""
    verified: bool = False
    """It was looked up already."""
    schedule_at: Moment | None = None
    """Event time of the `issue` that the reminders count from (R8)."""
    reminders_used: int = 0
    """Reminders of the schedule that fell due."""
    remind_since: Moment | None = None
    """Since when a reminder waits (R8)."""
    remind_not_before: Moment | None = None
    """Until when a weak fix event holds it back (R5)."""
    otp: OtpMark | None = None
    relapses: int = 0
    """Relapses in a row so far (R7)."""
    repaired_at: Moment | None = None
    """Event time at which the last 185 episode was repaired (R7)."""
    repair_used: bool = False
    """A relapse was counted from it."""
    is_challenged: bool = False
    """A live call was challenged (R7, suspicion)."""


class CustomerState(Record, frozen=True):
    """What belongs to the customer as a whole, keyed `customerId`."""

    event_time: Moment
    """The largest event time among the customer's own records."""
    judged_by: str = ""
    """Which rules (`Rules.key`) all of its cases were last looked at by."""
    seen: Mapping[str, Moment] = {}
    """Digests of the `ce_id`s of the last days with the event time of each, oldest first."""
    account_ids: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()
    """The latest accounts whose state was dropped: their health stays until the customer goes (R12, R18)."""
    login_ids: tuple[str, ...] = ()
    silences: Mapping[str, Silence] = {}
    """An operator's (R16): of the customer by an empty text, else by `logins/ID` or `accounts/ID`."""
    reported: Mapping[str, Moment] = {}
    """Logins by the event time at which the institution agent last heard of each by name (R9)."""
    counted: Mapping[str, Moment] = {}
    """Logins by the event time at which each was last in a count of healthy ones (R9). Both hold one window's."""
