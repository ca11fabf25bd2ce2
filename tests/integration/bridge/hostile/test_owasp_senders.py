"""OWASP's Webhook Security Cheat Sheet, the subscriber's side, row by row: who sends, by what secret, and when.

The README of the bridge has the table. Each test is named for a row; where a row is about more than the bridge alone,
the test holds the bridge's part. `test_rotation.py` has the row on rotation, `test_owasp_webhook.py` those on the rest.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from pydantic import ValidationError

from schemas.cloudevents import from_record, to_structured
from schemas.events import AccountSnapshot, Event, EventType
from schemas.times import parse_rfc3339
from streams.bridge.command import bridge_settings
from streams.bridge.sources.address import Sources
from streams.settings import Settings
from streams.simulate.command import simulate
from tests.integration.bridge.hostile.target import (
    BODY,
    CERTIFICATE,
    CLOUD_EVENT,
    CONNECT,
    DONE,
    EVENTS,
    KEY,
    PROXY_SECRET,
    REPORT,
    SERVICE,
    SERVICE_TOKEN,
    TOKEN,
    TXPUSH,
    Record,
    Target,
    another,
    digest,
)
from tests.integration.bridge.hostile.wire import head, request
from tests.unit.bridge.signed import HOST, KEYS, OLD_SECRET, SEALING_KEY, SECRET, connect, txpush

pytestmark = pytest.mark.kafka

WRONG = "0" * 64
TYPED = {"content-type": "application/json"}


def test_tls_1_2_or_higher_with_a_trusted_certificate() -> None:
    """TLS ends at the proxy: by default only this machine reaches the bridge, and the vendor is given https alone."""
    assert Settings().bridge_host == "127.0.0.1"
    for url in ("http://hooks.example.com", "http://203.0.113.9"):
        with pytest.raises(ValidationError, match="write https://"):
            Settings(public_url=url)
    assert Settings(public_url="https://hooks.example.com").public_url


def test_hmac_sha256_on_every_delivery(target: Target) -> None:
    """Each delivery is checked, on both routes, with each valid key; `streams.signatures` compares in constant time."""
    signing_string = b"application/json" + HOST.encode() + b64encode(BODY)
    assert target.post(BODY, TYPED | {"txpush-signature": _hmac(KEY, signing_string)}).status == 200
    for secret in (SECRET, OLD_SECRET):
        assert target.post(DONE, {"X-Finicity-Signature": _hmac(secret, DONE)}, CONNECT).status == 200
    with target.nothing_written():
        assert target.post(BODY, {}).status == 401
        assert target.post(DONE, {}, CONNECT).status == 401
        assert target.post(BODY, txpush(BODY, "another-key")).status == 401
        assert target.post(DONE, connect(DONE, "another-secret"), CONNECT).status == 401


def _hmac(key: str, signed: bytes) -> str:
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def test_the_raw_body_is_what_is_signed(target: Target) -> None:
    """The same JSON with one space more, or its keys in another order, is another body."""
    for body, headers, path in ((DONE, connect(DONE), CONNECT), (BODY, txpush(BODY, KEY), TXPUSH)):
        assert target.post(body, headers, path).status == 200
        with target.nothing_written():
            assert target.post(body + b" ", headers, path).status == 401
            again = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
            assert target.post(again, headers, path).status == 401


def test_only_the_expected_scheme(target: Target) -> None:
    """A good signature of the other scheme, or in the other scheme's header, is none."""
    of_done, of_body = connect(DONE)["X-Finicity-Signature"], txpush(BODY, KEY)["txpush-signature"]
    with target.nothing_written():
        assert target.post(DONE, {"txpush-signature": of_done}, CONNECT).status == 401
        assert target.post(DONE, {"X-Finicity-Signature": f"sha256={of_done}"}, CONNECT).status == 401
        assert target.post(BODY, connect(BODY)).status == 401
        assert target.post(BODY, TYPED | {"X-Finicity-Signature": of_body}).status == 401


def test_any_of_several_signatures(target: Target) -> None:
    """One that fits is enough, at any place and by either name: a sender that replaces a key signs with both."""
    good = txpush(BODY, KEY)["txpush-signature"]
    for name in ("txpush-signature", "x-txpush-signature"):
        for place in range(4):
            assert _with_signatures(target, *[WRONG] * place, good, *[WRONG] * (3 - place), name=name) == 200
    assert target.status(request(CONNECT, DONE, connect(DONE), f"X-Finicity-Signature: {WRONG}")) == 200
    with target.nothing_written():
        assert _with_signatures(target, *[WRONG] * 4) == 401
        assert _with_signatures(target, good, *[WRONG] * 4) == 401
        assert _with_signatures(target, *[good] * 5) == 401
        assert target.status(request(CONNECT, DONE, connect(DONE), *[f"X-Finicity-Signature: {WRONG}"] * 4)) == 401


