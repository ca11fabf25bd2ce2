"""What strangers can send to the bridge: bodies, headers, queries; and what headers say to whoever reads them."""

import hashlib

import orjson

from schemas.cloudevents import FIRST_TIME, from_record, to_value
from schemas.events import ConnectEvent
from streams.bridge.answers import Rejected, verification
from streams.bridge.bodies import _declared_length
from streams.bridge.checks import SignatureCheck
from streams.bridge.intake import Topics, content_of, record_of, take
from streams.bridge.services.callers import Caller, Callers
from streams.bridge.services.events import MEDIA_TYPE, read_event
from streams.bridge.sources.address import Sources
from streams.bridge.trail import Trail
from streams.domain.customers.fixes import _fixed_at
from streams.executor.pages.language import language_of
from streams.kafka.log import LogRecord
from streams.observe.labels import Route, SignatureResult
from streams.subscribe.report import LONGEST_WAIT_SECONDS, _retry_after
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, headers_in, payloads
from tests.unit.bridge.signed import KEYS, SECRET, SIGNING, connect, subscribed, txpush

TOPICS = Topics("events", "letters")
TOKEN, PROXY_SECRET = b"s" * 32, "p" * 32
SERVICE = Caller("mailer", frozenset({"account.challenged", "command.reported"}))
CALLERS = Callers(((hashlib.sha256(TOKEN).hexdigest().encode(), SERVICE),), {b"CN=mailer": SERVICE}, (PROXY_SECRET,))
SOURCES = Sources(hops=1, proxy_secrets=(PROXY_SECRET,))
CHECK = SignatureCheck(SIGNING, subscribed(), lambda _: None)
BODY = payloads("txpush")[1]
REQUEST_ID = frozenset("0123456789abcdefABCDEF-")
"""What an id may be made of that goes into the log."""


def _txpush(body: bytes) -> str:
    return _notification(Route.TXPUSH, body, [(b"txpush-signature", b"0" * 64)])


def _connect(body: bytes) -> str:
    return _notification(Route.CONNECT, body, [(b"x-finicity-signature", b"0" * 64)])


def _notification(route: Route, body: bytes, headers: list[tuple[bytes, bytes]]) -> str:
    """Check and reduce a body; what is written of it the agent has to be able to read."""
    content = content_of(body)
    assert CHECK.of(route, headers, body, content) is not SignatureResult.GOOD
    intake = take(route, body, AT, TOPICS, content)
    outcomes = sorted({_outcome(record) for record in intake.records})
    return ",".join(outcomes) or "not stored"


def _outcome(record: LogRecord) -> str:
    if record.topic == TOPICS.dead_letter:
        return f"letter {orjson.loads(record.value)['reason']}"
    assert record.timestamp_ms is not None
    event = from_record(record.headers, record.key, record.value, record.timestamp_ms)
    assert to_value(event.data) == record.value
    assert not isinstance(event.data, ConnectEvent) or FIRST_TIME <= _fixed_at(event.data, AT) <= AT
    return event.type if event.type.startswith("txpush.account") else event.type.partition(".")[0]


def _event(body: bytes) -> str:
    try:
        event = read_event(SERVICE, MEDIA_TYPE, body, AT)
    except Rejected as rejected:
        return f"{rejected.answer.outcome}"
    record = record_of(event, 1793502000000, TOPICS.events)
    return _outcome(record) and event.type


def _signatures(data: bytes) -> str:
    """Read headers as both routes, services and the door do; only what the keys signed is good."""
    headers = headers_in(data)
    found = [
        CHECK.of(Route.TXPUSH, headers, BODY, content_of(BODY)),
        CHECK.of(Route.CONNECT, headers, BODY, content_of(BODY)),
    ]
    values = {value for _, value in headers}
    assert found[0] is not SignatureResult.GOOD or values & SIGNED_TXPUSH
    assert found[1] is not SignatureResult.GOOD or SIGNED_CONNECT in values
    source = SOURCES.of({"headers": headers})
    return f"{found[0]} {found[1]} {_caller(headers)} {'unknown' if source is None else source.version}"


def _caller(headers: list[tuple[bytes, bytes]]) -> str:
    try:
        name = CALLERS.named_in(CALLERS.once(headers)).name
    except Rejected as rejected:
        return str(rejected.answer.status)
    assert {TOKEN, b"CN=mailer"} & {part for _, value in headers for part in (value, value.partition(b" ")[2].strip())}
    return name


