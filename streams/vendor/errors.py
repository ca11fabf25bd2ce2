"""How a call of the vendor's API can fail, split by what the caller should do (domain 3.4).

No message quotes what the vendor said or was told: it may name a customer, a link or a secret.
"""

from collections.abc import Collection

CUSTOMER, WEBHOOK = "customerId", "webhook"
"""Fields of a call that cannot be used which are no fault in it: a customer who is not there, a bridge that is away."""
_FORBIDDEN = 403


class VendorError(Exception):
    """A call failed; `code` is the vendor's own where it gave one, `status` the HTTP status where it answered."""

    def __init__(self, text: str, *, code: int | None = None, status: int | None = None) -> None:
        details = {"code": code, "HTTP": status}
        told = ", ".join(f"{name} {value}" for name, value in details.items() if value is not None)
        super().__init__(f"{text} ({told})" if told else text)
        self.code = code
        self.status = status


class TryAgainError(VendorError):
    """Nothing is wrong with the call: make it again, not before `after_seconds`.

    `is_passing` says that it may be over in a moment; those are the ones that a safe call was repeated for already.
    `is_of_all` says that calls about whomever would have to wait as well.
    """

    def __init__(
        self,
        text: str,
        *,
        after_seconds: float,
        is_passing: bool = False,
        is_of_all: bool = False,
        code: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(text, code=code, status=status)
        self.after_seconds = after_seconds
        self.is_passing = is_passing
        self.is_of_all = is_of_all


class GoneError(VendorError):
    """The customer, account, login or institution is not there, or not the customer's: stop asking for it."""


class StaleLoginError(VendorError):
    """No account stands under this login any more: read the account again for its present login, then try once."""


class AggregationFailedError(VendorError):
    """The bank was asked and did not let us in: `failure` is the aggregation status code; repeating does not help."""

    def __init__(self, failure: int, *, status: int | None = None) -> None:
        super().__init__("the institution was reached and gave no data", code=failure, status=status)
        self.failure = failure


class RefusedError(VendorError):
    """The vendor refused our credentials, or may have too often: five times lock the partner, so nothing is tried.

    Set the right TXPUSH_APP_KEY, TXPUSH_PARTNER_ID and TXPUSH_PARTNER_SECRETS; `txpush vendor show` tells more.
    """


class MisconfiguredError(VendorError):
    """The vendor does not take our app key or our address: an operator has to mend the settings."""

    @property
    def is_of_one(self) -> bool:
        """Whether this one call is forbidden (HTTP 403), which says nothing of calls for others."""
        return self.status == _FORBIDDEN


class InvalidRequestError(VendorError):
    """The vendor cannot use what it was sent: a fault of ours, and the same again would fail again.

    `fields` are those of the API's that its answer names, by our own list of them, so that they can be told.
    """

    def __init__(
        self, text: str, *, fields: Collection[str] = (), code: int | None = None, status: int | None = None
    ) -> None:
        named = f": the answer names {', '.join(sorted(fields))}" if fields else ""
        super().__init__(f"{text}{named}", code=code, status=status)
        self.fields = frozenset(fields)