def _with_signatures(target: Target, *signatures: str, name: str = "txpush-signature") -> int | None:
    return target.status(request(TXPUSH, BODY, TYPED, *(f"{name}: {signature}" for signature in signatures)))


def test_401_that_does_not_say_why(target: Target) -> None:
    """Missing, wrong, with an unknown key or an unreadable body: the same empty answer to the byte."""
    unknown = BODY.replace(b"5900000001", b"5999999999")
    answers = [
        target.post(BODY, {}),
        target.post(BODY, txpush(BODY, "another-key")),
        target.post(unknown, txpush(unknown, KEY)),
        target.post(b"<event/>", txpush(b"<event/>", KEY)),
        target.post(DONE, {}, CONNECT),
        target.post(DONE, connect(DONE, "another-secret"), CONNECT),
    ]
    for answer in answers:
        assert (answer.status, answer.body) == (401, b"")
        assert {*answer.headers} <= {"content-length", "date", "server", "connection", "x-request-id"}
        assert _always_the_same(answer.headers) == _always_the_same(answers[0].headers)


def _always_the_same(headers: Mapping[str, str]) -> dict[str, str]:
    """Leave out the time, and the id of the request, which is drawn by lot."""
    return {name: value for name, value in headers.items() if name not in {"date", "x-request-id"}}


def test_one_secret_per_webhook(target: Target) -> None:
    """The key of an account and class speaks of no other account, class or customer."""
    foreign = BODY.replace(b"7000000042", b"7000000099")
    with target.nothing_written():
        assert target.post(foreign, txpush(foreign, KEY)).status == 401
        assert target.post(BODY, txpush(BODY, KEYS["5900000002"])).status == 401
        assert target.post(BODY, txpush(BODY, f"{KEY}-transaction")).status == 401
    transaction = b'{"event":{"class":"transaction","type":"created","records":[{"accountId":"5900000001"}]}}'
    assert target.post(transaction, txpush(transaction, f"{KEY}-transaction")).status == 200
    assert target.post(transaction, txpush(transaction, KEY)).status == 401


def test_secrets_are_kept_in_a_secret_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from files of a mounted secret, and neither the settings nor the bridge's part of them show one."""
    secrets = {
        "callback_tokens": (TOKEN, "u" * 20),
        "partner_secrets": (SECRET, OLD_SECRET),
        "proxy_secrets": ("p" * 20, "q" * 20),
        "sealing_keys": (SEALING_KEY, f"{SEALING_KEY}-old"),
    }
    for name, values in secrets.items():
        (tmp_path / name).write_text(",".join(values))
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(tmp_path))
    settings = Settings()
    bridge = bridge_settings(settings)
    assert (bridge.tokens, bridge.sources.proxy_secrets) == (secrets["callback_tokens"], secrets["proxy_secrets"])
    assert bridge.signing.partner_secrets == secrets["partner_secrets"]
    assert bridge.signing.sealing_keys == secrets["sealing_keys"]
    shown = repr(settings) + settings.model_dump_json() + repr(bridge)
    assert [value for values in secrets.values() for value in values if value in shown] == []


def test_bearer_tokens_of_services(target: Target) -> None:
    """A service shows a token whose hash alone is known; without it there is nothing to be told but that."""
    with target.writing() as written:
        assert target.post(REPORT, SERVICE, EVENTS).status == 200
    assert [(event.headers["ce_type"], event.headers["ce_source"]) for event in written.events] == [
        (b"command.reported", b"/remediation/bridge")
    ]
    with target.nothing_written():
        for shown in ("Bearer x", f"Bearer {digest(SERVICE_TOKEN)}", f"Basic {SERVICE_TOKEN}", SERVICE_TOKEN, ""):
            assert target.post(REPORT, SERVICE | {"Authorization": shown}, EVENTS).status == 401
        assert target.post(REPORT, CLOUD_EVENT, EVENTS).status == 401
        challenge = orjson.dumps(orjson.loads(REPORT) | {"type": "account.challenged"})
        assert target.post(challenge, SERVICE, EVENTS).status == 403


