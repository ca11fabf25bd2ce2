"""One bridge process: HTTP, log and admin port in one event loop, and an orderly end within its time."""

import asyncio
import logging
import time

import uvloop

from streams.bridge.app import Bridge
from streams.bridge.meters import BridgeMeters
from streams.bridge.settings import BridgeSettings
from streams.clock import Clock
from streams.exits import EXIT_OTHERWISE, bound_shutdown, in_order, stopping_at_signals
from streams.kafka.producer import LogProducer, ProducerSettings
from streams.kafka.refusals import keep_to_words
from streams.observe import metrics
from streams.observe.admin import AdminServer
from streams.observe.process import moment, process_registry
from streams.ports import BRIDGE, Endpoint, PortError, free_endpoint, refuse_port
from streams.serving import http_server
from streams.subscriptions.sealing import Sealing
from streams.subscriptions.view import KeyView

log = logging.getLogger(__name__)

BACKLOG = 2048
FLUSH_SHARE = 0.2
"""Part of the shutdown time that is kept for the last flush; answers have the rest."""


def run_process(settings: BridgeSettings, clock: Clock) -> int:
    """Serve until SIGTERM or SIGINT; give the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings, clock))


async def serve(settings: BridgeSettings, clock: Clock) -> int:
    """Listen at once, with or without Kafka, and serve until a signal comes or the server ends by itself."""
    keep_to_words()  # ten lines a second in an outage; LogProducer says it once
    stopping = stopping_at_signals(settings.shutdown_seconds)
    try:
        if settings.workers == 1:  # of several their parent has looked
            settings = settings.at(await free_endpoint(settings.host, settings.port, BRIDGE))
        process = _Process(settings, clock)
        serving = await process.start()
    except PortError as error:
        return refuse_port("the bridge", error)
    waiter = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiter, serving], return_when=asyncio.FIRST_COMPLETED)
    ended_by_itself = not stopping.is_set()
    waiter.cancel()
    if ended_by_itself:
        bound_shutdown(settings.shutdown_seconds)
    await process.stop(serving)
    return EXIT_OTHERWISE if ended_by_itself else in_order()


class _Process:
    """The parts of a running bridge."""

    def __init__(self, settings: BridgeSettings, clock: Clock) -> None:
        registry = process_registry()
        instruments = metrics.Instruments("bridge", registry)
        meters = BridgeMeters(instruments)
        self._settings = settings
        self._stopping = False
        self._log = LogProducer(_producer_settings(settings), meters.rebuilds.inc)
        self._admin = AdminServer(settings.admin_host, settings.admin_port, registry, self.problems)
        self._keys = _key_view(settings)
        self._app = Bridge(settings, self._log, clock, meters, self._keys)
        self._server = http_server(
            self._app,
            settings.host,
            settings.port,
            max_connections=settings.max_connections,
            backlog=BACKLOG,
            header_seconds=settings.header_seconds,
        )
        instruments.watch(metrics.BRIDGE_IN_FLIGHT, lambda: self._log.in_flight)
        instruments.watch(metrics.BRIDGE_LOG_UP, lambda: not self._log.problems())
        if self._keys is None:
            instruments.watch(metrics.BRIDGE_KEYS_KNOWN, time.time)
        else:
            _watch_keys(instruments, self._keys)

    def problems(self) -> list[str]:
        """Say why requests should go elsewhere."""
        if self._stopping:
            return ["the bridge is shutting down; wait for its end, then start it again if that was not meant"]
        problems = self._log.problems()
        if self._settings.signing.enforce and self._keys is not None:
            problems += self._keys.problems()
        return problems

    async def start(self) -> asyncio.Task[None]:
        """Listen; the task that is given ends with the HTTP server. Raises PortError where the admin port is taken."""
        await self._admin.start()
        await self._log.start()
        if self._keys is not None:
            await self._keys.start()
        serving = asyncio.create_task(self._server.serve())
        log.info("admin port: http://%s/metrics", self._admin.endpoint)
        how = "what is not signed is refused" if self._settings.signing.enforce else "unsigned notifications are taken"
        log.info("listening on http://%s; %s", Endpoint(self._settings.host, self._settings.port), how)
        return serving

    async def stop(self, serving: asyncio.Task[None]) -> None:
        """Take no new connection, answer what is in flight, flush, close."""
        self._stopping = True
        self._server.stop()  # type: ignore[no-untyped-call]
        share = self._settings.shutdown_seconds * FLUSH_SHARE
        await asyncio.wait([serving], timeout=self._settings.shutdown_seconds - 2 * share)
        if serving.done() and (error := serving.exception()) is not None:
            log.error("the HTTP server on %s:%s failed: %r", self._settings.host, self._settings.port, error)
        self._app.close()
        keys = () if self._keys is None else (self._keys.stop(share),)
        await asyncio.gather(self._log.stop(share), *keys)
        await self._admin.stop()


def _producer_settings(settings: BridgeSettings) -> ProducerSettings:
    return ProducerSettings(
        bootstrap=settings.bootstrap,
        topics=(settings.events_topic, settings.dead_letter_topic),
        client_id="txpush-bridge",
        stall_seconds=settings.ack_deadline_seconds,
        rebuild_after_seconds=settings.rebuild_after_seconds,
        max_in_flight=settings.max_in_flight,
        layout=settings.layout,
    )


def _key_view(settings: BridgeSettings) -> KeyView | None:
    """Give the view of the signing keys, where something could open them."""
    keys = settings.signing.sealing_keys
    return KeyView(settings.bootstrap, Sealing(keys), settings.subscriptions_topic) if keys else None


def _watch_keys(instruments: metrics.Instruments, view: KeyView) -> None:
    instruments.watch(metrics.BRIDGE_KEYS, lambda: len(view.keys))
    instruments.watch(metrics.BRIDGE_KEYS_UNREADABLE, lambda: view.keys.unopened)
    instruments.watch(metrics.BRIDGE_KEYS_KNOWN, lambda: moment(view.lag_seconds()))
