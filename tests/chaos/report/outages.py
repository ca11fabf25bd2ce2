"""How long nothing is decided: when a worker or a broker is killed, brokers are rolled, agents are deployed."""

import asyncio
import signal
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException

from streams.kafka.topics import AGENT, EVENTS, changelog
from tests.chaos.actors.fleet import PARTITIONS
from tests.chaos.check import markers
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import unread
from tests.chaos.check.markers import Marker
from tests.chaos.faults import profiles
from tests.chaos.faults.lasting import roll
from tests.chaos.faults.plan import Kind, note
from tests.chaos.faults.profiles import Profile
from tests.chaos.faults.waiting import POLL_SECONDS, until
from tests.chaos.whole import Run

PER_SECOND = 100.0
"""So that a commit of each partition is due all the time."""
STEADY_SECONDS = 4.0
"""What all works undisturbed between two outages, and is looked at after each."""
SECONDS_EACH = 40.0
"""What an outage takes with what is around it, about."""
BROKER_SECONDS = 10.0


def profile_of(times: int) -> Profile:
    """Give a profile whose disturbances come from here, not from a plan."""
    return Profile({}, notifications=int(4 * times * SECONDS_EACH * PER_SECOND * 2))


@dataclass(frozen=True, slots=True)
class Window:
    """The time in which an outage shows, in epoch seconds."""

    case: str
    began: float
    ended: float


@dataclass(slots=True)
class Outages:
    """Makes outages one after the other, and measures them in the brokers' files afterwards."""

    run: Run
    times: int
    windows: list[Window] = field(default_factory=list)

    async def make(self) -> None:
        """Make them all, and have the feed end."""
        cases: Mapping[str, Callable[[int], Awaitable[None]]] = {
            "a worker's SIGKILL": self._kill,
            "a broker's SIGKILL": self._kill_broker,
            "a rolling restart of the brokers": self._roll,
            "a deploy of the agents": self._deploy,
        }
        await self._kept()
        for case, disturb in cases.items():
            for number in range(self.times):
                await asyncio.sleep(STEADY_SECONDS)
                began, sent = time.time(), await self._ends()
                await disturb(number)
                await self._decided(sent)
                await asyncio.sleep(STEADY_SECONDS)
                self.windows.append(Window(case, began, time.time()))
        self.run.feed.stopping = True

    async def _kept(self) -> None:
        """Wait until the state of every partition is on disk, where it is kept there at all."""
        options = self.run.options
        if options.local_state:
            await until(lambda: len(self.run.fleet.kept(AGENT)) == PARTITIONS, options.start_seconds)

    async def _ends(self) -> Sequence[int]:
        """Give where each partition of the inbound log ends."""
        return [read + left for read, left in await self._unread()]

    async def _decided(self, ends: Sequence[int]) -> None:
        """Wait until everything up to these ends is decided on.

        Raises:
            TimeoutError: it is not.
        """
        async with asyncio.timeout(self.run.options.start_seconds):
            while not await self._read_up_to(ends):  # noqa: ASYNC110 - other processes are waited for
                await asyncio.sleep(POLL_SECONDS)

    async def _read_up_to(self, ends: Sequence[int]) -> bool:
        try:
            return all(read >= end for (read, _), end in zip(await self._unread(), ends, strict=True))
        except (KafkaException, TimeoutError):  # of brokers that are gone, or just back
            return False

    async def _unread(self) -> Sequence[tuple[int, int]]:
        return await asyncio.to_thread(unread, self.run.kafka.bootstrap, AGENT, EVENTS, PARTITIONS)

    async def _kill(self, number: int) -> None:
        workers = self.run.fleet.groups[profiles.AGENTS]
        worker, began = workers[number % len(workers)], time.time()
        note(self.run.chaos.done, Kind.KILL, worker.name, worker.application)
        worker.kill()
        await until(lambda: worker.started_at > began and worker.at_work, self.run.options.start_seconds)

    async def _kill_broker(self, number: int) -> None:
        brokers = self.run.brokers
        victim = brokers.numbers[number % len(brokers.numbers)]
        noted = note(self.run.chaos.done, Kind.BROKER_KILL, f"broker-{victim}")
        await brokers.kill(victim, BROKER_SECONDS)
        noted.until = time.time()

    async def _roll(self, _number: int) -> None:
        await roll(self.run.brokers, self.run.chaos.done)

    async def _deploy(self, _number: int) -> None:
        seconds = self.run.options.start_seconds
        for worker in self.run.fleet.groups[profiles.AGENTS]:
            began = time.time()
            noted = note(self.run.chaos.done, Kind.DEPLOY, worker.name, worker.application)
            worker.signal(signal.SIGTERM)
            await until(lambda one=worker, since=began: one.started_at > since and one.at_work, seconds)  # type: ignore[misc]
            noted.until = time.time()

    def tell(self, _findings: Findings) -> dict[str, Any]:
        """Give median and worst of each case: the longest time between two commits of a partition, the worst one's."""
        data, topic = self.run.kafka.log(1).parent / "data", changelog(AGENT, "control")
        commits = [marker for marker in markers.read_markers(data, [topic]) if marker.committed]
        found: dict[str, list[float]] = {}
        for window in self.windows:
            found.setdefault(window.case, []).append(longest_gap(commits, window))
        return {"seconds_without_decisions": {case: _summed(gaps) for case, gaps in found.items()}}


def longest_gap(commits: Sequence[Marker], window: Window) -> float:
    """Give the longest time between two commits of one partition that falls into the window."""
    longest = 0.0
    for number in range(PARTITIONS):
        times = sorted(one.at for one in commits if one.partition == number)
        inside = [at for at in times if window.began <= at <= window.ended]
        last = max((at for at in times if at < window.began), default=window.began)
        for at in inside:
            longest, last = max(longest, at - last), at
        longest = max(longest, window.ended - last)
    return longest


def _summed(gaps: Sequence[float]) -> dict[str, Any]:
    return {
        "median_s": round(statistics.median(gaps), 1),
        "worst_s": round(max(gaps), 1),
        "all_s": [round(gap, 1) for gap in gaps],
    }
