"""What the vendor's API, or what answers in its place, can send back, and what is known of our credentials."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from pydantic import SecretStr

from schemas.observations import UnreadableAccount, read_account
from schemas.times import to_epoch_ms
from streams.kafka.topics import VENDOR_AUTH
from streams.kafka.view import ViewRecord
from streams.operate.vendor import _told
from streams.vendor.answers import Answer, error_of
from streams.vendor.errors import TryAgainError, VendorError
from streams.vendor.gate import ClaimGate, Outcome
from streams.vendor.gate.kafka import _heard
from streams.vendor.gate.memory import MemoryLog
from streams.vendor.gate.standing import Entry, Standing, State, read_entry
from streams.vendor.records import (
    UnreadableRecord,
    read_accounts,
    read_authorization,
    read_institution,
    read_link,
    read_subscriptions,
)
from streams.vendor.token import _judged
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, parts
from tests.fuzz.standins import groups, timestamp_in

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
    _as_token(answer, error)
    if isinstance(error, VendorError):
        return type(error).__name__
    try:
        body = answer.json()
    except TryAgainError:
        return "unreadable"
    return ",".join(_read(reader, body) for reader in READERS)


def _as_token(answer: Answer, error: VendorError | None) -> None:
    """Take it for the answer to the credentials: a token is accepted, and nothing else; it can stand in a header."""
    result, outcome = _judged(answer)
    assert isinstance(result, SecretStr) is (outcome is Outcome.ACCEPTED)
    if isinstance(result, SecretStr):
        assert error is None
        assert PRINTABLE.fullmatch(result.get_secret_value())


def _read(reader: Callable[[Mapping[str, Any]], object], body: Mapping[str, Any]) -> str:
    try:
        reader(body)
    except (UnreadableRecord, UnreadableAccount):
        return "-"
    return reader.__name__.removeprefix("read_")


PRINTABLE = re.compile(r"[ -~]+")
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
    {"token": "canary"},
    {"token": "canary\n"},
    {"token": 7},
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


PAIR = "0a" * 16


def _gate(data: bytes) -> str:
    """Read what is known of credentials: no record ends the view, and a refusal holds until it is known to be over."""
    gate, now_ms = ClaimGate(MemoryLog()), to_epoch_ms(AT)
    for key, at, value in groups(data, 3, 12):
        at_ms = timestamp_in(at)
        _heard(gate._hear, ViewRecord(VENDOR_AUTH, 0, 0, key or None, value or None, at_ms))
        entry = read_entry(value)
        pair, _, _ = key.decode(errors="replace").partition("/")
        if key and entry is not None:
            assert read_entry(entry.model_dump_json(exclude_none=True).encode()) == entry
            assert entry.state is not State.REFUSED or gate.closed(pair) is not None
            assert entry.state not in (State.ACCEPTED, State.RESET) or gate.pairs()[pair].refused is None
    for pair, standing in gate.pairs().items():
        assert _told(standing, now_ms)
        assert standing.busy_ms(now_ms) >= 0
        gate.closed(pair)
    standing = gate.pairs().get(PAIR, Standing())
    return "closed" if standing.closed(now_ms) else "open"


def _gate_seeds() -> list[bytes]:
    now = b"%d" % to_epoch_ms(AT)
    times = (now, b"-1", b"9" * 30, b"-" + b"9" * 30, b"9" * 15)

    def entry(state: State, at: bytes = now, name: str = "", **fields: Any) -> bytes:  # noqa: ANN401 - of an entry
        made = Entry(state=state, who="executor-0", **fields).model_dump_json(exclude_none=True)
        return BETWEEN.join((f"{PAIR}/{name or state}".encode(), at, made.encode()))

    tried = [entry(State.CLAIMED, name="c1"), entry(State.REFUSED, claim="c1", code=10001)]
    unknown = [entry(State.UNANSWERED, at, f"c{number}") for at in times for number in range(3)]
    late = [BETWEEN.join((entry(State.REFUSED, at), entry(State.CLAIMED, at, "c2"))) for at in times]
    late += [
        BETWEEN.join(
            (
                entry(State.ACCEPTED),
                *(entry(State.UNANSWERED, at, f"c{n}") for n in range(2)),
                entry(State.CLAIMED, now, "c9"),
            )
        )
        for at in times
    ]
    after = [entry(state, at) for state in (State.ACCEPTED, State.RESET) for at in times]
    gone = BETWEEN.join((f"{PAIR}/refused".encode(), now, b""))
    odd = [BETWEEN.join((f"{PAIR}/c1".encode(), now, body)) for body in HOSTILE]
    keys = [BETWEEN.join((key, now, b'{"state":"refused","who":"x"}')) for key in (b"", b"/", b"\xff", PAIR.encode())]
    good = BETWEEN.join(tried)
    return [good, BETWEEN.join((good, gone)), BETWEEN.join(unknown), *late, *after, *odd, *keys]


VENDOR = (
    Decoder("gate", _gate, _gate_seeds, frozenset({"closed", "open"})),
    Decoder(
        "vendor",
        _answer,
        _seeds,
        frozenset({"account,-,-,-,-,authorization", "-,accounts,-,-,-,-", "-,-,link,-,-,-", "-,-,-,subscriptions,-,-"}),
    ),
)
