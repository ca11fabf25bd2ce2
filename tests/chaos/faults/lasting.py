"""Disturbances that last: of brokers, of whole groups of workers, of clocks, of the vendor."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from tests.chaos.actors.brokers import Brokers
from tests.chaos.actors.clock import ClockFiles
from tests.chaos.actors.vendor import Vendor
from tests.chaos.actors.workers import Worker
from tests.chaos.faults.plan import Done, Kind, Plan, Step, note
from tests.chaos.faults.waiting import until

T = TypeVar("T")

START_SECONDS = 90.0
"""How long a worker may take to be at work again; in an outage it waits a minute for a broker, and starts anew."""
STAY_SECONDS = (5.0, 15.0)
"""How long a worker more stays."""
FAULT_SECONDS = (3.0, 12.0)
"""How long the vendor, or a clock, is wrong."""
SKEW_HOURS = 12.0
"""The most that a clock is wrong by, in either direction, of the run's time."""


@dataclass(slots=True)
class Lasting:
    """Does them to the parts of a run; whoever of `groups` is not on duty is in reserve for scale-out."""

    plan: Plan
    groups: Mapping[str, Sequence[Worker]]
    brokers: Brokers | None = None
    vendor: Vendor | None = None
    clocks: ClockFiles | None = None

    async def do(self, step: Step, done: list[Done]) -> None:
        """Do a step from its begin to its end, and note it as it begins."""
        draw = random.Random(step.number)  # noqa: S311 - to be repeated, not to be secret
        doing: Mapping[Kind, Callable[[], Awaitable[None]]] = {
            Kind.BROKER_ROLL: lambda: roll(_there(self.brokers), done),
            Kind.DEPLOY: lambda: self._deploy(done),
            Kind.SCALE_OUT: lambda: self._scale(step, draw, done),
            Kind.SKEW: lambda: self._skew(draw, done),
            Kind.VENDOR: lambda: self._vendor_fault(draw, done),
        }
        await doing.get(step.kind, lambda: self._broker_fault(step, draw, done))()

    async def _broker_fault(self, step: Step, draw: random.Random, done: list[Done]) -> None:
        """Disturb one broker, or all at once."""
        brokers = _there(self.brokers)
        one = draw.choice(brokers.fillable if step.kind is Kind.DISK else brokers.numbers)
        seconds = draw.uniform(*self.plan.broker_seconds)
        doing: Mapping[Kind, Callable[[], Awaitable[bool | None]]] = {
            Kind.BROKER_KILL: lambda: brokers.kill(one, seconds),
            Kind.BROKER_STOP: lambda: brokers.pause(one, seconds),
            Kind.BROKER_SLOW: lambda: brokers.slow(one, seconds),
            Kind.OUTAGE: lambda: brokers.outage(self.plan.outage_seconds),
            Kind.DISK: lambda: brokers.fill_disk(one),
            Kind.LEADERS: lambda: brokers.move_leaders(draw),
        }
        victim = "all brokers" if step.kind in {Kind.OUTAGE, Kind.LEADERS} else f"broker-{one}"
        noted = note(done, step.kind, victim)
        noted.had_effect = await doing[step.kind]() is not False
        noted.until = time.time()

    async def _deploy(self, done: list[Done]) -> None:
        """Replace every worker in turn, each when the one before is at work again."""
        for worker in [one for group in self.groups.values() for one in group if one.on_duty and not one.spared]:
            await until(lambda worker=worker: worker.alive and not worker.asleep, START_SECONDS)  # type: ignore[misc]
            noted, began = note(done, Kind.DEPLOY, worker.name, worker.application), time.time()
            worker.signal(signal.SIGTERM)
            await until(lambda worker=worker, began=began: _is_back(worker, began), START_SECONDS)  # type: ignore[misc]
            noted.until = time.time()

    async def _scale(self, step: Step, draw: random.Random, done: list[Done]) -> None:
        """Let one more join, work for a while, and leave for good."""
        reserve = next(worker for worker in self.groups[step.group] if not worker.on_duty)
        noted = note(done, Kind.SCALE_OUT, reserve.name, reserve.application)
        reserve.on_duty = True
        reserve.start()
        await until(lambda: reserve.at_work, START_SECONDS)
        noted.until = time.time()
        await asyncio.sleep(draw.uniform(*STAY_SECONDS))
        noted = note(done, Kind.SCALE_IN, reserve.name, reserve.application)
        reserve.on_duty = False
        reserve.signal(signal.SIGCONT)
        reserve.signal(signal.SIGTERM)
        await until(lambda: not reserve.alive, START_SECONDS)
        noted.until = time.time()

    async def _skew(self, draw: random.Random, done: list[Done]) -> None:
        """Set one clock wrong, and right again."""
        clocks = _there(self.clocks)
        worker = draw.choice([one for group in self.groups.values() for one in group if one.on_duty and not one.spared])
        hours = draw.uniform(-SKEW_HOURS, SKEW_HOURS)
        noted = note(done, Kind.SKEW, worker.name, worker.application, f"{hours:+.1f} h")
        clocks.skew(worker.name, timedelta(hours=hours))
        await asyncio.sleep(draw.uniform(*FAULT_SECONDS))
        clocks.skew(worker.name, timedelta(0))
        noted.until = time.time()

    async def _vendor_fault(self, draw: random.Random, done: list[Done]) -> None:
        vendor = _there(self.vendor)
        noted = note(done, Kind.VENDOR, "vendor", detail=vendor.begin_fault(draw.randrange(1 << 16)))
        await asyncio.sleep(draw.uniform(*FAULT_SECONDS))
        vendor.end_faults()
        noted.until = time.time()


async def roll(brokers: Brokers, done: list[Done]) -> None:
    """Restart all brokers, the next when all replicas are in sync."""
    for number in brokers.numbers:
        noted = note(done, Kind.BROKER_ROLL, f"broker-{number}")
        await brokers.restart(number)
        noted.until = time.time()


def _is_back(worker: Worker, began: float) -> bool:
    """Tell whether a process started since is alive and, if it is a fold, at work."""
    return worker.started_at > began and worker.alive and (not worker.application or worker.at_work)


def _there(part: T | None) -> T:
    assert part is not None, "the plan has a disturbance of a part that does not run"
    return part
