"""OWASP's Webhook Security Cheat Sheet, the subscriber's side, row by row; the README of the bridge has the table.

Each test is named for a row. Where a row is about more than the bridge alone, the test holds the bridge's part.
"""

import socket
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from schemas.cloudevents import to_structured
from schemas.events import AccountSnapshot, Event, EventType
from schemas.times import parse_rfc3339
from streams.bridge.sources.address import Network, Sources
from streams.settings import Settings
from streams.simulate.command import simulate
from tests.integration.bridge.hostile.target import (
    BODY,
    CONNECT,
    DONE,
    EVENTS,
    KEY,
    MAX_BODY,
    SERVICE_TOKEN,
    TOKEN,
    TXPUSH,
    Target,
    another,
)
from tests.integration.bridge.hostile.test_signatures import (
    test_a_replayed_notification_is_one_event as a_replayed_notification_is_one_event,
)
from tests.integration.bridge.hostile.test_signatures import test_several_signatures as several_signatures
from tests.integration.bridge.hostile.wire import head, request
from tests.unit.bridge.signed import SEALING_KEY, SECRET, connect, txpush

pytestmark = pytest.mark.kafka

SERVICE = {"Authorization": f"Bearer {SERVICE_TOKEN}", "Content-Type": "application/cloudevents+json"}
REPORT = {
    "specversion": "1.0",
    "id": "report-1",
    "source": "/services/mailer",
    "type": "command.reported",
    "data": {"command_id": "5b0c1111-0000-5000-8000-000000000000", "customerId": "7000000042", "report": "delivered"},
}


def test_tls_1_2_or_higher_with_a_trusted_certificate() -> None:
    """TLS ends at the proxy: by default only this machine reaches the bridge, and the vendor is given https alone."""
    assert Settings().bridge_host == "127.0.0.1"
    for url in ("http://hooks.example.com", "http://203.0.113.9"):
        with pytest.raises(ValidationError, match="write https://"):
            Settings(public_url=url)
    assert Settings(public_url="https://hooks.example.com").public_url


def test_hmac_sha256_on_every_delivery(target: Target) -> None:
    """Each delivery is checked, on both routes; `streams.signatures` compares in constant time."""
    assert target.post(BODY, txpush(BODY, KEY)).status == 200
    assert target.post(DONE, connect(DONE), CONNECT).status == 200
    with target.nothing_written():
        assert target.post(BODY, {}).status == 401
        assert target.post(DONE, {}, CONNECT).status == 401
        assert target.post(BODY, txpush(BODY, "another-key")).status == 401


def test_the_raw_body_is_what_is_signed(target: Target) -> None:
    """The same JSON with one space more, or its keys in another order, is another body."""
    signed = connect(DONE)
    assert target.post(DONE, signed, CONNECT).status == 200
    with target.nothing_written():
        assert target.post(DONE + b" ", signed, CONNECT).status == 401
        again = orjson.dumps(orjson.loads(DONE), option=orjson.OPT_SORT_KEYS)
        assert target.post(again, signed, CONNECT).status == 401


def test_only_the_expected_scheme(target: Target) -> None:
    """A good signature of the other scheme, or in the other scheme's header, is none."""
    with target.nothing_written():
        assert target.post(DONE, {"txpush-signature": connect(DONE)["X-Finicity-Signature"]}, CONNECT).status == 401
        assert target.post(BODY, connect(BODY)).status == 401


def test_401_that_does_not_say_why(target: Target) -> None:
    """Missing, wrong, with an unknown key or an unreadable body: the same empty answer to the byte."""
    answers = [
        target.post(BODY, {}),
        target.post(BODY, txpush(BODY, "another-key")),
        target.post(BODY.replace(b"5900000001", b"5999999999"), {"txpush-signature": "0"}),
        target.post(b"<event/>", txpush(b"<event/>", KEY)),
    ]
    for answer in answers:
        assert (answer.status, answer.body) == (401, b"")
        assert {*answer.headers} <= {"content-length", "date", "server", "connection"}


def test_one_secret_per_webhook(target: Target) -> None:
    """The key of one account does not speak of another customer."""
    foreign = BODY.replace(b"7000000042", b"7000000099")
    with target.nothing_written():
        assert target.post(foreign, txpush(foreign, KEY)).status == 401


