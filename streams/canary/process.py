"""One canary process: rounds, the topic where they come out, and the admin port, until SIGTERM."""

import asyncio
import logging
import math
from dataclasses import dataclass, field
from functools import partial

import httpx
import uvloop

from schemas.canary import CANARY_TOPIC
from streams.canary.meters import CanaryMeters
from streams.canary.rounds import ANSWER_SECONDS, Rounds, customers_of
from streams.exits import EXIT_OTHERWISE, bound_shutdown, in_order, stopping_at_signals
from streams.kafka.access import Access, Bootstrap
from streams.kafka.refusals import keep_to_words
from streams.kafka.view import TopicView
from streams.observe.admin import AdminServer
from streams.observe.metrics import Instruments
from streams.observe.process import process_registry
from streams.ports import PortError, refuse_port
from streams.settings import Settings, SettingsError

log = logging.getLogger(__name__)

EVENT = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """Where canaries go in and come out.

    Attributes:
        url: the bridge, or what stands before it.
        token: of the caller that may send `canary.sent`, see the callers' file.
    """

    url: str
    token: str = field(repr=False)
    cluster: Bootstrap
    partitions: int
    admin_host: str
    admin_port: int
    shutdown_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "CanarySettings":
        """Take them; raises SettingsError where the token is missing."""
        if settings.canary_token is None:
            raise SettingsError(
                "TXPUSH_CANARY_TOKEN is missing: that of a caller which may send canary.sent, see TXPUSH_CALLERS_FILE"
            )
        return cls(
            settings.canary_url,
            settings.canary_token.get_secret_value(),
            Access.of(settings),
            settings.partitions,
            settings.admin_host,
            settings.admin_port,
            settings.shutdown_seconds,
        )


def run_process(settings: CanarySettings) -> int:
    """Run until a signal comes; give the exit code of `serve`, or 70 where the end took too long."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))


async def serve(settings: CanarySettings) -> int:
    """Send canaries until a signal comes; give the exit code: 0 orderly, 1 a part failed, 2 its port is taken."""
    keep_to_words()  # ten lines a second in an outage; ours say it once
    stopping = stopping_at_signals(settings.shutdown_seconds)
    async with _bridge(settings) as client:
        canary = _Process(settings, client)
        try:
            await canary.start()
        except PortError as error:
            return refuse_port("the canary", error)
        is_failed = await _ended_by_itself(canary.rounds, stopping)
        if is_failed:
            bound_shutdown(settings.shutdown_seconds)
        await canary.stop()
    return EXIT_OTHERWISE if is_failed else in_order()


def _bridge(settings: CanarySettings) -> httpx.AsyncClient:
    """Give the way to the bridge, under the name of our caller."""
    headers = {"authorization": f"Bearer {settings.token}", "content-type": EVENT}
    return httpx.AsyncClient(base_url=settings.url, headers=headers, timeout=ANSWER_SECONDS)


class _Process:
    """Everything that lives as long as the process, but the rounds' task."""

    def __init__(self, settings: CanarySettings, bridge: httpx.AsyncClient) -> None:
        registry = process_registry()
        meters = CanaryMeters(Instruments("canary", registry))
        self.rounds = Rounds(customers_of(settings.partitions), partial(_post, bridge), meters, self._has_read)
        self._view = TopicView(settings.cluster, [CANARY_TOPIC], self.rounds.hear, client_id="txpush-canary")
        self._admin = AdminServer(settings.admin_host, settings.admin_port, registry, self.problems)

    def _has_read(self) -> bool:
        return math.isfinite(self._view.lag_seconds())

    def problems(self) -> list[str]:
        """Say of what nobody hears, and why."""
        return [*self._view.problems(), *self.rounds.late()]

    async def start(self) -> None:
        """Listen on the admin port and follow the topic; raises PortError where the port is taken."""
        await self._admin.start()
        log.info("admin port: http://%s/metrics", self._admin.endpoint)
        await self._view.start()

    async def stop(self) -> None:
        """Let go of both."""
        await self._view.stop()
        await self._admin.stop()


async def _ended_by_itself(rounds: Rounds, stopping: asyncio.Event) -> bool:
    """Send rounds until a signal comes; tell whether they ended before, which is a fault."""
    sending, waiter = asyncio.create_task(rounds.run()), asyncio.create_task(stopping.wait())
    await asyncio.wait([sending, waiter], return_when=asyncio.FIRST_COMPLETED)
    is_over = sending.done()
    if is_over:
        log.critical("canaries are not sent any more; start it again", exc_info=sending.exception())
    for task in (sending, waiter):
        task.cancel()
    return is_over


async def _post(client: httpx.AsyncClient, event: bytes) -> int:
    """Send an event to the bridge; raises OSError where no answer comes."""
    try:
        return (await client.post("/v1/events", content=event)).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ExceptionGroup) as error:  # the last of a port that there cannot be
        raise OSError(str(error) or type(error).__name__) from error
