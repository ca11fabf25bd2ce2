"""Bodies that are made to hurt: none is inflated, none ends in a 500, and none is kept that nobody signed."""

import gzip
import hashlib
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.integration.bridge.hostile.target import BODY, CONNECT, DONE, EVENTS, KEY, SERVICE, TXPUSH, Target, another
from tests.integration.bridge.hostile.wire import head, request
from tests.unit.bridge.signed import SIGNING, connect, txpush

pytestmark = pytest.mark.kafka

DEEP = "the body is not JSON: depth limit exceeded"
INFINITE = "the body is not JSON: number is infinity when parsed as double"
NO_VALUE = "the body is not JSON: unexpected character, expected a JSON value"
NO_KEY = "the body is not JSON: unexpected character, expected a string key"
NO_UTF_8 = "the body is not JSON: str is not valid UTF-8: surrogates not allowed"
MARKED = "the body is not JSON: UTF-8 byte order mark (BOM) is not supported"
MORE = "the body is not JSON: unexpected content after document"
HALF_A_PAIR = "the body is not JSON: no low surrogate in string"
XML = "the body is XML: subscribe again with Accept: application/json"
NO_OBJECT = "the body is not a JSON object"
NO_TYPE, NO_EVENT = "the body has no plain eventType", "the body has no event object"


def done(fields: bytes = b"", customer: bytes = b'"7"') -> bytes:
    """Give a webhook of a customer with further fields."""
    return b'{"eventType":"done","customerId":%b%b}' % (customer, fields and b"," + fields)


def nested(levels: int) -> bytes:
    """Give lists within lists."""
    return b"[" * levels + b"]" * levels


UNREADABLE = {
    "deep lists": (b"[" * 50_000, DEEP),
    "deep objects": (b'{"a":' * 15_000, DEEP),
    "deep and whole": (nested(40_000), DEEP),
    "deep in a field": (done(b'"payload":' + nested(20_000)), DEEP),
    "a level too many": (done(b'"payload":' + nested(1024)), DEEP),
    "1e999": (done(customer=b"1e999"), INFINITE),
    "minus 1e999": (done(b'"code":-1e999'), INFINITE),
    "a number of 5,000 digits": (done(customer=b"9" * 5_000), INFINITE),
    "a number of 90,000 digits": (done(b'"code":' + b"9" * 90_000), INFINITE),
    "NaN": (done(b'"code":NaN'), NO_VALUE),
    "invalid UTF-8": (done(customer=b'"\xff\xfe"'), NO_UTF_8),
    "overlong UTF-8": (done(customer=b'"\xc0\xaf"'), NO_UTF_8),
    "a surrogate in UTF-8": (done(customer=b'"\xed\xa0\x80"'), NO_UTF_8),
    "Latin-1": (done(b'"reason":"\xe9"'), NO_UTF_8),
    "UTF-16": (done().decode().encode("utf-16"), NO_UTF_8),
    "UTF-32": (done().decode().encode("utf-32-le"), NO_KEY),
    "half a pair and 5,000 digits": (done(b'"a":"\\ud800","code":' + b"9" * 5_000), HALF_A_PAIR),
    "half a pair and depth": (b'{"a":"\\ud800","b":' + nested(40_000) + b"}", HALF_A_PAIR),
    "half a pair and NaN": (done(b'"a":"\\ud800","code":NaN'), NO_VALUE),
    "a byte order mark": (b"\xef\xbb\xbf" + DONE, MARKED),
    "nothing but a byte order mark": (b"\xef\xbb\xbf", MARKED),
    "a byte order mark before XML": (b"\xef\xbb\xbf<event/>", XML),
    "NUL bytes": (b"\x00" * 1_000, NO_VALUE),
    "a NUL byte in text": (done(customer=b'"7\x00"'), "the body is not JSON: unexpected control character in string"),
    "a NUL byte at the end": (done() + b"\x00", MORE),
    "a NUL in the type": (b'{"eventType":"done\\u0000","customerId":"7"}', NO_TYPE),
    "two bodies": (done() * 2, MORE),
    "not an object": (b"7", NO_OBJECT),
    "no event": (b"{}", NO_TYPE),
    "a list for an event": (b'{"eventType":["done"],"customerId":{"a":1}}', NO_TYPE),
    "of two types the last is none": (done(b'"eventType":7'), NO_TYPE),
    "9,000 keys": (orjson.dumps({str(number): 1 for number in range(9_000)}), NO_TYPE),
    "a key of 90 kB": (b'{"' + b"a" * 90_000 + b'":1}', NO_TYPE),
    "XML with entities": (b'<!DOCTYPE a [<!ENTITY b "cc">' + b'<!ENTITY d "&b;&b;">' * 100 + b"]><a>&d;</a>", XML),
}


