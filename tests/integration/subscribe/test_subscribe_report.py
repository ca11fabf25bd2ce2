"""Reports over HTTP: what is posted, what is sent again, and when it is given up; on a real local server."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from schemas.cloudevents import read_data
from schemas.events import CommandReported
from streams.subscribe import (
    Delivery,
    HttpReporter,
    MemoryStore,
    Meters,
    Options,
    ReportRefusedError,
    ReportUndeliveredError,
    Ticket,
)
from streams.subscribe import report as report_module
from streams.subscribe.testing import (
    START,
    CommandStory,
    MemoryLog,
    RecordingReporter,
    SettableClock,
    TicketStory,
    commands,
    tickets,
)

TOKEN = "report-test-token"  # noqa: S105 - a token of this test alone
Answer = Callable[[], web.Response]


class Receiver:
    """An endpoint that answers as told, the last answer for good."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[Any, str | None, str | None]] = []

    async def take(self, request: web.Request) -> web.Response:
        """Keep the request and answer."""
        event = json.loads(await request.read())
        self.requests.append((event, request.headers.get("authorization"), request.headers.get("content-type")))
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()


def status(number: int, **headers: str) -> Answer:
    """Answer with a status."""
    return lambda: web.Response(status=number, headers=headers)


@asynccontextmanager
async def reporting(
    receiver: Receiver,
    token: str | None = TOKEN,
    **options: Any,  # noqa: ANN401 - any option of the reporter
) -> AsyncIterator[tuple[HttpReporter, Meters]]:
    """Run the receiver and a reporter that posts to it."""
    application = web.Application()
    application.router.add_post("/v1/events", receiver.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port, meters = runner.addresses[0][1], Meters()
    url = f"http://127.0.0.1:{port}/v1/events"
    try:
        reporter = HttpReporter(
            url,
            token,
            "/services/mailer",
            clock=SettableClock(),
            meters=meters,
            **options,
        )
        async with reporter:
            yield reporter, meters
    finally:
        await runner.cleanup()


async def a_delivery() -> Delivery[Any]:
    """Give a delivery of a customer's command."""
    log = MemoryLog()
    log.put(CommandStory("7000000042").issue(), at=START)
    async with commands(log, MemoryStore(), Options(group="mailer")) as subscription:
        return await anext(subscription)


async def a_ticket() -> Delivery[Ticket]:
    """Give a delivery of a ticket."""
    log = MemoryLog()
    log.put(TicketStory().issue(), at=START)
    async with tickets(log, MemoryStore(), Options(group="tickets")) as subscription:
        return await anext(subscription)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "BACKOFF_SECONDS", (0.0,) * len(report_module.BACKOFF_SECONDS))


async def test_a_report_is_a_cloud_event() -> None:
    """Structured mode, with the token, and data that the inbound log takes."""
    receiver, delivery = Receiver(status(200)), await a_delivery()
    async with reporting(receiver) as (reporter, meters):
        await reporter.report(delivery, "delivered", reference="message-1")
        await reporter.report(delivery, "delivered", reference="message-1")
        await reporter.report(delivery, "bounced")
    (event, authorization, content_type), (again, _, _), (other, _, _) = receiver.requests
    assert (authorization, content_type) == (f"Bearer {TOKEN}", "application/cloudevents+json")
    assert event["id"] == again["id"] != other["id"]
    assert (event["type"], event["source"], event["time"]) == (
        "command.reported",
        "/services/mailer",
        "2026-11-01T03:00:00Z",
    )
    assert event["partitionkey"] == "7000000042"
    data = read_data("command.reported", json.dumps(event["data"]).encode())
    assert data == CommandReported(
        command_id=delivery.command.command_id,
        report="delivered",
        customer_id="7000000042",
        reference="message-1",
    )
    assert meters.registry.get_sample_value("txpush_subscribe_reports_total", {"outcome": "delivered"}) == 3


async def test_a_report_on_a_ticket_names_no_customer() -> None:
    """A ticket is about an institution."""
    receiver, delivery = Receiver(status(202)), await a_ticket()
    async with reporting(receiver) as (reporter, _):
        await reporter.report(delivery, "ticket_opened", reference="CASE-7")
    event = receiver.requests[0][0]
    assert event["data"] == {
        "command_id": delivery.command.command_id,
        "report": "ticket_opened",
        "reference": "CASE-7",
    }
    assert "partitionkey" not in event


