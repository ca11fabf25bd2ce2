"""What the vendor's API, or whatever answers in its place, can send back."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from schemas.observations import UnreadableAccount, read_account
from streams.vendor.answers import Answer, error_of
from streams.vendor.errors import TryAgainError, VendorError
from streams.vendor.records import (
    UnreadableRecord,
    read_accounts,
    read_authorization,
    read_institution,
    read_link,
    read_subscriptions,
)
from tests.fuzz.decoders.decoder import BETWEEN, HOSTILE, Decoder, parts

READERS: tuple[Callable[[Mapping[str, Any]], object], ...] = (
    read_account,
    read_accounts,
    read_link,
    read_subscriptions,
    read_institution,
    read_authorization,
)


def _answer(data: bytes) -> str:
    """Read an answer: first its status and `Retry-After`, one a line, then the body."""
    head, content = parts(data, 2)
    status, _, retry_after = head.partition(b"\n")
    number = int(status) if status.isdigit() and len(status) == 3 else 200
    answer = Answer(number, content, retry_after.decode("latin-1") or None)
    error = error_of(answer)
    if isinstance(error, TryAgainError):
        assert 0 < error.after_seconds <= 3600
    if isinstance(error, VendorError):
        return type(error).__name__
    try:
        body = answer.json()
    except TryAgainError:
        return "unreadable"
    return ",".join(_read(reader, body) for reader in READERS)


def _read(reader: Callable[[Mapping[str, Any]], object], body: Mapping[str, Any]) -> str:
    try:
        reader(body)
    except (UnreadableRecord, UnreadableAccount):
        return "-"
    return reader.__name__.removeprefix("read_")


ACCOUNT = {
    "id": "5900000001",
    "customerId": "7000000042",
    "institutionId": "102105",
    "institutionLoginId": 7100000007,
    "aggregationStatusCode": 185,
    "aggregationAttemptDate": 1793502000,
    "authorizationEndDate": "2026-12-01T00:00:00Z",
}
GOOD = (
    ACCOUNT,
    {"accounts": [ACCOUNT, {}, 7]},
    {"link": "https://connect2.example.com/?signature=canary"},
    {
        "subscriptions": [
            {"id": 1, "accountId": 5900000001, "type": "account", "callbackUrl": "canary", "signingKey": "canary"}
        ]
    },
    {"institution": {"id": 102105, "status": "online", "oauthEnabled": True, "newInstitutionId": "7"}},
    {"institutionLoginId": 7, "authorizationStartDate": 1793502000, "authorizationEndDate": 1893502000},
)
BAD = (
    {"code": 10001, "message": "Invalid credentials"},
    {"code": "325"},
    {"code": 103, "tags": ["AGG"]},
    {"Errors": {"Error": [{"ReasonCode": "14001"}]}},
)
XML = (
    b"<error><code>14025</code><message>Not Acceptable</message></error>",
    b"<error><code>185</code><tags>AGG, X</tags></error>",
    b'<!DOCTYPE a [<!ENTITY b "c">]><error><code>&b;</code></error>',
)


def _seeds() -> list[bytes]:
    good = [b"200\n" + BETWEEN + orjson.dumps(body) for body in GOOD]
    bad = [b"500\n30" + BETWEEN + orjson.dumps(body) for body in BAD]
    bad += [status + BETWEEN + body for status in (b"406\n", b"500\n", b"203\n") for body in XML]
    waits = [
        b"429\n" + wait + BETWEEN for wait in (b"9" * 400, b"\xb2", b"Sun, 06 Nov 1994 08:49:37 GMT", b"-1", b"1e9")
    ]
    return [
        *good,
        *bad,
        *waits,
        *(b"200\n" + BETWEEN + body for body in HOSTILE),
        *(b"500\n" + BETWEEN + x for x in HOSTILE),
    ]


VENDOR = (
    Decoder(
        "vendor",
        _answer,
        _seeds,
        frozenset({"account,-,-,-,-,authorization", "-,accounts,-,-,-,-", "-,-,link,-,-,-", "-,-,-,subscriptions,-,-"}),
    ),
)