def _headers(data: bytes) -> str:
    """Read what headers say of a length, a language and a wait: each is something that a process can go by."""
    headers = headers_in(data)
    try:
        length = _declared_length({"headers": headers})
        outcome = "no length" if length is None else "length"
        assert length is None or 0 <= length < 10**18
    except Rejected as rejected:
        outcome = str(rejected.answer.outcome)
    text = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    wait = _retry_after(text)
    assert 0 <= wait <= LONGEST_WAIT_SECONDS
    assert set(Trail(headers).request_id) <= REQUEST_ID
    return f"{outcome}, {language_of(text.get('accept-language', ''))}{', wait' if wait else ''}"


def _header_seeds() -> list[bytes]:
    languages = (
        b"es-MX,es;q=0.9,en;q=0.8",
        b"fr;q=nan,es;q=1e999",
        b"fr;q=\xb2",
        b"en;q=-1,es;q=0.1",
        b"," * 300,
        b";=;",
    )
    lengths = (b"12", b"0" * 400 + b"7", b"9" * 5000, b"+7", b"1_0", b"\xb2", b"", b"-1")
    waits = (b"7", b"9" * 400, b"\xb2", b"nan", b"Sun, 06 Nov 1994 08:49:37 GMT", b"-1")
    framed = b"transfer-encoding: chunked\n"
    ids = (
        b"x-request-id: " + b"a" * 32,
        b"x-request-id: 7000000042",
        b"traceparent: 00-%s-%s-01" % (b"a" * 32, b"b" * 16),
    )
    return [
        *ids,
        *(b"accept-language: " + one for one in languages),
        *(b"content-length: " + one for one in lengths),
        *(b"retry-after: " + one for one in waits),
        framed,
        framed * 2,
        framed + b"content-length: 7",
        b"transfer-encoding: gzip, chunked",
        b"content-encoding: gzip",
        b"content-encoding: identity\ncontent-length: 7\ncontent-length: 8",
    ]


_TYPED = b"content-type: application/json\n"
SIGNED_TXPUSH = {
    txpush(BODY, key, content_type=content_type)["txpush-signature"].encode()
    for key in KEYS.values()
    for content_type in ("application/json", "")
}
SIGNED_CONNECT = connect(BODY, SECRET)["X-Finicity-Signature"].encode()


def _signature_seeds() -> list[bytes]:
    good = [
        *(_TYPED + b"txpush-signature: " + one for one in sorted(SIGNED_TXPUSH)),
        b"x-finicity-signature: " + SIGNED_CONNECT,
        b"authorization: Bearer " + TOKEN,
        b"x-client-name: CN=mailer\nx-proxy-secret: "
        + PROXY_SECRET.encode()
        + b"\nx-forwarded-for: 6.6.6.6, 192.0.2.1",
        b"x-proxy-secret: " + PROXY_SECRET.encode() + b"\nx-forwarded-for: [2001:db8::1]:443",
    ]
    return [*good, b"txpush-signature: " + b"0" * 64 + b"\nx-txpush-signature: \xff", b"\n".join(good), b""]


def _verification(data: bytes) -> str:
    answer = verification(data)
    reflected = answer.body["body"]
    assert isinstance(reflected, bytes)
    assert all(byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-" for byte in reflected)
    assert len(reflected) <= 256
    return str(answer.status)


def _event_seeds() -> list[bytes]:
    challenged = {"customerId": "7000000042", "accountId": "5900000001", "institutionLoginId": "7100000007"}
    reported = {"command_id": "5b0c1111-0000-5000-8000-000000000000", "customerId": "7", "report": "delivered"}
    common = {"specversion": "1.0", "id": "1", "source": "/services/mailer", "time": "2026-11-01T03:00:00+01:00"}
    typed = {"account.challenged": challenged, "command.reported": reported, "connect.done": {}}
    return [*(orjson.dumps({**common, "type": kind, "data": data}) for kind, data in typed.items()), *HOSTILE]


BRIDGE = (
    Decoder("headers", _headers, _header_seeds, frozenset({"length, en", "no length, es", "no length, en, wait"})),
    Decoder(
        "txpush",
        _txpush,
        lambda: [*payloads("txpush"), *HOSTILE],
        frozenset({"txpush.account.modified", "txpush.account.deleted"}),
    ),
    Decoder("connect", _connect, lambda: [*payloads("dataconnect"), *HOSTILE], frozenset({"connect"})),
    Decoder("events", _event, _event_seeds, frozenset({"account.challenged", "command.reported"})),
    Decoder(
        "signatures", _signatures, _signature_seeds, frozenset({"good missing 401 unknown", "missing missing mailer 4"})
    ),
    Decoder(
        "verification",
        _verification,
        lambda: [b"txpush_verification_code=Ab-1.~_", b"a=1&txpush_verification_code=%41", b"&" * 20, b"\xff", BETWEEN],
        frozenset({"200"}),
    ),
)
