"""A customer's story as data: the one object that `txpush explain --json` prints; times are UTC, RFC 3339.

Ids are whole, or keyed hashes where `names` is `hashed`. Fields may be added; those that are there keep their meaning.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a story: frozen, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleSaid(Part):
    """A rule by its number in streams/domain/README.md, and what it says in a line."""

    rule: str
    says: str


class CameBack(Part):
    """What was heard of a message: a service's report, or the answer to a look-up."""

    at: datetime
    says: str
    event_id: str | None = None


class Came(Part):
    """An event of the log.

    `type`, `source` and `event_id` are its CloudEvents attributes; `code` is an aggregation status code and `means` its
    words in the catalogue in force then; `details` is what else it says.
    """

    type: str
    source: str
    event_id: str
    account_id: str | None = None
    institution_login_id: str | None = None
    institution_id: str | None = None
    code: int | None = None
    means: str | None = None
    attempted_at: datetime | None = None
    details: tuple[str, ...] = ()


class Sent(Part):
    """A recorded message of a decision, without its link.

    `is_contact` says that the customer is to be contacted because of it; `why` are the reasons in words, `evidence`
    what it rests on. `missing` says why the recorded message is not there: then it is told as it is derived, to the
    recorded hash, or only its id is known.
    """

    message_id: str
    topic: str
    at: datetime
    action: str | None = None
    kind: str | None = None
    sequence: int | None = None
    institution_login_id: str | None = None
    account_ids: tuple[str, ...] = ()
    code: int | None = None
    reason: str | None = None
    steps: tuple[str, ...] = ()
    withdraw_reason: str | None = None
    not_after: datetime | None = None
    is_contact: bool = False
    rules: tuple[RuleSaid, ...] = ()
    why: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    came_back: tuple[CameBack, ...] = ()
    missing: str | None = None


class Decided(Part):
    """A decision: as it was recorded, or `is_derived` where no record of it is left.

    `outcome` says in words what the record came to, as derived; the phases are those of the event's account.
    """

    is_derived: bool = False
    outcome: str | None = None
    phase_before: str | None = None
    phase_after: str | None = None
    rules: tuple[RuleSaid, ...] = ()
    signals: int = 0
    """Messages to the institution agent."""


class SetAside(Part):
    """A dead letter: `letter` is its place where it is kept still, `put_back` where its record is now."""

    reason: str
    detail: str | None = None
    letter: str | None = None
    put_back: str | None = None


class Entry(Part):
    """One thing that happened; `offset` is that of its record in the customer's partition of the log.

    `times` counts like ones in a row that are told as one, the last at `until`. `waits` says what began to wait, and
    for what. `differs` says in what this release would have decided otherwise, `is_ahead` that nothing is recorded yet.
    """

    at: datetime
    offset: int | None
    says: str
    times: int = 1
    until: datetime | None = None
    came: Came | None = None
    decided: Decided | None = None
    sent: tuple[Sent, ...] = ()
    waits: tuple[str, ...] = ()
    set_aside: SetAside | None = None
    differs: tuple[str, ...] = ()
    is_ahead: bool = False


class Contact(Part):
    """A contact with the customer: an `issue` or a `remind`, why it was allowed, and what came back."""

    at: datetime
    message_id: str
    action: str
    kind: str
    institution_login_id: str
    code: int | None
    reason: str
    not_after: datetime | None
    rules: tuple[RuleSaid, ...]
    why: tuple[str, ...]
    came_back: tuple[CameBack, ...]


class HoldSaid(Part):
    """What held a contact, from when on, and until when as it was known then; `until` null: no time ends it."""

    hold: str
    since: datetime
    until: datetime | None
    says: str


class HeldBack(Part):
    """A contact that was not made at once; `ended` is `sent`, `not_needed`, or null while it waits."""

    action: str
    kind: str
    institution_login_id: str
    code: int | None
    since: datetime
    held_by: tuple[HoldSaid, ...]
    ended_at: datetime | None
    ended: str | None
    message_id: str | None


class Summary(Part):
    """The answer on one screen."""

    says: tuple[str, ...]
    contacts: tuple[Contact, ...]
    held_back: tuple[HeldBack, ...]


class AccountNow(Part):
    """How an account stands, as derived."""

    account_id: str
    institution_login_id: str | None
    institution_id: str | None
    phase: str
    code: int | None
    means: str | None
    attempted_at: datetime | None
    healthy_at: datetime | None


class OpenNow(Part):
    """An open episode of a login, as derived; `message_id` is that of its command's latest message, null before one."""

    institution_login_id: str
    kind: str
    code: int | None
    opened_at: datetime
    ordinal: int
    relapses: int
    message_id: str | None
    contacted_at: datetime | None


class Ahead(Part):
    """What is to happen, at a time; `at` null: no time brings it about."""

    at: datetime | None
    says: str


class Standing(Part):
    """How things stand as of the story's `as_of`, as derived; `marked` are the logins that ask for a passcode (R7)."""

    accounts: tuple[AccountNow, ...] = ()
    open: tuple[OpenNow, ...] = ()
    marked: tuple[str, ...] = ()
    ahead: tuple[Ahead, ...] = ()


class Story(Part):
    """One customer's story.

    `as_of` is the time of the last record that was read, or the time that was asked about; null where there was none.
    `since` is what was asked for; what came before it is followed, but not told. `notes` say what the story lacks: what
    retention has removed, what was decided by other rules than this release's. `differences` counts the entries of
    which this release would have decided otherwise.
    """

    customer: str
    account: str | None
    names: str
    """`clear` or `hashed`."""
    forgotten_at: datetime | None
    origin: str
    partition: int
    since: datetime | None
    as_of: datetime | None
    engine_version: str
    policy_version: str
    catalogue_version: str
    summary: Summary
    now: Standing
    entries: tuple[Entry, ...]
    differences: int
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the customer."""
        return not self.entries and not self.now.accounts
