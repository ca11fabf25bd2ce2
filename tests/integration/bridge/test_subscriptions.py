"""Subscribed by the command, signed by the vendor, checked by the bridge, forgotten for good; on a real Kafka."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.cloudevents import from_record
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, EVENTS, SUBSCRIPTIONS
from streams.signatures import Strategy, txpush_signature
from streams.subscribe import HttpReporter, ReportRefusedError
from tests.integration.subscribe.test_subscribe_report import a_delivery
from tests.processes import CLI, Program, free_port, run, running, settings_for, started

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SECONDS = 30.0
PATH_TOKEN = "planted-path-token-0000"  # noqa: S105 - of this test alone
SEALING_KEY = "planted-sealing-key-00000000000000000"
MAILER_TOKEN = "planted-mailer-token-0000"  # noqa: S105 - as above
CUSTOMER = "7000000042"
SIGNED = ["--by", "ann", "--reason", "asked for it"]


@dataclass
class StandIn:
    """The vendor, as far as subscriptions go: it checks the callback, and hands out a key a class and call."""

    url: str = ""
    live: dict[str, dict[str, str]] = field(default_factory=dict)
    verified: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer every call that is made here."""
        if request.path.endswith("/partners/authentication"):
            return web.json_response({"token": "planted-token"})
        account = request.path.split("/accounts/")[-1].partition("/")[0]
        if request.method == "DELETE":
            self.ended.append(request.path.rpartition("/")[2] if "/subscriptions/" in request.path else account)
            self.live.pop(account, None)
            return web.Response(status=204)
        callback = (await request.json())["callbackUrl"]
        code = secrets.token_hex(8)
        async with httpx.AsyncClient() as client:
            echoed = await client.get(callback, params={"txpush_verification_code": code})
        self.verified.append(echoed.text if echoed.text == code else "")
        keys = {name: f"planted-key-{name}-{secrets.token_hex(100)}" for name in ("account", "transaction")}
        self.live[account] = keys
        common = {"accountId": int(account), "callbackUrl": callback}
        listed = [
            {"id": secrets.randbelow(10**8), "type": name, "signingKey": key, **common} for name, key in keys.items()
        ]
        return web.json_response({"subscriptions": listed}, status=201)


@pytest.fixture
async def vendor() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stand_in.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield stand_in
    await runner.cleanup()


@dataclass
class Place:
    """A broker, a bridge that enforces signatures, and what every process is told."""

    bootstrap: str
    settings: dict[str, str]
    bridge: Program

    @property
    def host(self) -> str:
        """What the vendor calls: part of signatures."""
        return f"127.0.0.1:{self.bridge.settings['TXPUSH_BRIDGE_PORT']}"

    async def run(self, *words: str, **changed: str | None) -> tuple[int, str]:
        """Run a command to its end, with settings changed or taken away; give its exit code and all that it said."""
        settings = {name: value for name, value in (self.settings | changed).items() if value is not None}
        done = await asyncio.to_thread(run, (*CLI, *words), settings, SECONDS)
        return done.returncode, done.stderr + done.stdout

    async def notify(self, body: bytes, key: str | None) -> int:
        """Send a notification, signed as the vendor would; give the status."""
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["x-txpush-signature"] = txpush_signature(
                Strategy.NEWLINE_BASE64, key, headers["content-type"], self.host, body
            )
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(f"http://{self.host}/{PATH_TOKEN}/txpush", content=body, headers=headers)
        return answer.status_code

    async def until(self, body: bytes, key: str, status: int) -> None:
        """Send a notification again and again until it is answered so: the bridge follows the topic at its own pace."""
        async with asyncio.timeout(SECONDS):
            while await self.notify(body, key) != status:  # noqa: ASYNC110 - nobody else would tell
                await asyncio.sleep(0.05)

    async def records(self, topic: str) -> list[Any]:
        """Read a topic to its present end."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, isolation_level="read_committed")
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in range(EMBEDDED.partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends = await consumer.end_offsets(places)
            found: list[Any] = []
            async with asyncio.timeout(SECONDS):
                while left := [place for place in places if await consumer.position(place) < ends[place]]:
                    for records in (await consumer.getmany(*left, timeout_ms=200)).values():
                        found += records
            return found
        finally:
            await consumer.stop()

    def said(self) -> str:
        """Give all that the bridge said, and all that it shows."""
        status, metrics = self.bridge.ask("metrics")
        assert status == httpx.codes.OK
        return self.bridge.said() + metrics


@pytest.fixture(scope="module")
def place(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Broker and bridge."""
    folder, port = tmp_path_factory.mktemp("subscriptions"), str(free_port())
    callers = folder / "callers.toml"
    digest = hashlib.sha256(MAILER_TOKEN.encode()).hexdigest()
    callers.write_text(f'[mailer]\ntypes = ["command.reported"]\ntoken_sha256 = ["{digest}"]\n')
    settings = settings_for(
        broker.bootstrap,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        CALLBACK_TOKENS=PATH_TOKEN,
        SEALING_KEYS=SEALING_KEY,
        SIGNATURE_STRATEGY="newline-base64",
        APP_KEY="planted-app-key",
        PARTNER_ID="1445585709680",
        PARTNER_SECRETS="planted-partner-secret",
    )
    of_bridge = {"TXPUSH_BRIDGE_PORT": port, "TXPUSH_CALLERS_FILE": str(callers)}
    bridge = Program((*CLI, "bridge"), settings | of_bridge, folder / "bridge.log")
    with running(bridge):
        yield Place(broker.bootstrap, settings, bridge)