@pytest.mark.usefixtures("_quick")
async def test_what_may_pass_is_sent_again() -> None:
    """503, 429 and a connection that breaks are tried again, with the same id."""

    def broken() -> web.Response:
        raise ConnectionResetError

    receiver = Receiver(status(503), status(429, **{"Retry-After": "0"}), broken, status(200))
    async with reporting(receiver) as (reporter, _):
        await reporter.report(await a_delivery(), "delivered")
    assert len(receiver.requests) == 4
    assert len({event["id"] for event, _, _ in receiver.requests}) == 1


@pytest.mark.usefixtures("_quick")
async def test_it_is_given_up_after_five_attempts() -> None:
    """A receiver that stays away costs five attempts and an error that says so."""
    receiver = Receiver(status(503))
    async with reporting(receiver) as (reporter, meters):
        with pytest.raises(ReportUndeliveredError, match="in 5 attempts: status 503"):
            await reporter.report(await a_delivery(), "delivered")
    assert len(receiver.requests) == 5
    assert meters.registry.get_sample_value("txpush_subscribe_reports_total", {"outcome": "undelivered"}) == 1


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("7", [7.0]), ("3600", [30.0]), ("0", [0.2]), ("Sun, 01 Nov 2026 03:00:00 GMT", [0.2])],
)
async def test_it_waits_as_it_is_asked(asked: str, waited: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A `Retry-After` longer than its own pause is kept to, up to half a minute; a date is none."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    receiver = Receiver(status(503, **{"Retry-After": asked}), status(200))
    delivery = await a_delivery()
    async with reporting(receiver) as (reporter, _):
        monkeypatch.setattr(report_module, "asyncio", SimpleNamespace(sleep=sleep, timeout=asyncio.timeout))
        await reporter.report(delivery, "delivered")
    assert (waits, len(receiver.requests)) == (waited, 2)


async def test_the_deadline_holds() -> None:
    """However long the receiver asks to wait, `report` ends in its time."""
    receiver = Receiver(status(503, **{"Retry-After": "3600"}))
    async with reporting(receiver, deadline_seconds=0.2) as (reporter, _):
        with pytest.raises(ReportUndeliveredError, match=r"in 0\.2 s"):
            await asyncio.wait_for(reporter.report(await a_delivery(), "delivered"), 5)
    assert len(receiver.requests) == 1


async def test_a_refusal_is_not_sent_again() -> None:
    """401 stays 401: it is said at once, without the token."""
    receiver = Receiver(status(401))
    async with reporting(receiver) as (reporter, meters):
        with pytest.raises(ReportRefusedError, match="status 401") as refused:
            await reporter.report(await a_delivery(), "delivered")
    assert TOKEN not in str(refused.value)
    assert len(receiver.requests) == 1
    assert meters.registry.get_sample_value("txpush_subscribe_reports_total", {"outcome": "refused"}) == 1


async def test_without_a_token() -> None:
    """A service that is known by its certificate sends no token; whom it trusts is its own affair."""
    receiver = Receiver(status(200))
    async with reporting(receiver, token=None, tls=ssl.create_default_context()) as (reporter, _):
        await reporter.report(await a_delivery(), "delivered")
    assert [authorization for _, authorization, _ in receiver.requests] == [None]


async def test_nobody_listens() -> None:
    """Without a receiver it is an undelivered report, no other error."""
    reporter = HttpReporter("http://127.0.0.1:1/v1/events", TOKEN, "/services/mailer", deadline_seconds=0.1)
    async with reporter:
        with pytest.raises(ReportUndeliveredError):
            await reporter.report(await a_delivery(), "delivered")


async def test_the_twin_keeps_reports_and_refuses_what_the_real_one_would() -> None:
    """A word too long fails in the user's test already."""
    reporter, delivery = RecordingReporter(), await a_delivery()
    await reporter.report(delivery, "delivered", reference="message-1")
    assert reporter.reports == [(delivery.id, "delivered", "message-1")]
    with pytest.raises(ValueError, match="report"):
        await reporter.report(delivery, "x" * 65)
