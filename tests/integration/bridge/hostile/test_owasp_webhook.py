"""OWASP's Webhook Security Cheat Sheet, the subscriber's side, row by row: what is taken, what it becomes, who is told.

The README of the bridge has the table. Each test is named for a row; where a row is about more than the bridge alone,
the test holds the bridge's part. `test_owasp_senders.py` has those on who sends, `test_rotation.py` that on rotation.
"""

import hashlib
import os
import re
import signal
import socket
from collections import Counter
from pathlib import Path

import orjson
import pytest

from streams.bridge.sources.address import Sources
from streams.kafka.embedded import EmbeddedKafka
from streams.observe.labels import SignatureResult
from tests.integration.bridge.hostile.target import (
    BODY,
    CLOUD_EVENT,
    CONNECT,
    DONE,
    EVENTS,
    KEY,
    MAX_BODY,
    PROXY_SECRET,
    REPORT,
    SERVICE,
    SERVICE_TOKEN,
    TOKEN,
    TXPUSH,
    Target,
    another,
    digest,
)
from tests.integration.bridge.hostile.wire import chunked, head, request
from tests.unit.bridge.signed import OLD_SECRET, SEALING_KEY, SECRET, connect, txpush

pytestmark = pytest.mark.kafka

LIMITED = Sources(hops=1)
STRANGER, VENDOR = {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "198.51.100.7"}


def test_rate_limiting_with_429(target: Target, tmp_path: Path) -> None:
    """A source that only fails gets 429 and `Retry-After`; the vendor, with failures of its own, is never held back."""
    with another(target, tmp_path / "log", sources=LIMITED, failures_per_minute=5) as limited:
        assert limited.post(BODY, txpush(BODY, KEY) | VENDOR).status == 200
        for headers in (STRANGER, VENDOR):
            assert {limited.post(BODY, headers).status for _ in range(5)} == {401}
        refused = limited.post(BODY, txpush(BODY, KEY) | STRANGER)
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert limited.post(BODY, txpush(BODY, KEY) | VENDOR).status == 200
        assert limited.outcomes("too_often") == 1
        assert "requests from 192.0.2.7 were refused" in limited.bridge.said()


def test_503_past_what_kafka_takes(target: Target, kafka: EmbeddedKafka, tmp_path: Path) -> None:
    """Once as many wait for Kafka as may, all others get 503 and `Retry-After` at once, the vendor too."""
    broker = kafka.pid(1)
    assert broker is not None
    with another(target, tmp_path / "log", max_in_flight=1) as narrow, narrow.wire() as waiting:
        os.kill(broker, signal.SIGSTOP)
        try:
            waiting.send(request(TXPUSH, BODY, txpush(BODY, KEY)))
            narrow.bridge.until(lambda: narrow.bridge.metric("txpush_bridge_requests_in_flight ") == 1)
            refused = narrow.post()
        finally:
            os.kill(broker, signal.SIGCONT)
        assert (refused.status, refused.headers["retry-after"]) == (503, "30")
        reply = waiting.reply()
        assert reply is not None
        assert reply.status == 200
        assert narrow.outcomes("overloaded") == 1


def test_an_asynchronous_queue(target: Target) -> None:
    """Nothing is decided before the answer: 200 says that the record is in the log, which the agents read."""
    with target.writing() as written:
        assert target.post().status == 200
    (event,) = written.events
    assert (event.key, event.headers["ce_type"]) == (b"7000000042", b"txpush.account.modified")
    assert (event.value["accountId"], event.value["aggregationStatusCode"]) == ("5900000001", 185)


