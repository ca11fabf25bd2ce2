"""Bodies that are made to hurt: none is inflated, none ends in a 500, and none is kept that nobody signed."""

import gzip
import hashlib
import zlib

import orjson
import pytest

from tests.integration.bridge.hostile.target import BODY, CONNECT, DONE, EVENTS, KEY, SERVICE_TOKEN, TXPUSH, Target
from tests.integration.bridge.hostile.wire import head, request
from tests.unit.bridge.signed import connect, txpush

pytestmark = pytest.mark.kafka

HOSTILE = {
    "deep lists": b"[" * 50_000,
    "deep objects": b'{"a":' * 15_000,
    "deep and whole": b"[" * 40_000 + b"]" * 40_000,
    "deep in a field": b'{"eventType":"done","customerId":"7","payload":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "1e999": b'{"eventType":"done","customerId":1e999}',
    "minus 1e999": b'{"eventType":"done","customerId":"7","code":-1e999}',
    "a number of 5,000 digits": b'{"eventType":"done","customerId":' + b"9" * 5_000 + b"}",
    "a number of 90,000 digits": b'{"eventType":"done","customerId":"7","code":' + b"9" * 90_000 + b"}",
    "NaN": b'{"eventType":"done","customerId":"7","code":NaN}',
    "invalid UTF-8": b'{"eventType":"done","customerId":"\xff\xfe"}',
    "overlong UTF-8": b'{"eventType":"done","customerId":"\xc0\xaf"}',
    "UTF-16": '{"eventType":"done","customerId":"7"}'.encode("utf-16"),
    "half a pair": b'{"eventType":"done","customerId":"7","eventId":"\\ud800"}',
    "half a pair and 5,000 digits": b'{"eventType":"done","customerId":"7","a":"\\ud800","code":' + b"9" * 5_000 + b"}",
    "half a pair and depth": b'{"a":"\\ud800","b":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf" + DONE,
    "null bytes": b"\x00" * 1_000,
    "not an object": b"7",
    "no event": b"{}",
    "a list for an event": b'{"eventType":["done"],"customerId":{"a":1}}',
    "50,000 keys": orjson.dumps({str(number): 1 for number in range(9_000)}),
    "a key of 90 kB": b'{"' + b"a" * 90_000 + b'":1}',
    "XML with entities": b'<!DOCTYPE a [<!ENTITY b "cc">' + b'<!ENTITY d "&b;&b;">' * 100 + b"]><a>&d;</a>",
}
STORED = {"half a pair"}
"""The fields that are kept of it have nothing wrong with them."""
TOO_DEEP, TOO_LARGE, NO_UTF8 = (
    "depth limit exceeded",
    "number is infinity when parsed as double",
    "str is not valid UTF-8: surrogates not allowed",
)
REASONS = {
    **dict.fromkeys(("deep lists", "deep objects", "deep and whole", "deep in a field"), f"not JSON: {TOO_DEEP}"),
    **dict.fromkeys(("1e999", "minus 1e999"), f"not JSON: {TOO_LARGE}"),
    **dict.fromkeys(("a number of 5,000 digits", "a number of 90,000 digits"), f"not JSON: {TOO_LARGE}"),
    **dict.fromkeys(("invalid UTF-8", "overlong UTF-8", "UTF-16"), f"not JSON: {NO_UTF8}"),
    **dict.fromkeys(("NaN", "null bytes"), "not JSON: unexpected character, expected a JSON value"),
    **dict.fromkeys(("half a pair and 5,000 digits", "half a pair and depth"), "not JSON: no low surrogate in string"),
    "a byte order mark": "not JSON: UTF-8 byte order mark (BOM) is not supported",
    "not an object": "not a JSON object",
    "XML with entities": "XML: subscribe again with Accept: application/json",
}
"""What a dead letter says the body is; of the others, that it has no plain eventType."""


