"""Measures what checking a signature costs the bridge: the check alone, and a whole request without HTTP and Kafka."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CollectorRegistry

from streams.bridge.app import Bridge
from streams.bridge.checks import SignatureCheck, Signing
from streams.bridge.intake import content_of
from streams.bridge.meters import BridgeMeters
from streams.bridge.settings import BridgeSettings
from streams.clock import WallClock
from streams.kafka.log import LogRecord
from streams.observe.labels import Route, SignatureResult
from streams.observe.metrics import Instruments
from streams.signatures import connect_signature, txpush_key, txpush_signature
from streams.subscriptions.view import KeysOf

PAYLOADS = Path(__file__).parents[2] / "payloads"
HOST, SECRET, KEY, OLD_KEY = "hooks.example.com", "partner-secret", "signing-key" * 23, "former-key" * 25
TOKEN = "bench-token-0123456789"  # noqa: S105 - opens nothing but this bench
SIGNING = Signing(host=HOST, partner_secrets=(SECRET,), sealing_keys=("s" * 32,))
ROUNDS, TIMES = 7, 4000


class Known:
    """Knows the keys of every account: `count` a class."""

    def __init__(self, count: int = 1) -> None:
        keys = tuple(txpush_key(key) for key in (KEY, OLD_KEY)[:count])
        self._keys = KeysOf("7000000042", {"account": keys, "transaction": keys})

    def of(self, account_id: str) -> KeysOf | None:
        """Give them."""
        del account_id
        return self._keys

    def is_current(self) -> bool:
        """Always."""
        return True


class NoLog:
    """Takes records and keeps none."""

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        """Take them."""

    def problems(self) -> list[str]:
        """Has none."""
        return []


def micros(call: Callable[[], object]) -> float:
    """Give the microseconds of CPU of one call: the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES):
            call()
        best = min(best, time.process_time() - began)
    return best / TIMES * 1e6


def check(body: bytes, keys: int = 1) -> float:
    """Measure the check of a TxPUSH body."""
    checker = SignatureCheck(SIGNING, Known(keys), lambda _: None)
    headers, content = txpush_headers(body), content_of(body)
    assert checker.of(Route.TXPUSH, headers, body, content) is SignatureResult.GOOD
    return micros(lambda: checker.of(Route.TXPUSH, headers, body, content))


def check_connect(body: bytes, secrets: int = 1) -> float:
    """Measure the check of a Data Connect body."""
    checker = SignatureCheck(replace(SIGNING, partner_secrets=(SECRET, "former")[:secrets]), Known(), lambda _: None)
    headers, content = [*HEADERS, (b"x-finicity-signature", connect_signature(SECRET, body).encode())], content_of(body)
    assert checker.of(Route.CONNECT, headers, body, content) is SignatureResult.GOOD
    return micros(lambda: checker.of(Route.CONNECT, headers, body, content))


HEADERS = [
    (b"host", HOST.encode()),
    (b"user-agent", b"vendor"),
    (b"content-type", b"application/json"),
    (b"x-b3-traceid", b"463ac35c9f6413ad48485a3953bb6124"),
    (b"x-b3-spanid", b"a2fb4a1d1a96d312"),
    (b"x-b3-sampled", b"1"),
]


def txpush_headers(body: bytes) -> list[tuple[bytes, bytes]]:
    """Give the headers of a notification, as many as the vendor sends."""
    signature = txpush_signature(SIGNING.strategy, KEY, "application/json", HOST, body)
    return [*HEADERS, (b"content-length", str(len(body)).encode()), (b"x-txpush-signature", signature.encode())]


def request(body: bytes, signing: Signing, *, signed: bool) -> float:
    """Measure a whole request to the application, without HTTP and Kafka."""
    meters = BridgeMeters(Instruments("bridge", CollectorRegistry()))
    app = Bridge(BridgeSettings("unused:1", (TOKEN,), signing=signing), NoLog(), WallClock(), meters, Known())
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": f"/{TOKEN}/txpush",
        "query_string": b"",
        "headers": txpush_headers(body) if signed else txpush_headers(body)[:-1],
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        if "status" in message:
            statuses.append(message["status"])

    with asyncio.Runner() as runner:
        best = float("inf")
        for _ in range(ROUNDS):
            best = min(best, runner.run(_many(app, scope, receive, send)))
    assert set(statuses) == {200}
    return best / TIMES * 1e6


async def _many(app: Bridge, scope: Any, receive: Any, send: Any) -> float:  # noqa: ANN401 - as ASGI has it
    began = time.process_time()
    for _ in range(TIMES):
        await app(scope, receive, send)
    return time.process_time() - began


def large(count: int) -> bytes:
    """Give a notification about many accounts of one customer."""
    record = orjson.loads((PAYLOADS / "synthetic-txpush-account-modified-185.json").read_bytes())["event"]["records"][0]
    records = [record | {"id": str(number)} for number in range(count)]
    return orjson.dumps({"event": {"class": "account", "type": "modified", "records": records}})


def main() -> None:
    """Print what each costs."""
    body = orjson.dumps(orjson.loads((PAYLOADS / "synthetic-txpush-account-modified-185.json").read_bytes()))
    done = orjson.dumps(orjson.loads((PAYLOADS / "synthetic-dataconnect-done.json").read_bytes()))
    rows = [
        (f"TxPUSH, one account, {len(body)} bytes", check(body)),
        ("the same, two keys valid", check(body, 2)),
        (f"TxPUSH, 50 accounts, {len(large(50))} bytes", check(large(50))),
        (f"Data Connect, {len(done)} bytes", check_connect(done)),
        ("the same, two secrets valid", check_connect(done, 2)),
        ("a request whose signature is enforced, without HTTP and Kafka", request(body, SIGNING, signed=True)),
        ("the same without a signature, in mode log", request(body, replace(SIGNING, enforce=False), signed=False)),
    ]
    sys.stdout.write("| | CPU µs |\n| --- | --- |\n")
    for name, cost in rows:
        sys.stdout.write(f"| {name} | {cost:.1f} |\n")


if __name__ == "__main__":
    main()