def test_payload_size_limit(target: Target) -> None:
    """413, declared or counted; at the limit a body is read."""
    with target.nothing_written():
        assert target.status(head(TXPUSH, f"Content-Length: {MAX_BODY + 1}")) == 413
        pieces = chunked([b"x" * 10_000] * (MAX_BODY // 10_000) + [b"x"])
        assert target.status(head(TXPUSH, "Transfer-Encoding: chunked"), pieces) == 413
        assert target.post(REPORT + b" " * 65_536, SERVICE, EVENTS).status == 413
    largest = BODY + b" " * (MAX_BODY - len(BODY))
    assert target.post(largest, txpush(largest, KEY)).status == 200


def test_schema_validation(target: Target) -> None:
    """Of what is signed the log has what the schema knows, and what it cannot take is a dead letter with the reason."""
    more = b'{"eventType":"done","customerId":"7000000042","shoeSize":"canary","payload":{"code":0,"name":"canary"}}'
    with target.writing() as written:
        assert target.post(more, connect(more), CONNECT).status == 200
    assert written.values == [
        {"customerId": "7000000042", "eventType": "done", "code": 0, "accountIds": [], "institutionLoginIds": []}
    ]
    for body, reason, detail in (
        (b'{"eventType":7,"customerId":"7000000042"}', "unreadable_body", "the body has no plain eventType"),
        (b'{"eventType":"done","customerId":{}}', "no_account", "record 0: customerId: absent or not an id"),
    ):
        with target.writing() as written:
            assert target.post(body, connect(body), CONNECT).status == 200
        assert (written.letter["reason"], written.letter["detail"]) == (reason, detail)


def test_unexpected_content_types_are_rejected(target: Target) -> None:
    """Of services; the vendor's is not documented: it is signed along, and the body is read as JSON or not at all."""
    typed = txpush(BODY, KEY, content_type="application/json;charset=UTF-8")
    assert target.post(BODY, typed).status == 200
    with target.nothing_written():
        for content_type in ("text/plain", "application/json", "application/x-www-form-urlencoded", ""):
            assert target.post(REPORT, SERVICE | {"Content-Type": content_type}, EVENTS).status == 415
        assert target.post(BODY, typed | {"content-type": "application/json"}).status == 401
    form = b"eventType=done&customerId=7000000042"
    with target.writing() as written:
        headers = connect(form) | {"Content-Type": "application/x-www-form-urlencoded"}
        assert target.post(form, headers, CONNECT).status == 200
    assert written.letter["reason"] == "unreadable_body"


def test_post_only_405_for_other_methods(target: Target) -> None:
    """POST, and the GET with which the vendor checks a listener."""
    others = ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
    for path, allowed, methods in (
        (CONNECT, "POST", ("GET", *others)),
        (EVENTS, "POST", ("GET", *others)),
        (TXPUSH, "GET, POST", others),
    ):
        for method in methods:
            reply = target.say(head(path, method=method), method=method)
            assert reply is not None
            assert (reply.status, reply.headers["allow"], reply.body) == (405, allowed, b"")
    checked = target.say(head(f"{TXPUSH}?txpush_verification_code=a1", method="GET"), method="GET")
    assert checked is not None
    assert (checked.status, checked.body) == (200, b"a1")


def test_csrf_has_nothing_to_ride_on(target: Target) -> None:
    """No cookie is set or read, and a browser's page of another origin may read nothing and asks in vain."""
    asking = ("Origin: https://evil.example.com", "Access-Control-Request-Method: POST")
    reply = target.say(head(EVENTS, *asking, method="OPTIONS"), method="OPTIONS")
    assert reply is not None
    assert reply.status == 405
    for answer in (reply, target.post()):
        assert not [name for name in answer.headers if name.startswith(("access-control", "set-cookie"))]


def test_generic_errors(target: Target) -> None:
    """400 for nothing at all, 401 for what is not signed, with empty bodies; services are told no values.

    What is signed and malformed is 200, and nothing of it is told either.
    """
    answers = [
        target.post(b"", txpush(b"", KEY)),
        target.post(BODY, {}),
        target.post(b"{canary", {}),
        target.post(b"{canary", connect(b"{canary"), CONNECT),
    ]
    assert [(answer.status, answer.body) for answer in answers] == [(400, b""), (401, b""), (401, b""), (200, b"")]
    told = target.post(b'{"id": "canary-value"}', SERVICE, EVENTS)
    assert told.status == 400
    assert b"canary" not in told.body


def test_dead_letters_instead_of_drops(target: Target) -> None:
    """A signed body that nobody can read is answered 200: sent again it would be as unreadable, and a letter tells."""
    with target.writing() as written:
        assert target.post(b"<event>canary</event>", connect(b"<event>canary</event>"), CONNECT).status == 200
    assert written.letter == {
        "reason": "unreadable_body",
        "detail": "the body is XML: subscribe again with Accept: application/json",
        "origin": "/remediation/bridge/connect",
        "received_at": written.letter["received_at"],
        "reduced": None,
        "body_sha256": hashlib.sha256(b"<event>canary</event>").hexdigest(),
    }


def test_logs_without_secrets_or_bodies(target: Target) -> None:
    """Whatever was posted: neither token, key, signature nor anything of a body stands in the log or the metrics."""
    target.post(BODY.replace(b"Everyday", b"planted-body"), txpush(BODY, KEY))
    target.post(b"<planted/>", connect(b"<planted/>"), CONNECT)
    target.post(REPORT, SERVICE | {"Authorization": "Bearer planted-token"}, EVENTS)
    target.post(REPORT, CLOUD_EVENT | {"X-Client-Name": "planted-name", "X-Proxy-Secret": "planted-secret"}, EVENTS)
    target.say(request(f"{TXPUSH}?planted-query=1", BODY, {"txpush-signature": "planted-signature"}))
    target.say(request("/planted-planted-planted/txpush", BODY))
    status, metrics = target.bridge.ask("metrics")
    assert status == 200
    said = target.bridge.said() + metrics
    signatures = txpush(BODY, KEY)["txpush-signature"], connect(DONE)["X-Finicity-Signature"]
    secrets = TOKEN, KEY, SECRET, OLD_SECRET, SEALING_KEY, SERVICE_TOKEN, digest(SERVICE_TOKEN), PROXY_SECRET
    assert [secret for secret in ("planted", *secrets, *signatures) if secret in said] == []


def test_alerts_on_signature_failures(target: Target) -> None:
    """Each request counts once, by its route and by what its signature came to, so that a spike shows, and of what."""
    unknown = BODY.replace(b"5900000001", b"5999999999")
    tried: tuple[tuple[str, str, bytes, dict[str, str]], ...] = (
        ("txpush", "good", BODY, txpush(BODY, KEY)),
        ("txpush", "missing", BODY, {}),
        ("txpush", "wrong", BODY, txpush(BODY, "another-key")),
        ("txpush", "no_key", unknown, txpush(unknown, KEY)),
        ("txpush", "unreadable", b"<event/>", txpush(b"<event/>", KEY)),
        ("connect", "good", DONE, connect(DONE)),
        ("connect", "missing", DONE, {}),
        ("connect", "wrong", DONE, connect(DONE, "another-secret")),
    )
    assert {result for _, result, _, _ in tried} == set(SignatureResult)
    for route, result, body, headers in tried:
        outcome = "no_key" if result == "no_key" else "unsigned"
        before, refused = _signatures(target), target.outcomes(outcome)
        target.post(body, headers, {"txpush": TXPUSH, "connect": CONNECT}[route])
        assert _signatures(target) - before == {(route, result): 1}
        assert target.outcomes(outcome) - refused == (result != "good")


def _signatures(target: Target) -> Counter[tuple[str, str]]:
    """Give how many signatures were checked, by route and result."""
    series = re.compile(r'^txpush_bridge_signatures_total\{result="(\w+)",route="(\w+)"\} (\S+)$', re.MULTILINE)
    counts = {
        (route, result): int(float(count)) for result, route, count in series.findall(target.bridge.page("metrics"))
    }
    assert {result for _, result in counts} == set(SignatureResult)
    return Counter(counts)


def test_no_requests_to_where_a_body_says(target: Target) -> None:
    """SSRF is for those who call: an address in a body is neither called nor kept."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0)
        address = f"http://127.0.0.1:{inside.getsockname()[1]}/"
        fields = dict.fromkeys(("callbackUrl", "webhook", "redirectUri", "reason"), address)
        body = orjson.dumps({"eventType": "done", "customerId": "7000000042", "payload": fields, **fields})
        with target.writing() as written:
            assert target.post(body, connect(body), CONNECT).status == 200
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert [value["reason"] for value in written.values] == ["other"]
    assert address not in str(written)