def test_each_is_written_as_what_it_is(target: Target) -> None:
    """Signed, a body is a dead letter with the reason and its hash, once for each time that it came, or one event."""
    for body in HOSTILE.values():
        assert target.post(body, connect(body), CONNECT).status == 200
    letters = [orjson.loads(record.value()) for record in target.records(target.settings.dead_letter_topic)]
    told = {letter["body_sha256"]: (letter["reason"], letter["detail"]) for letter in letters}
    for name, body in HOSTILE.items():
        why = f"the body is {REASONS[name]}" if name in REASONS else "the body has no plain eventType"
        expected = None if name in STORED else ("unreadable_body", why)
        assert (name, told.get(hashlib.sha256(body).hexdigest())) == (name, expected)
    assert not [letter for letter in letters if letter["reduced"]]
    kept = {"customerId": "7", "institutionLoginIds": [], "accountIds": [], "eventType": "done"}
    events = [record for record in target.records(target.settings.events_topic) if record.key() == b"7"]
    assert [orjson.loads(record.value()) for record in events] == [kept] * len(events)
    assert len(events) >= len(STORED)


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_json(target: Target, body: bytes) -> None:
    """Signed, it is set aside or stored; unsigned or of a stranger, it leaves nothing; of a service, it is told so."""
    assert target.post(body, connect(body), CONNECT).status == 200
    bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}", "Content-Type": "application/cloudevents+json"}
    with target.nothing_written():
        assert target.post(body, {}, CONNECT).status == 401
        assert target.post(body, txpush(body, KEY)).status == 401
        assert target.post(body, bearer, EVENTS).status in {400, 413}


ENCODED = {
    "gzip": gzip.compress(b"\x00" * 50_000_000, 9),
    "deflate": zlib.compress(b"\x00" * 50_000_000, 9),
    "br": b"\x00" * 100,
    "gzip, gzip": gzip.compress(gzip.compress(b"\x00" * 50_000_000, 9)),
    "x-unknown": BODY,
}


@pytest.mark.parametrize(("encoding", "body"), ENCODED.items(), ids=ENCODED.keys())
def test_a_bomb_is_not_inflated(target: Target, encoding: str, body: bytes) -> None:
    """415, for the vendor and for services, without a look at the body: nothing is ever inflated."""
    before = target.megabytes()
    with target.nothing_written():
        for path, headers in ((TXPUSH, txpush(body, KEY)), (CONNECT, connect(body)), (EVENTS, _bearer())):
            reply = target.say(request(path, body[:90_000], headers, f"Content-Encoding: {encoding}"))
            assert reply is not None
            assert (reply.status, reply.headers["accept-encoding"]) == (415, "identity")
    assert target.megabytes() - before < 10


def _bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {SERVICE_TOKEN}", "Content-Type": "application/cloudevents+json"}


def test_a_body_that_says_identity(target: Target) -> None:
    """That is no encoding."""
    assert target.status(request(TXPUSH, BODY, txpush(BODY, KEY), "Content-Encoding: identity")) == 200


def test_of_two_equal_keys_the_last_counts_everywhere(target: Target) -> None:
    """The signature is looked up for the same value that goes into the log: a second one cannot slip past it."""
    own, foreign = b'"customerId":"7000000042"', b'"customerId":"7000000099"'
    record = b'{"event":{"class":"account","type":"modified","records":[{"id":"5900000001",%b,%b}]}}'
    with target.nothing_written():
        smuggled = record % (own, foreign)
        assert target.post(smuggled).status == 401
    doubled = record % (foreign, own)
    assert target.post(doubled).status == 200
    keys = {message.key() for message in target.records(target.settings.events_topic)}
    assert b"7000000099" not in keys


def test_a_declared_body_past_the_limit(target: Target) -> None:
    """The length alone is enough: not a byte of it is waited for."""
    assert target.status(head(TXPUSH, "Content-Length: 100001")) == 413
    assert target.status(head(TXPUSH, "Content-Length: " + "9" * 18)) == 413


def test_a_client_that_waits_to_be_asked(target: Target) -> None:
    """`Expect: 100-continue`: it is asked for its body only where somebody will read it."""
    signed = [f"{name}: {value}" for name, value in txpush(BODY, KEY).items()]
    with target.wire() as wire:
        wire.send(head(TXPUSH, *signed, f"Content-Length: {len(BODY)}", "Expect: 100-continue"), BODY)
        reply = wire.reply()
        assert reply is not None
        assert reply.status == 200
    assert target.status(head("/nothing", "Content-Length: 10", "Expect: 100-continue")) == 404
    assert target.status(head(TXPUSH, "Content-Length: 999999", "Expect: 100-continue")) == 413