def test_certificates_of_services(target: Target, tmp_path: Path) -> None:
    """The name of a client's certificate counts from a proxy that shows its secret; else it is anybody's word."""
    named, shown = {"X-Client-Name": CERTIFICATE}, {"X-Proxy-Secret": PROXY_SECRET}
    proxied = CLOUD_EVENT | named | shown
    with target.writing() as written:
        assert target.post(REPORT, proxied, EVENTS).status == 200
    assert [event.headers["ce_type"] for event in written.events] == [b"command.reported"]
    with target.nothing_written():
        for headers in (
            named,
            named | {"X-Proxy-Secret": ""},
            named | {"X-Proxy-Secret": "q" * 20},
            shown,
            shown | {"X-Client-Name": ""},
            shown | {"X-Client-Name": "CN=other,O=Example"},
            shown | {"Authorization": f"Bearer {CERTIFICATE}"},
        ):
            assert target.post(REPORT, CLOUD_EVENT | headers, EVENTS).status == 401
        for again in (f"X-Client-Name: {CERTIFICATE}", f"X-Proxy-Secret: {PROXY_SECRET}"):
            assert target.status(request(EVENTS, REPORT, proxied, again)) == 401
    without = changed(target.settings.callers, proxy_secrets=())
    with another(target, tmp_path / "log", callers=without) as open_to_all, open_to_all.nothing_written():
        assert open_to_all.post(REPORT, proxied, EVENTS).status == 401
        assert open_to_all.post(REPORT, CLOUD_EVENT | named | {"X-Proxy-Secret": ""}, EVENTS).status == 401


def test_ip_allowlisting(target: Target, tmp_path: Path) -> None:
    """From elsewhere there is nothing, signed or not; a header that anybody can send makes no difference."""
    elsewhere = Sources(Settings(vendor_networks="127.0.0.2/32").vendor_networks)
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


def test_timestamp_is_that_of_receipt_as_none_is_signed(target: Target) -> None:
    """Whatever a header says of a time, the signature is good, as long as the key is, and the event is of now."""
    old = ("Date: Wed, 21 Oct 2015 07:28:00 GMT", "X-Timestamp: 1445412480", "webhook-timestamp: 1445412480")
    with target.writing() as written:
        assert target.status(request(TXPUSH, BODY, txpush(BODY, KEY), *old)) == 200
        assert target.post().status == 200
    dated, plain = (_event(record) for record in written.events)
    assert timedelta(0) <= plain.time - dated.time < timedelta(minutes=1)
    assert dated.data == plain.data


def test_event_id_against_replays(target: Target, tmp_path: Path) -> None:
    """Caught and sent again it is answered 200, has the id of the original, and changes nothing for four days."""
    failing, healed = _undated(185), _undated(0)
    with target.writing() as written:
        assert [target.post(body, txpush(body, KEY)).status for body in (failing, healed, failing)] == [200] * 3
    original, _, replay = events = [_event(record) for record in written.events]
    assert original.id == replay.id == f"{hashlib.sha256(failing).hexdigest()}:0"
    assert _commands(tmp_path, events) == ["issue", "withdraw"]
    late = original.time + timedelta(days=4)
    assert _commands(tmp_path, [*events[:2], replace(replay, time=late)]) == ["issue", "withdraw"]
    later = replace(replay, time=late + timedelta(milliseconds=1))
    assert _commands(tmp_path, [*events[:2], later]) == ["issue", "withdraw", "issue"]


def test_idempotent_and_order_independent_processing(tmp_path: Path) -> None:
    """What arrives again or behind what followed it changes nothing: a failure behind its success opens nothing."""
    failing, healed = _observed("a", 185, "2026-11-01T02:00:00Z"), _observed("b", 0, "2026-11-02T02:00:00Z")
    assert _commands(tmp_path, [healed, failing, healed]) == []
    assert _commands(tmp_path, [failing, failing, healed, failing, healed]) == ["issue", "withdraw"]


def _undated(code: int) -> bytes:
    """Give a notification without any date: nothing but its id can tell it from a new one."""
    record = {"id": "5900000001", "customerId": "7000000042", "institutionId": "102105", "aggregationStatusCode": code}
    records = [record | {"institutionLoginId": "7100000007"}]
    return orjson.dumps({"event": {"class": "account", "type": "modified", "records": records}})


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


def _event(record: Record) -> Event:
    return from_record([*record.headers.items()], record.key, orjson.dumps(record.value), record.timestamp_ms)


def _commands(folder: Path, events: Iterable[Event]) -> list[str]:
    """Give what the agents would do on these events, by `txpush simulate`."""
    file = folder / "log.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(to_structured(event)) for event in events))
    told = CliRunner().invoke(simulate, [str(file)])
    assert told.exit_code == 0, told.output
    return [orjson.loads(line)["data"]["action"] for line in told.stdout.splitlines()]
