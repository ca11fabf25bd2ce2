"""One run: a cluster, workers under a supervisor, a feed, a schedule, and the check at the end."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from streams.kafka import applied
from streams.kafka.embedded import FULL_SPEED, QUICK_START, ClusterSpec, EmbeddedKafka
from streams.kafka.topics import AGENT, EXECUTORS, INSTITUTIONS, LOOKUP, Layout
from tests.bench.restarts.grown import grow
from tests.bench.traffic import Portfolio
from tests.chaos.actors.brokers import Brokers
from tests.chaos.actors.clock import ClockFiles, catching_up
from tests.chaos.actors.disk import SmallDisk
from tests.chaos.actors.fleet import PARTITIONS, Fleet
from tests.chaos.actors.vendor import Vendor
from tests.chaos.actors.workers import End, Opening, stop_all
from tests.chaos.check import agents, institutions
from tests.chaos.check.export import unread
from tests.chaos.faults.chaos import Chaos
from tests.chaos.faults.lasting import Lasting
from tests.chaos.load.customers import Customers
from tests.chaos.load.feed import Feed, Pace, spread, steady
from tests.chaos.load.traffic import Traffic
from tests.chaos.options import Options

BEFORE_SECONDS = 15.0
"""From the start of the clock to the first notification, about."""
DRAIN_SECONDS = 300.0
TAKEN_PER_SECOND = 125.0
"""Notifications that two cores take in a second, about, with all that is done meanwhile."""
SHORT = 50_000
"""Notifications for which brokers that start quickly are better than ones that run fast."""
QUIET_SECONDS = 3.0
POLL_SECONDS = 0.25
VENDOR_CUSTOMERS = 100
READERS = ((AGENT, agents.LOG), (INSTITUTIONS, institutions.LOG))


@contextmanager
def cluster(options: Options, folder: Path) -> Iterator[tuple[EmbeddedKafka, Brokers]]:
    """Run the brokers, each with its data below `folder`, which are gone at the end."""
    profile, data = options.profile, folder / "kafka"
    disks = {number: SmallDisk(data / f"broker-{number}" / "data") for number in range(1, profile.small_disks + 1)}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        for disk in disks.values():
            disk.mount()
            stack.callback(disk.unmount)
        flags = QUICK_START if profile.notifications <= SHORT else FULL_SPEED
        spec = ClusterSpec(brokers=profile.brokers, data_dir=data, jvm_flags=flags)
        kafka = stack.enter_context(EmbeddedKafka(spec))
        for number in kafka.broker_ids:
            stack.callback(kafka.kill, number)
        yield kafka, Brokers(kafka, disks)


class Run:
    """The parts of a run and how it goes; what it came to is told by `report`."""

    def __init__(self, options: Options, folder: Path, kafka: EmbeddedKafka, brokers: Brokers) -> None:
        self.options = options
        self.kafka = kafka
        self.brokers = brokers
        self.plan = options.plan
        true = catching_up(options.span, self._seconds + BEFORE_SECONDS)
        self.clocks = ClockFiles(folder, true)
        self.vendor = Vendor(self.clocks.clock_of("vendor")) if options.profile.executors else None
        self.took: dict[str, int] = {}
        self.undrained: Sequence[str] = ()
        self.folder = folder

    @property
    def _seconds(self) -> float:
        """How long the feed goes on, about."""
        options = self.options
        if options.per_second is not None:
            return options.profile.notifications / options.per_second
        return max(self.plan.seconds, options.profile.notifications / TAKEN_PER_SECOND)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Run"]:
        """Have everything run that the profile asks for; all processes of ours have ended at the end."""
        self._began = time.monotonic()
        profile, bootstrap = self.options.profile, self.kafka.bootstrap
        await applied.apply(bootstrap, Layout(PARTITIONS, min(3, profile.brokers)))
        if self.options.accounts:
            await asyncio.to_thread(grow, bootstrap, PARTITIONS, Portfolio(self.options.accounts, self.options.seed))
        async with AsyncExitStack() as stack:
            if self.vendor is not None:
                await stack.enter_async_context(self.vendor.serving())
                self.vendor.enrol(VENDOR_CUSTOMERS)
            self._assemble()
            supervisor = asyncio.create_task(self._supervise())
            stack.push_async_callback(asyncio.to_thread, stop_all, self.fleet.workers)
            stack.callback(supervisor.cancel)
            await self._started()
            yield self

    def _assemble(self) -> None:
        options, bootstrap = self.options, self.kafka.bootstrap
        self.fleet = Fleet(
            options.profile,
            self.folder,
            bootstrap,
            self.clocks,
            options.session_seconds,
            "" if self.vendor is None else self.vendor.url,
            options.agent_module,
            options.local_state,
        )
        groups = self.fleet.groups
        self.chaos = Chaos(self.plan, groups, Lasting(self.plan, groups, self.brokers, self.vendor, self.clocks))
        self.feed = Feed(bootstrap, self.fleet.bridge_ports, self.clocks.clock_of("feed"))
        self.customers = None if self.vendor is None else Customers(bootstrap, options.seed, self.vendor)

    async def _supervise(self) -> None:
        for worker in self.fleet.workers:
            if worker.on_duty:
                worker.start()
        while True:
            for worker in self.fleet.workers:
                worker.tend()
            await asyncio.sleep(0.05)

    async def _started(self) -> None:
        """Wait until every partition of both logs is open, so that the rules in force come first in each."""
        wanted = {(application, number) for application, _ in READERS for number in range(PARTITIONS)}
        async with asyncio.timeout(self.options.start_seconds):
            while not wanted <= {(one.application, one.partition) for one in self.openings()}:  # noqa: ASYNC110 - files
                await asyncio.sleep(POLL_SECONDS)

    def openings(self) -> list[Opening]:
        """Give when who took which partition."""
        for worker in self.fleet.workers:
            worker.read_log()
        return [opening for worker in self.fleet.workers for opening in worker.openings]

    def ends(self) -> list[End]:
        """Give all ends of processes while the supervisor was there."""
        return [end for worker in self.fleet.workers for end in worker.ends]

    async def disturbed(self) -> None:
        """Send all notifications while the plan is carried out."""
        options, known = self.options, () if self.vendor is None else self.vendor.logins
        count = options.profile.notifications
        traffic = Traffic(options.seed, count, self.clocks.true.start, options.span, known, options.customers)
        self.chaos.sent = lambda: self.feed.begun / count
        clicking = asyncio.create_task(self.customers.run()) if self.customers is not None else None
        async with asyncio.TaskGroup() as both:
            both.create_task(self.feed.run(traffic, self._pace(count)))
            both.create_task(self.chaos.run())
        if clicking is not None:
            clicking.cancel()
            with suppress(asyncio.CancelledError):
                await clicking
        self.took["to_end_of_chaos_s"] = round(time.monotonic() - self._began)

    def _pace(self, count: int) -> Pace:
        rate = self.options.per_second
        return spread(count, self.chaos.seconds_left) if rate is None else steady(rate)

    async def drained(self) -> None:
        """Let time stand still, and wait until all have read all of their logs and nothing new comes for some seconds.

        What does not come to an end in its time is `undrained`.
        """
        await self.brokers.in_sync()
        self.clocks.stand_still()
        quiet_since, last = time.monotonic(), self.unread()
        end = quiet_since + DRAIN_SECONDS
        while any(left for _, left in last.values()) or time.monotonic() - quiet_since < QUIET_SECONDS:
            if time.monotonic() > end:
                self.undrained = [place for place, (_, left) in last.items() if left] or ["something new comes always"]
                break
            await asyncio.sleep(POLL_SECONDS)
            now = await asyncio.to_thread(self.unread)
            if now != last:
                quiet_since, last = time.monotonic(), now
        self.took["to_end_of_log_s"] = round(time.monotonic() - self._began)

    def unread(self) -> dict[str, tuple[int, int]]:
        """Give how far each partition of all logs was read, and how much of it is left."""
        readers: Sequence[tuple[str, str]] = READERS if self.vendor is None else (*READERS, (EXECUTORS, LOOKUP))
        return {
            f"{log}/{number} by {group}": one
            for group, log in readers
            for number, one in enumerate(unread(self.kafka.bootstrap, group, log, PARTITIONS))
        }
