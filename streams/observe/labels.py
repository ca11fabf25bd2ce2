"""The label values that are known in advance; anything else an outsider may send is counted as `other`."""

from enum import StrEnum

from schemas.audit import DeadLetterReason
from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS, Action, Hold, LookupAction, TicketCause
from schemas.events import EventType
from schemas.health import Phase
from schemas.signals import SignalType


class Route(StrEnum):
    """Where a request to the bridge went."""

    TXPUSH = "txpush"
    CONNECT = "connect"
    EVENTS = "events"
    NONE = "none"


class Outcome(StrEnum):
    """What became of a request to the bridge."""

    STORED = "stored"
    DEAD_LETTER = "dead_letter"
    NOT_STORED = "not_stored"
    VERIFIED = "verified"
    BAD_REQUEST = "bad_request"
    UNSIGNED = "unsigned"
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


OTHER = "other"
ROUTES = tuple(route.value for route in Route)
POST_ROUTES = (Route.TXPUSH.value, Route.CONNECT.value)
OUTCOMES = tuple(outcome.value for outcome in Outcome)
SIGNATURE_RESULTS = tuple(result.value for result in SignatureResult)
SIGNAL_TYPES = tuple(one.value for one in SignalType)
BRIDGE_TYPES = (
    EventType.ACCOUNT_MODIFIED.value,
    EventType.ACCOUNT_DELETED.value,
    EventType.ACCOUNT_CHALLENGED.value,
    EventType.COMMAND_REPORTED.value,
    EventType.CANARY_SENT.value,
    "connect",
    OTHER,
)
DECISION_RESULTS = tuple(result.value for result in DecisionResult)
DEAD_LETTER_REASONS = tuple(reason.value for reason in DeadLetterReason)
KINDS = tuple(kind.value for kind in Kind)
CASE_KINDS = tuple(kind.value for kind in (*CONTACT_KINDS, Kind.OTP_ESCALATION))
PHASES = tuple(phase.value for phase in Phase)
HOLDS = tuple(hold.value for hold in Hold)
TICKET_CAUSES = tuple(cause.value for cause in TicketCause)
INCIDENT_CHANGES = tuple(change.value for change in IncidentChange)
ACTIONS = tuple(action.value for action in Action)
NOT_HANDED_OUT = tuple(reason.value for reason in NotHandedOut)
REPORTS = tuple(outcome.value for outcome in Reported)
VENDOR_CALLS = tuple(call.value for call in VendorCall)
VENDOR_OUTCOMES = tuple(outcome.value for outcome in VendorOutcome)
AUTHENTICATIONS = tuple(outcome.value for outcome in Authentication)
LINK_OUTCOMES = tuple(outcome.value for outcome in LinkOutcome)
LOOKUP_ACTIONS = tuple(action.value for action in LookupAction)
LOOKUP_OUTCOMES = tuple(outcome.value for outcome in LookupOutcome)
CANARY_OUTCOMES = tuple(outcome.value for outcome in CanaryOutcome)
RESTORE_SOURCES = tuple(source.value for source in RestoreSource)
RESTORED_FROM = tuple(place.value for place in RestoredFrom)
STATE_REFUSALS = tuple(reason.value for reason in StateRefusal)