@pytest.mark.parametrize(("body", "detail"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_nobody_can_read(target: Target, body: bytes, detail: str) -> None:
    """Signed, it is one dead letter that says why, with nothing of the body; any other sender leaves nothing."""
    with target.writing() as written:
        assert target.post(body, connect(body), CONNECT).status == 200
    assert written.letter | {"received_at": None} == _letter(body, "unreadable_body", detail)
    assert written.letters[0].key is None
    assert_only_who_signs_is_heard(target, body)


def _letter(body: bytes, reason: str, detail: str, reduced: str | None = None) -> dict[str, str | None]:
    where = {"origin": "/remediation/bridge/connect", "received_at": None}
    return {"reason": reason, "detail": detail, "reduced": reduced, "body_sha256": _sha256(body)} | where


def assert_only_who_signs_is_heard(target: Target, body: bytes) -> None:
    """Hold that a webhook leaves nothing unsigned, signed as a notification, or posted by a service."""
    with target.nothing_written():
        assert target.post(body, {}, CONNECT).status == 401
        assert target.post(body, txpush(body, KEY)).status == 401
        assert target.post(body, SERVICE, EVENTS).status in {400, 413}


NO_CUSTOMER = {
    "a number of 65 bits": done(customer=b"18446744073709551616"),
    "half a number": done(customer=b"7.5"),
    "a NUL": done(customer=b'"7\\u0000"'),
    "half a pair": done(customer=b'"7\\ud800"'),
    "half a pair beside 65 bits": done(b'"a":"\\ud800"', b"18446744073709551616"),
    "a byte order mark": done(customer=b'"\xef\xbb\xbf7"'),
    "of two the last is none": done(b'"customerId":{}'),
}


@pytest.mark.parametrize("body", NO_CUSTOMER.values(), ids=NO_CUSTOMER.keys())
def test_what_is_nobody_s(target: Target, body: bytes) -> None:
    """JSON whose customer cannot be one is one dead letter, without the value."""
    with target.writing() as written:
        assert target.post(body, connect(body), CONNECT).status == 200
    detail = "record 0: customerId: absent or not an id"
    assert written.letter | {"received_at": None} == _letter(body, "no_account", detail, "{}")
    assert_only_who_signs_is_heard(target, body)


READ = {
    "1,024 levels": (done(b'"payload":' + nested(1023)), {}),
    "a customer of 64 bits": (done(customer=b"18446744073709551615"), {"customerId": "18446744073709551615"}),
    "a code of 65 bits": (done(b'"code":18446744073709551616'), {}),
    "a code of 33 bits": (done(b'"code":4294967296'), {}),
    "the largest code": (done(b'"code":2147483647'), {"code": 2147483647}),
    "1e308": (done(b'"code":1e308'), {}),
    "half a pair in a name": (done(b'"name":"\\ud83d"'), {}),
    "half a pair for a key": (done(b'"\\udfff":1'), {}),
    "half a pair for a reason": (done(b'"reason":"a\\ud800"'), {"reason": "other"}),
    "half a pair and two customers": (
        done(b'"reason":"\\ud800","customerId":"8"'),
        {"customerId": "8", "reason": "other"},
    ),
    "half a pair for one account of two": (done(b'"payload":{"accounts":["8\\udfff","9"]}'), {"accountIds": ["9"]}),
    "a NUL for one account of two": (done(b'"payload":{"accounts":["8\\u0000","9"]}'), {"accountIds": ["9"]}),
    "a NUL for a reason": (done(b'"reason":"a\\u0000b"'), {"reason": "other"}),
    "two types": (b'{"eventType":"ping","customerId":"7","eventType":"done"}', {}),
    "two customers": (done(b'"customerId":"8"'), {"customerId": "8"}),
    "two customers, one of them escaped": (done(b'"customer\\u0049d":"8"'), {"customerId": "8"}),
    "two payloads": (done(b'"payload":{"code":1,"reason":"a"},"payload":{"code":2}'), {"code": 2}),
}


@pytest.mark.parametrize(("body", "read"), READ.values(), ids=READ.keys())
def test_what_is_read_all_the_same(target: Target, body: bytes, read: dict[str, object]) -> None:
    """One event, of the last of equal keys, with no value in it that was none."""
    with target.writing() as written:
        assert target.post(body, connect(body), CONNECT).status == 200
    expected = {"eventType": "done", "customerId": "7", "institutionLoginIds": [], "accountIds": []} | read
    assert written.values == [expected]
    (event,) = written.events
    assert event.key == str(expected["customerId"]).encode()
    assert (event.headers["ce_type"], event.headers["ce_id"]) == (b"connect.done", _event_id(body))
    assert_only_who_signs_is_heard(target, body)


def _event_id(body: bytes) -> bytes:
    return f"{_sha256(body)}:0".encode()


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def account(fields: bytes, institution: bytes = b'"1"') -> bytes:
    """Give a notification of an account whose key is known, with further fields."""
    record = b'{"id":"5900000001","customerId":"7000000042","institutionId":%b,"institutionLoginId":"2",%b}'
    return b'{"event":{"class":"account","type":"modified","records":[%b]}}' % (record % (institution, fields))


CODE = b'"aggregationStatusCode":'
ACCOUNTS = {
    "1,024 levels": (account(CODE + b'185,"detail":' + nested(1020)), {"aggregationStatusCode": 185}),
    "depth for a code": (account(CODE + nested(1000)), {}),
    "a code of 65 bits": (account(CODE + b"18446744073709551616"), {}),
    "dates beyond all time": (account(b'"aggregationAttemptDate":1e308,"lastUpdatedDate":9223372036854775807'), {}),
    "half a pair in a name": (account(CODE + b'185,"name":"\\ud83d"'), {"aggregationStatusCode": 185}),
    "a NUL in a name": (account(CODE + b'185,"name":"\\u0000"'), {"aggregationStatusCode": 185}),
    "two codes": (account(CODE + b"0," + CODE + b"185"), {"aggregationStatusCode": 185}),
    "two events": (b'{"event":{"class":"none","records":[]},' + account(CODE + b"0")[1:], {"aggregationStatusCode": 0}),
}


@pytest.mark.parametrize(("body", "read"), ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_an_account_that_is_read_all_the_same(target: Target, body: bytes, read: dict[str, object]) -> None:
    """One event of the account, with no value in it that was none; unsigned, nothing."""
    with target.writing() as written:
        assert target.post(body).status == 200
    ids = {"customerId": "7000000042", "accountId": "5900000001", "institutionId": "1", "institutionLoginId": "2"}
    assert written.values == [ids | read]
    (event,) = written.events
    assert (event.key, event.headers["ce_id"]) == (b"7000000042", _event_id(body))
    assert event.headers["ce_type"] == b"txpush.account.modified"
    with target.nothing_written():
        assert target.post(body, {}).status == 401


@pytest.mark.parametrize("institution", [b'"1\\ud800"', b'"1\\u0000"', b'"\xef\xbb\xbf1"'], ids=["half", "NUL", "BOM"])
def test_an_account_with_an_id_that_is_none(target: Target, institution: bytes) -> None:
    """One dead letter of the customer, with those of its ids that are some and nothing else."""
    body = account(CODE + b'185,"name":"canary"', institution)
    with target.writing() as written:
        assert target.post(body).status == 200
    ids = '{"customerId":"7000000042","accountId":"5900000001","institutionLoginId":"2"}'
    expected = _letter(body, "bad_data", "record 0: institutionId: absent or not an id", ids)
    assert written.letter | {"received_at": None} == expected | {"origin": "/remediation/bridge/txpush"}
    assert written.letters[0].key == b"7000000042"


def test_in_mode_log_each_is_one_dead_letter(target: Target, tmp_path: Path) -> None:
    """Nobody has to sign there: what cannot be read is set aside, each body once, with why and nothing else."""
    with another(target, tmp_path / "log", signing=replace(SIGNING, enforce=False)) as taking:
        with taking.writing() as written:
            assert {taking.post(body, {}).status for body, _ in UNREADABLE.values()} == {200}
        assert written.events == []
        told = Counter((letter.value["body_sha256"], letter.value["detail"]) for letter in written.letters)
        assert told == Counter(
            (_sha256(body), NO_EVENT if why == NO_TYPE else why) for body, why in UNREADABLE.values()
        )


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
        for path, headers in ((TXPUSH, txpush(body, KEY)), (CONNECT, connect(body)), (EVENTS, SERVICE)):
            reply = target.say(request(path, body[:90_000], headers, f"Content-Encoding: {encoding}"))
            assert reply is not None
            assert (reply.status, reply.headers["accept-encoding"]) == (415, "identity")
    assert target.megabytes() - before < 10


def test_a_body_that_says_identity(target: Target) -> None:
    """That is no encoding."""
    assert target.status(request(TXPUSH, BODY, txpush(BODY, KEY), "Content-Encoding: identity")) == 200


def test_of_two_equal_keys_the_last_counts_everywhere(target: Target) -> None:
    """The signature is looked up for the same value that goes into the log: a second one cannot slip past it."""
    own, foreign = b'"customerId":"7000000042"', b'"customerId":"7000000099"'
    record = b'{"event":{"class":"account","type":"modified","records":[{"id":"5900000001",%b,%b}]}}'
    with target.nothing_written():
        smuggled = record % (own, foreign)
        assert target.post(smuggled, txpush(smuggled, KEY)).status == 401
    doubled = record % (foreign, own)
    with target.writing() as written:
        assert target.post(doubled, txpush(doubled, KEY)).status == 200
    assert written.values == [{"customerId": "7000000042", "accountId": "5900000001"}]
    assert [event.key for event in written.events] == [b"7000000042"]


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
