"""The label values that are known in advance; anything else an outsider may send is counted as `other`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeVar

from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS
from schemas.events import CONNECT_PREFIX, EventType
from schemas.signals import SignalType

OTHER = "other"


class Route(StrEnum):
    """Where a request to the bridge went."""

    TXPUSH = "txpush"
    CONNECT = "connect"
    EVENTS = "events"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a label
    """A notification to an address that would be ours but for its token."""
    NONE = "none"


PostRoute = Literal[Route.TXPUSH, Route.CONNECT]
"""Where the vendor posts to."""
POST_ROUTES: tuple[PostRoute, ...] = (Route.TXPUSH, Route.CONNECT)


class Gathered(StrEnum):
    """What stands for all types that have no series of their own."""

    CONNECT = "connect"
    """Any event of Data Connect."""
    OTHER = OTHER


BridgeType = (
    Literal[
        EventType.ACCOUNT_MODIFIED,
        EventType.ACCOUNT_DELETED,
        EventType.ACCOUNT_CHALLENGED,
        EventType.COMMAND_REPORTED,
        EventType.CANARY_SENT,
    ]
    | Gathered
)
"""What sort of record the bridge has stored."""
BRIDGE_TYPES: tuple[BridgeType, ...] = (
    EventType.ACCOUNT_MODIFIED,
    EventType.ACCOUNT_DELETED,
    EventType.ACCOUNT_CHALLENGED,
    EventType.COMMAND_REPORTED,
    EventType.CANARY_SENT,
    *Gathered,
)
AgentType = EventType | SignalType | Gathered
"""What sort of record an agent has decided on."""
AGENT_TYPES: Mapping[str, AgentType] = {one.value: one for one in (*EventType, *SignalType)}
"""Those that have series of their own."""
Shown = TypeVar("Shown", bound=str)


def shown_type(event_type: str, known: Mapping[str, Shown]) -> Shown | Gathered:
    """Give what a type is counted as: itself where it is known, so that others' types make few series."""
    if (one := known.get(event_type)) is not None:
        return one
    return Gathered.CONNECT if event_type.startswith(CONNECT_PREFIX) else Gathered.OTHER


class Outcome(StrEnum):
    """What became of a request to the bridge."""

    STORED = "stored"
    DEAD_LETTER = "dead_letter"
    NOT_STORED = "not_stored"
    VERIFIED = "verified"
    BAD_REQUEST = "bad_request"
    UNSIGNED = "unsigned"
    NO_KEY = "no_key"
    """It was refused as no key is known that could have signed it."""
    KEYS_UNKNOWN = "keys_unknown"
    UNAUTHENTICATED = "unauthenticated"
    NOT_ALLOWED = "not_allowed"
    WRONG_MEDIA_TYPE = "wrong_media_type"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    GONE = "gone"
    NOT_FOUND = "not_found"
    WRONG_SOURCE = "wrong_source"
    TOO_OFTEN = "too_often"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    OVERLOADED = "overloaded"
    LOG_UNAVAILABLE = "log_unavailable"
    FAILED = "failed"


class SignatureResult(StrEnum):
    """What a check of the vendor's signature came to."""

    GOOD = "good"
    WRONG = "wrong"
    MISSING = "missing"
    NO_KEY = "no_key"
    UNREADABLE = "unreadable"


class DecisionResult(StrEnum):
    """What a decision of an agent came to, at most; one that came to nothing is none."""

    STATE = "state"
    """It changed what is kept, and said nothing."""
    MESSAGES = "messages"
    DEAD_LETTER = "dead_letter"


class NotHandedOut(StrEnum):
    """Why a subscription keeps a message from its service."""

    REPEATED = "repeated"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    UNNEEDED = "unneeded"
    UNREADABLE = "unreadable"


class Reported(StrEnum):
    """What became of a report to the bridge."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    UNDELIVERED = "undelivered"


class VendorCall(StrEnum):
    """A call of the vendor's API."""

    ACCOUNT = "account"
    ACCOUNT_SIMPLE = "account_simple"
    CUSTOMER_ACCOUNTS = "customer_accounts"
    LOGIN_ACCOUNTS = "login_accounts"
    FIX_URL = "fix_url"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    DELETE_SUBSCRIPTION = "delete_subscription"
    INSTITUTION = "institution"
    AUTHORIZATION_DETAILS = "authorization_details"


class VendorOutcome(StrEnum):
    """What the caller of the vendor's API was told."""

    DONE = "done"
    TRY_AGAIN = "try_again"
    GONE = "gone"
    STALE_LOGIN = "stale_login"
    AGGREGATION_FAILED = "aggregation_failed"
    REFUSED = "refused"
    MISCONFIGURED = "misconfigured"
    INVALID_REQUEST = "invalid_request"


class Authentication(StrEnum):
    """What came of an attempt with the vendor's credentials."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    """It was sent and no answer came: it may count as a refusal at the vendor."""
    WITHDRAWN = "withdrawn"
    """It was not sent, or the vendor answered that it has trouble: it cannot count as one."""


class LinkOutcome(StrEnum):
    """What became of a request of a customer's to the executor."""

    SHOWN = "shown"
    LED_ON = "led_on"
    RETURNED = "returned"
    MENDED = "mended"
    CALLED_OFF = "called_off"
    EXPIRED = "expired"
    FORGED = "forged"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    TOO_OFTEN = "too_often"
    TOO_MANY = "too_many"
    VIEW_LAGS = "view_lags"
    VENDOR_FAILED = "vendor_failed"
    VENDOR_SLOW = "vendor_slow"
    SENT_TO_SUPPORT = "sent_to_support"
    FAILED = "failed"
    NOTHING_HERE = "nothing_here"


class LookupOutcome(StrEnum):
    """What became of a look-up."""

    ANSWERED = "answered"
    GONE = "gone"
    FAILED = "failed"
    TOO_OLD = "too_old"


class IncidentChange(StrEnum):
    """What became of an incident."""

    OPENED = "opened"
    CLOSED = "closed"


class CanaryOutcome(StrEnum):
    """What the bridge said to a canary."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class RestoreSource(StrEnum):
    """What the state of a partition was restored from; all but `full` read only the changelogs' tails."""

    MEMORY = "memory"
    FILE = "file"
    FULL = "full"


class RestoredFrom(StrEnum):
    """Where values were read when a partition was restored."""

    FILE = "file"
    TAIL = "tail"
    FULL = "full"


class StateRefusal(StrEnum):
    """Why the state on disk was not used, or not kept."""

    MISSING = "missing"
    LOCKED = "locked"
    BROKEN = "broken"
    FOREIGN = "foreign"
    TOO_OLD = "too_old"
    OUTSIDE_LOG = "outside_log"
    NOT_WRITTEN = "not_written"


CASE_KINDS = (*CONTACT_KINDS, Kind.OTP_ESCALATION)
"""What a case has open; tickets are counted by cause."""
