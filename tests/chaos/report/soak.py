"""Memory and lag of a long run, sampled while faults go on: is memory flat, does lag return to zero."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaException

from tests.chaos.check.compare import Findings
from tests.chaos.faults import profiles
from tests.chaos.faults.plan import Kind
from tests.chaos.faults.profiles import Profile
from tests.chaos.whole import Run

EVERY_SECONDS = 30.0
CUSTOMERS = 20_000
"""A fixed number, so that state has an end: all of them are met in the first minutes."""
SPAN = timedelta(days=27)
"""Three times what executors know a command for: after a third of the run they forget as many as come."""
EVENTS_OF_ONE = 1.73
"""Events behind a 200 of a notification, on average, those among them that are written into the log directly."""
FLAT = 1.1
"""The most that the last third of a run may hold of what the third before it held."""
LEFT_OUT_SECONDS = 120.0
"""At the begin memory grows to what it will be."""
STEP = 1.25
"""The same where only what a worker holds after a start has grown."""
LONG_SECONDS = 900.0
"""A life of a worker that is long enough to tell by itself whether it grows."""
KEPT_UP = 0.95
"""Of the rate that was asked for, the least for it to be a test of that rate."""
LEAST_SAMPLES = 0.5
"""Of those that there is time for; while a broker is away one takes longer."""

SHARES = {
    (Kind.KILL, profiles.AGENTS): 22,
    (Kind.KILL, profiles.INSTITUTIONS): 8,
    (Kind.KILL, profiles.BRIDGES): 8,
    (Kind.KILL, profiles.EXECUTORS): 4,
    (Kind.STOP, profiles.AGENTS): 8,
    (Kind.TERM, profiles.AGENTS): 4,
    (Kind.TERM, profiles.BRIDGES): 4,
    (Kind.BROKER_KILL, profiles.BROKERS): 10,
    (Kind.BROKER_STOP, profiles.BROKERS): 4,
    (Kind.BROKER_SLOW, profiles.BROKERS): 4,
    (Kind.BROKER_ROLL, profiles.BROKERS): 2,
    (Kind.LEADERS, profiles.BROKERS): 6,
    (Kind.DEPLOY, profiles.ALL): 2,
    (Kind.SCALE_OUT, profiles.AGENTS): 4,
    (Kind.SKEW, profiles.ALL): 5,
    (Kind.VENDOR, profiles.VENDOR): 5,
}
"""Of a hundred faults."""


def pace_of(events_per_second: float) -> float:
    """Give the notifications a second that have so many events."""
    return events_per_second / EVENTS_OF_ONE


def profile_of(minutes: int, events_per_second: float) -> Profile:
    """Give the profile of a soak: a fault every minute, none in the last two."""
    faults = max(1, minutes - 2)
    ordered = sorted(SHARES, key=lambda what: -SHARES[what])
    counts = {what: int(SHARES[what] * faults / 100) for what in ordered}
    for what in ordered[: faults - sum(counts.values())]:
        counts[what] += 1
    return Profile(
        {what: times for what, times in counts.items() if times},
        notifications=int(minutes * 60 * pace_of(events_per_second)),
        reserve=1,
        bridges=2,
        executors=2,
        spares=True,
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """What all processes held, in MB, and how much was unread, at seconds from the begin."""

    at: float
    unread: int
    resident_mb: dict[str, float]
    started_at: Mapping[str, float] = field(default_factory=dict)
    """When each has begun its life, by any clock."""


@dataclass(slots=True)
class Sampler:
    """Samples a run until it is cancelled."""

    run: Run
    samples: list[Sample] = field(default_factory=list)

    async def follow(self) -> None:
        """Take a sample every half minute; none of lag where no broker answers."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                unread = _left(await asyncio.to_thread(self.run.unread))
            except (KafkaException, TimeoutError):
                unread = -1
            alive = [worker for worker in self.run.fleet.workers if worker.alive]
            held = {worker.name: round(worker.resident_mb(), 1) for worker in alive}
            lives = {worker.name: worker.started_at for worker in alive}
            self.samples.append(Sample(round(time.monotonic() - began, 1), unread, held, lives))

    def tell(self, findings: Findings) -> dict[str, Any]:
        """Count who grows and what is left unread, and give the figures with all samples."""
        judged, unread = memory(self.samples), _left(self.run.unread())
        rate = self._events_per_second()
        too_slow = rate < KEPT_UP * self._asked_per_second()
        findings.found("too_mild", too_slow, f"{rate:.0f} events/s were sent, {self._asked_per_second():.0f} wanted")
        check_memory(findings, judged, [worker.name for worker in self.run.fleet.workers if worker.on_duty])
        least = int(LEAST_SAMPLES * self.run.took["to_end_of_chaos_s"] / EVERY_SECONDS)
        few = len(self.samples) < least
        findings.found("memory_grows", few, f"it is not known: {len(self.samples)} samples, {least} are needed")
        findings.found("unread", unread, "records at the end")
        return {
            "events_per_second": round(rate),
            "memory": {one.worker: str(one) for one in judged},
            "left_alone": [worker.name for worker in self.run.fleet.workers if worker.spared],
            "most_unread": max((sample.unread for sample in self.samples), default=0),
            "unread_at_end": unread,
            "samples": [f"{one.at:.0f} s: {one.unread} unread, {one.resident_mb}" for one in self.samples],
        }

    def _events_per_second(self) -> float:
        return self.run.feed.sent.accepted * EVENTS_OF_ONE / self.run.took["to_end_of_chaos_s"]

    def _asked_per_second(self) -> float:
        return (self.run.options.per_second or 0.0) * EVENTS_OF_ONE


