"""What became of a command, said back: `command.reported`; it changes no decision."""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

import httpx
import orjson

from schemas.cloudevents import to_structured
from schemas.commands import Command, Ticket
from schemas.events import CommandReported, Event, EventType
from streams.clock import Clock, WallClock
from streams.observe.labels import Reported
from streams.subscribe.delivery import Delivery
from streams.subscribe.errors import ReportRefusedError, ReportUndeliveredError
from streams.subscribe.meters import Meters

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/cloudevents+json"
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Waits between attempts; one attempt more than there are waits."""
LONGEST_WAIT_SECONDS = 30.0
"""What a `Retry-After` may ask for."""
AnyDelivery = Delivery[Command] | Delivery[Ticket]


class Reporter(Protocol):
    """Says back what became of commands.

    Report after the acknowledgement: a report that fails must not have the customer contacted again.
    """

    async def report(self, delivery: AnyDelivery, report: str, *, reference: str | None = None) -> None:
        """Say what became of a delivery, in a word of at most 64 characters (`delivered`, `bounced`, `ticket_opened`).

        `reference` is the service's own, such as a ticket number, at most 200 characters, and holds nothing personal.
        The same report twice has the same id, so it counts once.

        Raises:
            ReportRefusedError: sending it again is of no use.
            ReportUndeliveredError: it may be sent again.
            ValueError: the word or the reference does not fit.
        """


class HttpReporter:
    """Posts reports as structured CloudEvents: `POST <url>`, five attempts, within a deadline.

    The receiver is the bridge's `/v1/events`, which has to know the service. Use it as `async with`.

    Args:
        url: the whole address.
        token: the bearer token, not logged; None where `tls` has a client certificate that the receiver goes by.
        source: the CloudEvents source that names the service, such as `/services/mailer`.
        deadline_seconds: the longest that `report` may take, attempts and waits together.
        tls: whom to trust, and with which certificate to show oneself; None trusts the usual authorities.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        source: str,
        *,
        deadline_seconds: float = 15.0,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._url = url
        self._source = source
        self._deadline_seconds = deadline_seconds
        self._clock = clock or WallClock()
        self._meters = meters or Meters()
        headers = {"content-type": CONTENT_TYPE} | ({} if token is None else {"authorization": f"Bearer {token}"})
        self._client = httpx.AsyncClient(headers=headers, timeout=deadline_seconds, verify=True if tls is None else tls)

    async def __aenter__(self) -> Self:
        """Use the connections within a block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close them."""
        await self._client.aclose()

    async def report(self, delivery: AnyDelivery, report: str, *, reference: str | None = None) -> None:
        """As in `Reporter`."""
        event = reported(delivery, report, reference, self._source, self._clock)
        outcome = Reported.UNDELIVERED
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._post(orjson.dumps(to_structured(event)))
            outcome = Reported.DELIVERED
        except TimeoutError:
            raise ReportUndeliveredError(f"{self._url} did not take it in {self._deadline_seconds} s") from None
        except ReportRefusedError:
            outcome = Reported.REFUSED
            raise
        finally:
            self._meters.reported(outcome)

    async def _post(self, body: bytes) -> None:
        why = ""
        for wait in (*BACKOFF_SECONDS, None):
            try:
                response = await self._client.post(self._url, content=body)
            except httpx.TransportError as error:
                why, asked = repr(error), 0.0
            else:
                if response.is_success:
                    return
                why, asked = f"status {response.status_code}", _retry_after(response.headers)
                if not _is_passing(response.status_code):
                    raise ReportRefusedError(f"{self._url} answered with {why}: check address, token and content")
            if wait is not None:
                log.info("%s did not take a report, once more: %s", self._url, why)
                await asyncio.sleep(max(wait, asked))
        raise ReportUndeliveredError(f"{self._url} did not take it in {len(BACKOFF_SECONDS) + 1} attempts: {why}")


def reported(delivery: AnyDelivery, report: str, reference: str | None, source: str, clock: Clock) -> Event:
    """Make the event of a report; its id follows from what it says.

    Raises:
        ValueError: a word or reference that does not fit.
    """
    command = delivery.command
    customer = command.customer_id if isinstance(command, Command) else None
    data = CommandReported(command_id=command.command_id, report=report, customer_id=customer, reference=reference)
    said = "\n".join((source, delivery.id, report, reference or ""))
    return Event(
        id=hashlib.sha256(said.encode()).hexdigest(),
        type=EventType.COMMAND_REPORTED,
        source=source,
        time=clock.now(),
        data=data,
        subject=f"commands/{command.command_id}",
        partition_key=customer,
    )


def _is_passing(status: int) -> bool:
    """Tell whether the same request may be taken later."""
    return status >= httpx.codes.INTERNAL_SERVER_ERROR or status in {
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_EARLY,
        httpx.codes.TOO_MANY_REQUESTS,
    }


def _retry_after(headers: Mapping[str, str]) -> float:
    """Read the seconds of a `Retry-After`; 0 without one, or where it is a date."""
    text = headers.get("retry-after", "")
    return min(float(text), LONGEST_WAIT_SECONDS) if text.isascii() and text.isdigit() else 0.0
