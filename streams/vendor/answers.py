"""Reads an answer of the vendor: what it holds, or which error it is (domain 3.4, 3.5); JSON, XML and plain text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.catalogue import UNLISTED, Catalogue
from schemas.vendor import status_code
from streams.vendor.errors import (
    CUSTOMER,
    WEBHOOK,
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    StaleLoginError,
    TryAgainError,
    VendorError,
)

OK_STATUS = frozenset({200, 201, 202, 204})
CHALLENGED_STATUS = 203
CHALLENGE_CODE = 185
UNAUTHORISED = 401
REDIRECTION = 300
CLIENT_ERROR = 400
SERVER_ERROR = 500

INVALID_TOKEN_CODES = frozenset({10022, 10023})
UNSUBSCRIBED_CODES = frozenset({60007, 60013})
NO_DETAILS_CODES = frozenset({3003, 3004})
"""No login of that id with a consent window: a legacy one, or one granted before the vendor kept them."""
BUSY_CODE, SESSION_OVER_CODE, INSTITUTION_LIMIT_CODE, LIMIT_CODE = 325, 331, 977, 3_300_001
_SYSTEM_CODES = frozenset(
    {*range(990, 999), *range(1000, 1013), 10030, 12001, 12008, 12009, 14030, 19000, 20014},
)
"""The vendor's "unexpected system issue": no word about the login."""
_AGGREGATION_TAG = "AGG"
_CATALOGUE = Catalogue.load()

MINUTE = 60.0
BUSY_SECONDS = 3 * MINUTE
LIMIT_SECONDS = MINUTE
INSTITUTION_LIMIT_SECONDS = 5 * MINUTE
OUTAGE_SECONDS = 10.0
MAX_WAIT_SECONDS = 3600.0

MAX_TOLD_BYTES = 10_000
"""Of a refusal; behind that no field is looked for."""

_FIELDS: Mapping[str, str] = {
    name.lower(): name
    for name in (
        *("partnerId", CUSTOMER, "institutionLoginId", "language", "experience", "redirectUri", "singleUseUrl"),
        *(WEBHOOK, "webhookContentType", "webhookData", "callbackUrl"),
    )
} | {"ping": WEBHOOK}
"""Fields of what we send, by their names in small letters; a ping is what a webhook has to answer (domain 3.2)."""
_NAMES = [re.sub("(?=[A-Z])", " ?", name) for name in (*_FIELDS.values(), "ping")]
_NAMED = re.compile(rf"\b(?:{'|'.join(sorted(_NAMES, key=len, reverse=True))})\b".encode(), re.IGNORECASE)
"""In words as well: `Customer ID` is `customerId`, and `Webhook Data` is not `webhook`."""
_XML_CODE = re.compile(rb"<code>\s*(-?[0-9]{1,9})\s*</code>")
_XML_TAGS = re.compile(rb"<tags>\s*([A-Za-z, ]{1,64})\s*</tags>")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the content may name customers and carry secrets."""

    status: int
    content: bytes = field(repr=False)
    retry_after: str | None = None

    def json(self) -> Mapping[str, Any]:
        """Give the object in the body.

        Raises:
            TryAgainError: there is none, which is how a proxy in between would answer.
        """
        body = _object(self.content)
        if body is None:
            raise unreadable(self)
        return body

    @property
    def code(self) -> int | None:
        """The vendor's code of an error, where the body has one."""
        return _code(self.content)


def unreadable(answer: Answer, *, is_of_all: bool = False) -> TryAgainError:
    """Give the error of an answer that says it is good and cannot be read."""
    text = "the answer is not what the vendor's API describes"
    return TryAgainError(text, after_seconds=MINUTE, is_of_all=is_of_all, status=answer.status)


def error_of(answer: Answer) -> VendorError | None:
    """Tell what went wrong; None when nothing did."""
    status = answer.status
    if status in OK_STATUS:
        return None
    if status == CHALLENGED_STATUS:
        return AggregationFailedError(CHALLENGE_CODE, status=status)
    code = answer.code
    return (None if code is None else _by_code(answer, code)) or _by_status(answer, code)


def _by_code(answer: Answer, code: int) -> VendorError | None:
    """Look at the codes that mean the same wherever they come."""
    status = answer.status
    if code in _CREDENTIALS and (code != _BAD_CREDENTIALS or status == UNAUTHORISED):
        return RefusedError("the vendor refuses the credentials", code=code, status=status)
    if waiting := _WAITING.get(code):
        text, seconds = waiting
        is_of_all = code not in _OF_ONE
        return TryAgainError(text, after_seconds=_after(answer, seconds), is_of_all=is_of_all, code=code, status=status)
    if kind := _KINDS.get(code):
        return _of_kind(kind, answer, code)
    if code == SESSION_OVER_CODE:
        return AggregationFailedError(code, status=status)
    if code in _SYSTEM_CODES:
        return _passing("the vendor has an unexpected system issue", answer, code)
    return None


