"""One executor process: customers' pages, look-ups and admin port in one event loop, and an orderly end in its time."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import uvloop
from granian.server.embed import Server

from streams.clock import Clock
from streams.executor.fixing.limits import Limits
from streams.executor.fixing.rechecks import Rechecks
from streams.executor.fixing.sessions import Sessions
from streams.executor.fixing.standing import Commands
from streams.executor.lookups.answer import Answerer
from streams.executor.lookups.attempts import Attempts
from streams.executor.lookups.letters import Letters
from streams.executor.lookups.reader import LookupReader
from streams.executor.meters import ExecutorMeters
from streams.executor.pages.app import FixPages, Parts
from streams.executor.settings import ExecutorSettings
from streams.exits import EXIT_OTHERWISE, bound_shutdown, in_order, stopping_at_signals
from streams.kafka.access import access_to
from streams.kafka.producer import LogProducer, ProducerSettings
from streams.kafka.refusals import keep_to_words
from streams.kafka.topics import DEAD_LETTER, EVENTS, EXECUTORS, LINKED, LOOKUP
from streams.kafka.view import TopicView
from streams.member import end_replaced
from streams.observe import metrics
from streams.observe.admin import AdminServer
from streams.observe.parts import executor
from streams.observe.process import moment, process_registry
from streams.ports import EXECUTOR, Endpoint, PortError, free_endpoint, refuse_port
from streams.serving import http_server
from streams.subscribe.options import Options
from streams.subscribe.sources.kafka import KafkaSource
from streams.vendor import KafkaGate, Vendor, VendorMeters, VendorSettings

log = logging.getLogger(__name__)

GROUP = EXECUTORS
LINKED_TOPICS = LINKED
"""What links lead to."""
WRITTEN_TOPICS = (EVENTS, DEAD_LETTER)
BACKLOG = 512
STOP_SHARE = 0.2
"""Part of the shutdown time for each of the last steps; answers under way have the rest."""
MAX_LAG_SECONDS = 30.0
"""Without having read all commands for so long a click is not led on, and the executor is not ready."""


def run_process(settings: ExecutorSettings, vendor: VendorSettings, clock: Clock) -> int:
    """Serve until SIGTERM or SIGINT; give the exit code.

    0 orderly, 1 a part failed, 2 a port is taken, 70 the end took too long.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings, vendor, clock))


async def serve(settings: ExecutorSettings, vendor: VendorSettings, clock: Clock) -> int:
    """Listen at once, with or without Kafka and the vendor, until a signal comes or a part ends by itself."""
    keep_to_words()  # ten lines a second in an outage; ours say it once
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines name customers
    stopping = stopping_at_signals(settings.shutdown_seconds)
    try:
        endpoint = await free_endpoint(settings.host, settings.port, EXECUTOR)
        process = _Process(replace(settings, host=endpoint.host, port=endpoint.port), vendor, clock)
        await process.start()
    except PortError as error:
        return refuse_port("the executor", error)
    waiter = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiter, *process.tasks], return_when=asyncio.FIRST_COMPLETED)
    ended_by_itself = not stopping.is_set()
    waiter.cancel()
    if ended_by_itself:
        bound_shutdown(settings.shutdown_seconds)
    await process.stop()
    return EXIT_OTHERWISE if ended_by_itself else in_order()


