"""The sweep as a process: Kafka, the vendor's client and the file of the state around one run."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from streams.exits import listening_to_signals
from streams.kafka import applied, topics
from streams.kafka.access import Access
from streams.kafka.identity import log_identity
from streams.kafka.present import clock_of, require_clock
from streams.kafka.producer import LogProducer, ProducerSettings
from streams.kafka.view import TopicView
from streams.observe import metrics
from streams.observe.parts.vendor import VENDOR_UNREADABLE_ACCOUNTS
from streams.settings import Settings
from streams.sweep import resume
from streams.sweep.book import Book
from streams.sweep.customer import Allowance, CustomerSweep
from streams.sweep.publish import LogPublisher, Printer
from streams.sweep.report import Report, shown
from streams.sweep.resume import Order, State
from streams.sweep.run import Sweep
from streams.vendor import KafkaGate, Vendor, VendorMeters, VendorSettings

log = logging.getLogger(__name__)

CLIENT_ID = "txpush-sweep"
CHECK_SECONDS = 30.0
READ_SECONDS = 900.0
"""Longest wait for all of `account.health`: a million accounts take about a minute."""
SETTLE_SECONDS = 30.0
FLUSH_SECONDS = 5.0
SAVE_SECONDS = 2.0
"""How often the state is written: what a kill loses is read again, and told again to no effect (R1, R12)."""
DELETIONS_SHARE = 100
MIN_DELETIONS = 20


@dataclass(frozen=True, slots=True)
class Options:
    """What a sweep is asked for.

    Attributes:
        named: customers who are swept though nothing was ever heard of them.
        state: where to keep how far it is.
        max_deletions: how many may be told of; None: one in a hundred known accounts, at least twenty.
    """

    named: frozenset[str] = frozenset()
    state: Path | None = None
    is_dry: bool = False
    at_once: int = 8
    max_deletions: int | None = None


async def sweep_all(settings: Settings, options: Options) -> Report:
    """Sweep all customers, or as many as can be.

    Raises:
        SettingsError, StateError, ClusterError: it cannot begin; the message says why.
        KafkaError, OSError, TimeoutError: Kafka does not answer.
    """
    vendor_settings, clock = VendorSettings.of(settings), clock_of(settings)
    async with asyncio.timeout(CHECK_SECONDS):
        await applied.require(Access.of(settings), topics.Layout.of(settings))
        mark = await _mark(settings, options)
    state = State(mark) if options.state is None else resume.load(options.state, mark)
    book, counter = Book(), Unreadable(state.report.unreadable)
    async with _health(settings, book) as view, _publisher(settings, options) as publish:
        gate = KafkaGate(Access.of(settings))
        calls = Vendor(vendor_settings, gate, clock, counter.meters, institutions_of=book.institutions_of)
        async with gate, calls as vendor:
            customer = CustomerSweep(
                vendor,
                book,
                lambda: view.settled(SETTLE_SECONDS),
                publish.publish,
                clock,
                options.named,
                allowance(options, book, state.report),
                options.named.intersection(book.customers()),
            )
            order = Order({*book.customers(), *options.named}, state)
            await _run(settings, options, Progress(options.state, state, counter), order, customer)
    return state.report


async def _run(
    settings: Settings, options: Options, progress: "Progress", order: Order, customer: CustomerSweep
) -> None:
    report = progress.state.report
    report.to_read, report.stopped = report.customers + len(order), None
    log.info("%d customers to read, %d read before", len(order), report.customers)
    with shown(report, report.customers) as show:
        run = Sweep(order, customer.sweep, report, at_once=options.at_once, stop_seconds=settings.shutdown_seconds)
        run.on_step = lambda: progress.step(show, run.stop)
        with listening_to_signals(lambda name: run.stop(f"{name} asked for it")):
            await run.run()
    progress.end(run.stop)


@dataclass(slots=True)
class Progress:
    """Keeps how far a sweep is in its file, if it has one."""

    path: Path | None
    state: State
    counter: "Unreadable"
    _saved_at: float = field(default_factory=time.monotonic)

    def step(self, show: Callable[[], None], stop: Callable[[str], None]) -> None:
        """Show a step, and write the file where the last writing is a while ago."""
        show()
        if time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._save(stop)

    def end(self, stop: Callable[[str], None]) -> None:
        """Leave the file as long as there is something to go on with."""
        report = self.state.report
        if report.stopped or report.failed:
            self._save(stop)
        else:
            report.unreadable = self.counter.count()
            if self.path is not None:
                self.path.unlink(missing_ok=True)

    def _save(self, stop: Callable[[str], None]) -> None:
        self.state.report.unreadable = self.counter.count()
        self._saved_at = time.monotonic()
        if self.path is None:
            return
        try:
            resume.save(self.path, self.state)
        except OSError as error:
            stop(f"{self.path}: cannot be written: {error}")


class Unreadable:
    """Counts the accounts without usable ids by the vendor client's own meter, on top of those found before."""

    def __init__(self, before: int) -> None:
        self._before = before
        self._registry = CollectorRegistry()
        self.meters = VendorMeters(metrics.Instruments("vendor", self._registry))

    def count(self) -> int:
        """Give how many there were."""
        found = self._registry.get_sample_value(VENDOR_UNREADABLE_ACCOUNTS.name)
        return self._before + int(found or 0)


async def _mark(settings: Settings, options: Options) -> str:
    """Name what the sweep is about: which log, whose accounts, which customers, for good or not."""
    try:
        await require_clock(settings)
        log_name = await log_identity(Access.of(settings), topics.EVENTS)
    except LookupError as error:
        raise applied.TopicsError(str(error)) from None
    named = hashlib.sha256("\n".join(sorted(options.named)).encode()).hexdigest()
    return resume.fingerprint(log_name, settings.vendor_url, settings.partner_id or "", named, str(options.is_dry))


def allowance(options: Options, book: Book, before: Report) -> Allowance | None:
    """Give how many deletions may still be told of; a dry run has no limit."""
    if options.is_dry:
        return None
    usual = max(len(book) // DELETIONS_SHARE, MIN_DELETIONS)
    most = usual if options.max_deletions is None else options.max_deletions
    return Allowance(max(most - before.findings.deleted, 0))


@asynccontextmanager
async def _health(settings: Settings, book: Book) -> AsyncIterator[TopicView]:
    """Give a view that has filled the book with all that stood on `account.health`."""
    view = TopicView(Access.of(settings), [topics.HEALTH], book.hear, client_id=CLIENT_ID)
    await view.start()
    try:
        await view.caught_up(READ_SECONDS)
        log.info("%s is read: %d accounts", topics.HEALTH, len(book))
        yield view
    finally:
        await view.stop()


@asynccontextmanager
async def _publisher(settings: Settings, options: Options) -> AsyncIterator[LogPublisher | Printer]:
    if options.is_dry:
        yield Printer()
        return
    producer = LogProducer(ProducerSettings(Access.of(settings), (topics.EVENTS,), client_id=CLIENT_ID))
    await producer.start()
    try:
        yield LogPublisher(producer)
    finally:
        await producer.stop(FLUSH_SECONDS)