@dataclass(frozen=True, slots=True)
class Memory:
    """The most that a worker held in the second and in the last third of a run, and of its last long life, in MB.

    What a worker holds after a start goes by what it has read then, and a changelog that was not compacted of late has
    many records of each key. So one that is killed now and then is judged by a long life, if it has any; from start to
    start it may not grow without end either.
    """

    worker: str
    before: float
    last: float
    of_life: tuple[float, float] | None = None

    @property
    def is_flat(self) -> bool:
        """Tell whether it has stopped growing."""
        if self.last <= self.before * FLAT:
            return True
        is_flat_in_life = self.of_life is not None and self.of_life[1] <= self.of_life[0] * FLAT
        return is_flat_in_life and self.last <= self.before * STEP

    def __str__(self) -> str:
        """Say what it held."""
        lived = "" if self.of_life is None else "; in a long life {:.0f} MB, then {:.0f} MB".format(*self.of_life)
        return f"{self.before:.0f} MB, then {self.last:.0f} MB{lived}"


def check_memory(findings: Findings, judged: Sequence[Memory], workers: Sequence[str]) -> None:
    """Count each worker that grows, and each of whom too little is known to tell."""
    for one in judged:
        findings.found("memory_grows", not one.is_flat, f"{one.worker}: {one}")
    for name in set(workers) - {one.worker for one in judged}:
        findings.found("memory_grows", 1, f"{name}: it is not known")


def memory(samples: Sequence[Sample]) -> list[Memory]:
    """Judge each worker that was there in both thirds."""
    if not samples:
        return []
    names = sorted({name for sample in samples for name in sample.resident_mb})
    judged = [Memory(name, *_thirds(samples, name), _of_last_long_life(samples, name)) for name in names]
    return [one for one in judged if one.before and one.last]


def _thirds(samples: Sequence[Sample], name: str, since: float = 0.0) -> tuple[float, float]:
    """Give the most that one held in the second and in the last third of some time that ends with the samples."""
    third = (samples[-1].at - since) / 3
    before, last = (
        [one for one in samples if since + n * third < one.at <= since + (n + 1) * third and one.at > LEFT_OUT_SECONDS]
        for n in (1, 2)
    )
    return _most(before, name), _most(last, name)


def _of_last_long_life(samples: Sequence[Sample], name: str) -> tuple[float, float] | None:
    """Give the same of the last long life of one; None where none is long, or all of the run is one."""
    lives: dict[float, list[Sample]] = {}
    for sample in samples:
        if name in sample.started_at:
            lives.setdefault(sample.started_at[name], []).append(sample)
    if len(lives) <= 1:
        return None
    long = [life for _, life in sorted(lives.items()) if life[-1].at - life[0].at >= LONG_SECONDS]
    return _thirds(long[-1], name, long[-1][0].at) if long else None


def _left(unread: Mapping[str, tuple[int, int]]) -> int:
    return sum(left for _, left in unread.values())


def _most(samples: Sequence[Sample], name: str) -> float:
    return max((sample.resident_mb.get(name, 0.0) for sample in samples), default=0.0)
