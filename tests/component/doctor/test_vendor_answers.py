"""The vendor over a real socket: whether it answers, and its time, with nothing of ours shown to it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme
from aiohttp import web

from schemas.contract.channels import Component
from streams.doctor.checks import clock, vendor
from streams.doctor.findings import Finding, Status
from streams.doctor.scope import Scope
from streams.settings import Settings

SECRETS = {"app_key": "canary-key", "partner_id": "canary-partner", "partner_secrets": "canary-secret"}


class Vendor:
    """Whoever stands at the vendor's address: answers as the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 404
        self.ahead = timedelta()
        self.date: str | None = None
        self.asked: list[tuple[str, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path, str(sorted(request.headers.items())) + await request.text()))
        date = self.date or format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return web.Response(status=self.status, headers={"date": date})


@pytest.fixture
async def stand() -> AsyncIterator[Vendor]:
    """Give one that listens."""
    made, application = Vendor(), web.Application()
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def scope(url: str) -> Scope:
    return Scope(Settings(vendor_url=url, **SECRETS), frozenset({Component.EXECUTOR}))  # type: ignore[arg-type]


async def only(scope: Scope) -> Finding:
    """Give the one finding about the vendor's address."""
    (finding,) = await vendor.reachable(scope)
    return finding


async def test_any_answer_will_do_and_nothing_of_ours_is_shown(stand: Vendor) -> None:
    """One call to the root, without a key, a secret or a token, on which no attempt can be spent."""
    finding = await only(scope(stand.url))
    assert (finding.status, "answers (HTTP 404" in finding.what) == (Status.OK, True)
    ((method, path, said),) = stand.asked
    assert (method, path, "canary" in said, "finicity" in said.lower()) == ("GET", "/", False, False)


async def test_a_vendor_in_trouble_is_a_warning(stand: Vendor) -> None:
    """It is not ours to mend."""
    stand.status = 503
    assert (await only(scope(stand.url))).status is Status.WARNING


async def test_nobody_there_is_wrong() -> None:
    """The setting is named, and why no connection was made."""
    finding = await only(scope("http://127.0.0.1:1"))
    assert (finding.status, "http://127.0.0.1:1" in finding.what) == (Status.WRONG, True)
    assert "TXPUSH_VENDOR_URL" in finding.remedy


async def test_a_silent_one_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes the connection and says nothing."""
    monkeypatch.setattr(vendor, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with asyncio.timeout(10):
            finding = await only(scope(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert (finding.status, "nobody answers" in finding.what) == (Status.WRONG, True)


async def test_a_certificate_of_nobody_is_told() -> None:
    """TLS that the system does not trust is no vendor."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    finding = await only(scope(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    server.close()
    assert (finding.status, "CERTIFICATE_VERIFY_FAILED" in finding.what) == (Status.WRONG, True), finding


@pytest.mark.parametrize(
    ("ahead", "status", "words"),
    [
        (0, Status.OK, "within"),
        (20, Status.WARNING, "behind"),
        (-20, Status.WARNING, "ahead of"),
        (600, Status.WRONG, "behind"),
    ],
)
async def test_its_time_judges_our_clock(
    stand: Vendor, monkeypatch: pytest.MonkeyPatch, ahead: int, status: Status, words: str
) -> None:
    """Both directions are told, which no record of Kafka's does."""
    monkeypatch.setattr(clock, "_latest_ahead", _none)
    stand.ahead = timedelta(seconds=ahead)
    (finding,) = await clock.look(scope(stand.url))
    assert (finding.status, words in finding.what) == (status, True), finding


async def _none(_scope: Scope) -> None:
    return None


async def test_a_date_that_is_none_judges_nothing(stand: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy may write anything."""
    monkeypatch.setattr(clock, "_latest_ahead", _none)
    stand.date = "yesterday"
    (finding,) = await clock.look(scope(stand.url))
    assert (finding.status, "no broker tells" in finding.what) == (Status.OK, True)


async def test_a_record_of_the_future_judges_our_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a vendor that answers there are the records of others."""

    async def ahead(_scope: Scope) -> float:
        return 70.0

    monkeypatch.setattr(clock, "_latest_ahead", ahead)
    (finding,) = await clock.look(scope("http://127.0.0.1:1"))
    assert (finding.status, "70 s behind the latest record" in finding.what) == (Status.WRONG, True)


async def test_where_nobody_calls_it_it_is_not_called(stand: Vendor) -> None:
    """A bridge's machine may have no way out, and needs none."""
    settings = Settings(vendor_url=stand.url)
    (finding,) = await vendor.reachable(Scope(settings))
    assert (finding.status, stand.asked) == (Status.LEFT_OUT, [])
    (finding,) = await vendor.credentials(Scope(settings))
    assert (finding.status, "TXPUSH_APP_KEY" in finding.what) == (Status.LEFT_OUT, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://[::1"])
async def test_an_address_that_there_cannot_be(url: str) -> None:
    """A setting that passes for an address and is none is the setting's fault, not ours."""
    finding = await only(scope(url))
    assert (finding.status, "TXPUSH_VENDOR_URL" in finding.remedy) == (Status.WRONG, True)