def test_secrets_are_kept_in_a_secret_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from files of a mounted secret, and no setting shows one."""
    (tmp_path / "callback_tokens").write_text(TOKEN)
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(tmp_path))
    assert Settings().callback_tokens[0].get_secret_value() == TOKEN
    assert TOKEN not in repr(Settings())


def test_any_of_several_signatures(target: Target) -> None:
    """One that fits is enough, of four at most."""
    several_signatures(target)


def test_timestamp_and_event_id_against_replays(target: Target, tmp_path: Path) -> None:
    """The vendor signs no time: a replay is accepted, has the id of the original, and changes nothing."""
    a_replayed_notification_is_one_event(target, tmp_path)


def test_idempotent_and_order_independent_processing(tmp_path: Path) -> None:
    """A failure that arrives behind the success that followed it opens nothing."""
    file = tmp_path / "log.jsonl"
    later, earlier = _observed("b", 0, "2026-11-02T02:00:00Z"), _observed("a", 185, "2026-11-01T02:00:00Z")
    file.write_bytes(b"\n".join(orjson.dumps(to_structured(event)) for event in (later, earlier, later)))
    told = CliRunner().invoke(simulate, [str(file)])
    assert (told.exit_code, told.stdout) == (0, "")


def _observed(event_id: str, code: int, attempted: str) -> Event:
    data = AccountSnapshot.model_validate(
        {
            "customerId": "7000000042",
            "accountId": "5900000001",
            "institutionId": "102105",
            "institutionLoginId": "7100000007",
            "aggregationStatusCode": code,
            "aggregationAttemptDate": parse_rfc3339(attempted),
        }
    )
    at = parse_rfc3339("2026-11-02T03:00:00Z")
    return Event(event_id, EventType.ACCOUNT_MODIFIED, "/bridge", at, data, None, "7000000042")


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


def test_an_asynchronous_queue(target: Target) -> None:
    """Nothing is decided before the answer: 200 says that the record is in the log, which the agents read."""
    before = target.count(target.settings.events_topic)
    assert target.post().status == 200
    assert target.count(target.settings.events_topic) == before + 1


def test_payload_size_limit(target: Target) -> None:
    """413, declared or counted."""
    assert target.status(head(TXPUSH, f"Content-Length: {MAX_BODY + 1}")) == 413


def test_schema_validation(target: Target) -> None:
    """What is signed and no notification goes to the dead letters with the reason, never into the log."""
    events = target.count(target.settings.events_topic)
    body = b'{"eventType": 7, "customerId": "7000000042"}'
    assert target.post(body, connect(body), CONNECT).status == 200
    assert target.count(target.settings.events_topic) == events
    letters = [orjson.loads(record.value()) for record in target.records(target.settings.dead_letter_topic)]
    assert "the body has no plain eventType" in {letter["detail"] for letter in letters}


def test_unexpected_content_types_are_rejected(target: Target) -> None:
    """Of services; the vendor's is not documented: it is signed along, and the body is read as JSON or not at all."""
    assert target.post(orjson.dumps(REPORT), SERVICE | {"Content-Type": "text/plain"}, EVENTS).status == 415
    typed = txpush(BODY, KEY, content_type="application/json;charset=UTF-8")
    assert target.post(BODY, typed).status == 200
    assert target.post(BODY, typed | {"content-type": "application/json"}).status == 401


def test_post_only_405_for_other_methods(target: Target) -> None:
    """POST, and the GET with which the vendor checks a listener."""
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
        reply = target.say(head(CONNECT, method=method), method=method)
        assert reply is not None
        assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_csrf_has_nothing_to_ride_on(target: Target) -> None:
    """No cookie is set or read, and a browser's page of another origin may read nothing and asks in vain."""
    asking = ("Origin: https://evil.example.com", "Access-Control-Request-Method: POST")
    reply = target.say(head(EVENTS, *asking, method="OPTIONS"), method="OPTIONS")
    assert reply is not None
    assert reply.status == 405
    for answer in (reply, target.post()):
        assert not [name for name in answer.headers if name.startswith(("access-control", "set-cookie"))]


def test_generic_errors(target: Target) -> None:
    """400 for what is malformed, 401 for what is not signed, with empty bodies; services are told no values."""
    for reply in (target.post(b"", txpush(b"", KEY)), target.post(BODY, {})):
        assert (reply.status in {400, 401}, reply.body) == (True, b"")
    told = target.post(b'{"id": "canary-value"}', SERVICE, EVENTS)
    assert told.status == 400
    assert b"canary" not in told.body