def about(account: str, code: int = 185) -> bytes:
    """Give a notification about an account."""
    records = [{"id": account, "customerId": CUSTOMER, "aggregationStatusCode": code, "name": "planted-name"}]
    return json.dumps({"event": {"class": "account", "type": "modified", "records": records}}).encode()


async def test_from_subscribing_to_forgetting(place: Place, vendor: StandIn) -> None:
    """Keys are known within seconds, both while one is replaced, and none after the customer is forgotten."""
    account, other, to_vendor = "5900000001", "5900000002", {"TXPUSH_VENDOR_URL": vendor.url}
    assert await place.notify(about(account), "anything") == 401

    done, said = await place.run("subscribe", CUSTOMER, account, **to_vendor)
    assert (done, said) == (0, "1 subscribed\n")
    assert vendor.verified[0]
    first = vendor.live[account]["account"]
    await place.until(about(account), first, 200)
    assert await place.notify(about(account, 103), None) == 401
    assert await place.notify(about(account, 103), vendor.live[account]["transaction"]) == 401

    assert (await place.run("subscribe", CUSTOMER, account, "--renew", **to_vendor))[0] == 0
    second = vendor.live[account]["account"]
    await place.until(about(account), second, 200)
    assert await place.notify(about(account, 108), first) == 200
    assert len([one for one in vendor.ended if one != account]) == 2

    assert (await place.run("subscribe", CUSTOMER, other, **to_vendor))[0] == 0
    await place.until(about(other), vendor.live[other]["account"], 200)
    assert (await place.run("unsubscribe", CUSTOMER, account, **to_vendor))[1] == "1 unsubscribed\n"
    await place.until(about(account), second, 401)

    done, said = await place.run("forget", CUSTOMER, "--yes", *SIGNED, **to_vendor)
    assert (done, said.splitlines()[-1]) == (0, "1 subscriptions ended")
    assert vendor.live == {}
    last = {record.key: record.value for record in await place.records(SUBSCRIPTIONS)}
    assert set(last.values()) == {None}

    kept = [record.value or b"" for topic in (EVENTS, SUBSCRIPTIONS) for record in await place.records(topic)]
    assert b"planted" not in b"".join(kept)
    assert "planted" not in place.said() + said


@pytest.mark.slow
async def test_forgetting_without_the_vendor_leaves_what_it_has(place: Place, vendor: StandIn) -> None:
    """The customer is forgotten, exit 1 says that subscriptions are left, and the next run ends them."""
    account = "5900000003"
    assert (await place.run("subscribe", CUSTOMER, account, TXPUSH_VENDOR_URL=vendor.url))[0] == 0
    done, said = await place.run("forget", CUSTOMER, "--yes", *SIGNED, TXPUSH_APP_KEY=None)
    assert (done, "TXPUSH_APP_KEY" in said) == (1, True), said
    assert (await place.run("forget", CUSTOMER, "--yes", *SIGNED, TXPUSH_VENDOR_URL=vendor.url))[0] == 0
    assert vendor.live == {}


async def test_a_service_reports(place: Place) -> None:
    """The reporter of the kit is let in with its token, and what it says is in the log once it has its answer."""
    delivery = await a_delivery()
    url = f"http://{place.host}/v1/events"
    async with HttpReporter(url, MAILER_TOKEN, "/services/mailer") as reporter:
        await reporter.report(delivery, "delivered", reference="message-1")
    stored = [from_record(one.headers, one.key, one.value, one.timestamp) for one in await place.records(EVENTS)]
    (event,) = [one for one in stored if one.type == "command.reported"]
    assert (event.subject, event.partition_key) == (f"commands/{delivery.command.command_id}", CUSTOMER)
    async with HttpReporter(url, "wrong-token", "/services/mailer") as reporter:
        with pytest.raises(ReportRefusedError, match="status 401"):
            await reporter.report(delivery, "delivered")
    assert "planted" not in place.said()


async def test_a_wrong_sealing_key_is_no_reason_to_refuse(place: Place, vendor: StandIn, tmp_path: Path) -> None:
    """A bridge that can open no record says so in its readiness, and calls nobody a stranger: 503, not 401."""
    account = "5900000004"
    assert (await place.run("subscribe", CUSTOMER, account, TXPUSH_VENDOR_URL=vendor.url))[0] == 0
    changed = {
        "TXPUSH_BRIDGE_PORT": str(free_port()),
        "TXPUSH_SEALING_KEYS": "another-sealing-key-000000000000000",
    }
    bridge = Program((*CLI, "bridge"), place.settings | changed, tmp_path / "bridge.log")
    with started(bridge):
        refuses = "none of TXPUSH_SEALING_KEYS opens it"
        await asyncio.to_thread(bridge.until, lambda: refuses in bridge.page("readyz"), seconds=SECONDS)
        other = Place(place.bootstrap, place.settings, bridge)
        assert await other.notify(about(account), vendor.live[account]["account"]) == 503
        assert await asyncio.to_thread(bridge.stop) == 0, bridge.said()