class _Process:
    """The parts of a running executor."""

    def __init__(self, settings: ExecutorSettings, vendor: VendorSettings, clock: Clock) -> None:
        registry = process_registry()
        instruments = metrics.Instruments("executor", registry)
        meters = ExecutorMeters(instruments)
        self._settings = settings
        self._stopping = False
        self._open = AsyncExitStack()
        self.tasks: list[asyncio.Task[None]] = []
        commands = Commands(clock, meters.unreadable.inc)
        self._view = TopicView(
            settings.bootstrap, LINKED_TOPICS, commands.hear, client_id=GROUP, since=commands.heard_since
        )
        self._gate = KafkaGate(settings.bootstrap, settings.instance)
        vendor_meters = VendorMeters(metrics.Instruments("vendor", registry))
        self._vendor = Vendor(vendor, self._gate, clock, vendor_meters, institutions_of=commands.institutions_of)
        written = ProducerSettings(settings.bootstrap, WRITTEN_TOPICS, client_id=GROUP, layout=settings.layout)
        self._log = LogProducer(written)
        answerer = Answerer(self._vendor, self._log, clock, settings.lookup.ack_seconds, meters.observed)
        limits = Limits.of(settings.link)
        self._sessions = Sessions(self._vendor, answerer, limits, settings.link)
        self._rechecks = Rechecks(answerer, limits)
        parts = Parts(settings, commands, self._view, self._sessions, self._rechecks, clock, meters)
        self._server = _page_server(parts)
        letters = Letters(self._log, settings.lookup.ack_seconds)
        attempts = Attempts(
            answerer, letters, settings.lookup, institution_of=commands.institution_of, clock=clock, meters=meters
        )
        source = partial(_source, settings)
        self._lookups = LookupReader(source, attempts, settings.lookup, on_unreadable=meters.unreadable.inc)
        self._admin = AdminServer(settings.admin_host, settings.admin_port, registry, self.problems)
        self._watch(instruments, commands)

    def _watch(self, instruments: metrics.Instruments, commands: Commands) -> None:
        instruments.watch(executor.EXECUTOR_IN_HAND, lambda: self._lookups.in_hand)
        instruments.watch(executor.EXECUTOR_WAITING, lambda: self._lookups.waiting)
        instruments.watch(executor.EXECUTOR_COMMANDS, lambda: len(commands))
        instruments.watch(executor.EXECUTOR_VIEW_KNOWN, lambda: moment(self._view.lag_seconds()))

    def problems(self) -> list[str]:
        """Say why customers should be led elsewhere, or look-ups wait."""
        if self._stopping:
            return ["the executor is shutting down; wait for its end, then start it again if that was not meant"]
        late = self._view.lag_seconds() > MAX_LAG_SECONDS
        behind = ["not all commands have been read of late; wait, or see whether the brokers are slow"] if late else []
        vendor = self._vendor.problems() or self._lookups.refusals()
        return [*vendor, *(self._view.problems() or behind), *self._log.problems(), *self._lookups.problems()]

    async def start(self) -> None:
        await self._admin.start()
        await self._log.start()
        await self._view.start()
        self.tasks = [
            asyncio.create_task(self._look_up(), name="lookups"),
            asyncio.create_task(self._server.serve(), name="pages"),
        ]
        log.info("admin port: http://%s/metrics", self._admin.endpoint)
        log.info("listening on http://%s", Endpoint(self._settings.host, self._settings.port))

    async def _look_up(self) -> None:
        """Answer look-ups once the topics fit; before, the gate is not entered, and lets nobody call the vendor."""
        await self._log.fitting()
        await self._open.enter_async_context(self._gate)
        await self._open.enter_async_context(self._vendor)
        await self._lookups.run()

    async def stop(self) -> None:
        """Take no new connection or look-up, answer what is under way, close."""
        self._stopping = True
        lookups, serving = self.tasks
        lookups.cancel()
        self._server.stop()  # type: ignore[no-untyped-call]
        share = self._settings.shutdown_seconds * STOP_SHARE
        await asyncio.wait([serving, lookups], timeout=self._settings.shutdown_seconds - 2 * share)
        for task in self.tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                log.error("the part %s failed: %s", task.get_name(), type(error).__name__)
        await self._sessions.stop()
        await self._rechecks.stop()
        await asyncio.wait([asyncio.create_task(self._closed())], timeout=share)
        await self._admin.stop()

    async def _closed(self) -> None:
        await self._log.stop(1.0)
        await self._view.stop()
        await self._open.aclose()


def _page_server(parts: Parts) -> Server:
    settings = parts.settings
    return http_server(
        FixPages(parts).application(),
        settings.host,
        settings.port,
        max_connections=settings.max_connections,
        backlog=BACKLOG,
    )


def _source(settings: ExecutorSettings) -> KafkaSource:
    access = access_to(settings.bootstrap)
    return KafkaSource(
        [LOOKUP],
        Options(group=GROUP, bootstrap=access.bootstrap, instance=settings.instance, kafka=access.security()),
        end_replaced,
    )