def test_dead_letters_instead_of_drops(target: Target) -> None:
    """A signed body that nobody can read is answered 200: sent again it would be as unreadable, and a letter tells."""
    before = target.count(target.settings.dead_letter_topic)
    assert target.post(b"<event/>", connect(b"<event/>"), CONNECT).status == 200
    assert target.count(target.settings.dead_letter_topic) == before + 1


def test_logs_without_secrets_or_bodies(target: Target) -> None:
    """Whatever was posted: neither token, key, signature nor anything of a body stands in the log or the metrics."""
    target.post(BODY.replace(b"Everyday", b"canary-body"), txpush(BODY, KEY))
    target.say(request(f"{TXPUSH}?canary-query=1", BODY, {"txpush-signature": "canary-signature"}))
    status, metrics = target.bridge.ask("metrics")
    assert status == 200
    said = target.bridge.said() + metrics
    for secret in ("canary", TOKEN, KEY, SECRET, SEALING_KEY, SERVICE_TOKEN, txpush(BODY, KEY)["txpush-signature"]):
        assert secret not in said


def test_alerts_on_signature_failures(target: Target) -> None:
    """Each result counts by its route, so that a spike shows, and what kind it is."""
    stranger = BODY.replace(b"5900000001", b"5999999999")
    posts = {
        "good": (BODY, txpush(BODY, KEY)),
        "missing": (BODY, {}),
        "wrong": (BODY, txpush(BODY, "another-key")),
        "no_key": (stranger, txpush(stranger, KEY)),
        "unreadable": (b"<event/>", txpush(b"<event/>", KEY)),
    }
    for result, (body, headers) in posts.items():
        name = f'txpush_bridge_signatures_total{{result="{result}",route="txpush"}}'
        before = target.bridge.metric(name)
        target.post(body, headers)
        assert target.bridge.metric(name) == before + 1, result


def test_ip_allowlisting(target: Target, tmp_path: Path) -> None:
    """From elsewhere there is nothing, signed or not; a header that anybody can send makes no difference."""
    elsewhere = Sources(networks=(_network("127.0.0.2/32"),))
    with another(target, tmp_path / "log", sources=elsewhere) as listed:
        good = request(TXPUSH, BODY, txpush(BODY, KEY))
        inside = listed.say(good, source="127.0.0.2")
        assert inside is not None
        assert inside.status == 200
        with listed.nothing_written():
            assert listed.status(good) == 404
            forged = txpush(BODY, KEY) | {"X-Forwarded-For": "127.0.0.2", "X-Real-IP": "127.0.0.2"}
            assert listed.post(BODY, forged | {"Forwarded": "for=127.0.0.2"}).status == 404
            assert listed.status(head(f"{TXPUSH}?txpush_verification_code=a", method="GET")) == 404
        assert listed.outcomes("wrong_source") == 3
        assert "came from 127.0.0.1, which is not in TXPUSH_VENDOR_NETWORKS" in listed.bridge.said()


def _network(text: str) -> Network:
    (network,) = Settings(vendor_networks=text).vendor_networks
    return network


def test_bearer_tokens_of_services(target: Target) -> None:
    """A service shows a token whose hash alone is known; without it there is nothing to be told but that."""
    assert target.post(orjson.dumps(REPORT), SERVICE, EVENTS).status == 200
    with target.nothing_written():
        assert target.post(orjson.dumps(REPORT), SERVICE | {"Authorization": "Bearer x"}, EVENTS).status == 401


def test_no_requests_to_where_a_body_says(target: Target) -> None:
    """SSRF is for those who call: an address in a body is neither called nor kept."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0)
        address = f"http://127.0.0.1:{inside.getsockname()[1]}/"
        fields = dict.fromkeys(("callbackUrl", "webhook", "redirectUri", "reason"), address)
        body = orjson.dumps({"eventType": "done", "customerId": "7000000042", "payload": fields, **fields})
        assert target.post(body, connect(body), CONNECT).status == 200
        with pytest.raises(BlockingIOError):
            inside.accept()
    values = [record.value() for record in target.records(target.settings.events_topic)]
    assert not [value for value in values if address.encode() in value]
