"""What the client counts, with every series looked up once."""

from itertools import product

from streams.observe import metrics
from streams.observe.labels import VendorCall, VendorOutcome
from streams.observe.parts import vendor
from streams.vendor.errors import (
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    StaleLoginError,
    TryAgainError,
    VendorError,
)
from streams.vendor.gate.gate import Outcome

_OUTCOMES = {
    TryAgainError: VendorOutcome.TRY_AGAIN,
    GoneError: VendorOutcome.GONE,
    StaleLoginError: VendorOutcome.STALE_LOGIN,
    AggregationFailedError: VendorOutcome.AGGREGATION_FAILED,
    RefusedError: VendorOutcome.REFUSED,
    MisconfiguredError: VendorOutcome.MISCONFIGURED,
    InvalidRequestError: VendorOutcome.INVALID_REQUEST,
}


class VendorMeters:
    """The client's counters; none names who a call was about."""

    def __init__(self, instruments: metrics.Instruments) -> None:
        self._calls = {
            (call, outcome): instruments.counter(vendor.VENDOR_CALLS, call, outcome)
            for call, outcome in product(VendorCall, VendorOutcome)
        }
        self._authentications = {
            outcome: instruments.counter(vendor.VENDOR_AUTHENTICATIONS, outcome) for outcome in Outcome
        }
        self._token_accepted = instruments.gauge(vendor.VENDOR_TOKEN_ACCEPTED)
        self.seconds = instruments.histogram(vendor.VENDOR_ANSWER_SECONDS)
        self.repeated = instruments.counter(vendor.VENDOR_REPEATED)
        self.unreadable = instruments.counter(vendor.VENDOR_UNREADABLE_ACCOUNTS)

    def called(self, call: VendorCall, error: VendorError | None = None) -> None:
        """Count a call by what the caller was told."""
        outcome = VendorOutcome.DONE if error is None else _OUTCOMES[type(error)]
        self._calls[call, outcome].inc()

    def authenticated(self, outcome: Outcome) -> None:
        """Count an attempt with the credentials."""
        self._authentications[outcome].inc()
        if outcome is Outcome.ACCEPTED:
            self._token_accepted.set_to_current_time()