_BAD_CREDENTIALS = 10001
LOCKED_CODE = 24302
_CREDENTIALS = frozenset({_BAD_CREDENTIALS, LOCKED_CODE})
_WAITING: Mapping[int, tuple[str, float]] = {
    10022: ("the vendor does not take the token that it just gave", MINUTE),
    10023: ("the vendor does not take the token that it just gave", MINUTE),
    BUSY_CODE: ("the account is being refreshed", BUSY_SECONDS),
    INSTITUTION_LIMIT_CODE: ("too many calls for one institution", INSTITUTION_LIMIT_SECONDS),
    LIMIT_CODE: ("too many calls; if there were few, look at TXPUSH_APP_KEY", LIMIT_SECONDS),
}
_OF_ONE = frozenset({BUSY_CODE, INSTITUTION_LIMIT_CODE})
_KINDS: Mapping[int, tuple[type[VendorError], str]] = {
    10005: (InvalidRequestError, "a field is missing"),
    10010: (InvalidRequestError, "a field is not valid"),
    10024: (MisconfiguredError, "the vendor saw no token: does something between take headers away"),
    10026: (MisconfiguredError, "the vendor saw no app key: does something between take headers away"),
    10027: (MisconfiguredError, "the vendor does not know the app key: look at TXPUSH_APP_KEY"),
    14001: (GoneError, "there is no such thing"),
    38003: (GoneError, "the account is not the customer's"),
    38007: (StaleLoginError, "no account stands under the login"),
    3003: (StaleLoginError, "there is no such login"),
    3004: (GoneError, "the vendor keeps no details of the login"),
    60007: (GoneError, "there is no subscription"),
    60013: (GoneError, "there is no subscription"),
}


def _by_status(answer: Answer, code: int | None) -> VendorError:
    """Go by the status where the code says nothing; an HTTP 500 may carry an aggregation code."""
    status = answer.status
    if code and (_is_aggregation(answer.content) or (status == SERVER_ERROR != code and _is_listed(code))):
        return AggregationFailedError(code, status=status)
    if status >= SERVER_ERROR:
        return _passing("the vendor has trouble", answer, code)
    if text := _STATUS_WAITING.get(status):
        seconds, is_of_all = _after(answer, LIMIT_SECONDS), status == _TOO_MANY
        return TryAgainError(text, after_seconds=seconds, is_of_all=is_of_all, code=code, status=status)
    if status in _GONE_STATUS and code in {None, status}:
        text = "that something is not there is no word of the API's: look at TXPUSH_VENDOR_URL if it stays so"
        return TryAgainError(text, after_seconds=_after(answer, MINUTE), code=code, status=status)
    other = _OTHER_STATUS if status >= CLIENT_ERROR else _NOT_AN_API
    return _of_kind(_STATUS_KINDS.get(status, other), answer, code)


_GONE_STATUS = frozenset({404, 410})
"""Without a code of the vendor's anything on the way may say so, and accounts would be taken for deleted."""
_TOO_MANY = 429
_STATUS_WAITING: Mapping[int, str] = {
    408: "the vendor waited too long for the call",
    425: "the vendor asks to wait",
    _TOO_MANY: "too many calls; if there were few, look at TXPUSH_APP_KEY",
}
_STATUS_KINDS: Mapping[int, tuple[type[VendorError], str]] = {
    401: (MisconfiguredError, "the vendor does not let us in: look at TXPUSH_APP_KEY"),
    403: (MisconfiguredError, "the vendor does not let us do this: ask it which products the app key has"),
    404: (GoneError, "there is no such thing"),
    410: (GoneError, "it is gone"),
}
_OTHER_STATUS: tuple[type[VendorError], str] = (InvalidRequestError, "the vendor cannot use the call")
_NOT_AN_API: tuple[type[VendorError], str] = (
    MisconfiguredError,
    "that is no answer of the API: look at TXPUSH_VENDOR_URL",
)


def _of_kind(kind: tuple[type[VendorError], str], answer: Answer, code: int | None) -> VendorError:
    error, text = kind
    if error is InvalidRequestError:
        return InvalidRequestError(text, fields=_fields(answer.content), code=code, status=answer.status)
    return error(text, code=code, status=answer.status)


def _passing(text: str, answer: Answer, code: int | None) -> TryAgainError:
    seconds = _after(answer, OUTAGE_SECONDS)
    return TryAgainError(text, after_seconds=seconds, is_passing=True, code=code, status=answer.status)


def _after(answer: Answer, seconds: float) -> float:
    """Give the longer of our own wait and the one asked for, within reason."""
    asked = answer.retry_after or ""
    return min(max(seconds, float(asked)), MAX_WAIT_SECONDS) if asked.isdecimal() else seconds


def _fields(content: bytes) -> set[str]:
    """Give the fields that an answer names, in our own words: nothing of it is quoted."""
    return {_FIELDS[found.lower().replace(b" ", b"").decode()] for found in _NAMED.findall(content[:MAX_TOLD_BYTES])}


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _code(content: bytes) -> int | None:
    body = _object(content)
    if body is None:
        found = _XML_CODE.search(content)
        return None if found is None else int(found[1])
    match body:
        case {"Errors": {"Error": [{"ReasonCode": code}, *_]}} | {"code": code}:
            return status_code(code)
    return None


def _is_listed(code: int) -> bool:
    return _CATALOGUE.entry(code) is not UNLISTED


def _is_aggregation(content: bytes) -> bool:
    body = _object(content)
    if body is None:
        found = _XML_TAGS.search(content)
        return found is not None and _AGGREGATION_TAG in found[1].decode()
    return _AGGREGATION_TAG in str(body.get("tags"))
