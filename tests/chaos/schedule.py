"""Who is killed or put to sleep, and when: drawn from a seed, carried out while the workers are at work."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.processes import Worker

KILL, SLEEP = "SIGKILL", "SIGSTOP"
POLL_SECONDS = 0.05
RECOVERY_SECONDS = 30.0
"""How long a step waits for its victim to be at work; past it the victim is taken as it is."""
TAKEOVER_SECONDS = 25.0
FIRST_GUESS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """One disturbance of a worker of a group: `after` seconds from when it is at work, or at once in its recovery."""

    kind: str
    group: str
    worker: int
    after: float
    in_recovery: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A disturbance as it happened, at epoch seconds `at`."""

    kind: str
    worker: str
    application: str
    at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what; `gaps` are the least and most seconds of work before a disturbance."""

    seed: int
    kills: int
    stops: int
    bridge_kills: int
    sleep_seconds: float
    gaps: tuple[float, float] = (0.6, 2.2)
    in_recovery: float = 0.1
    """The share of disturbances that do not wait for the victim to be at work again."""

    def steps(self, sizes: Mapping[str, int]) -> list[Step]:
        """Draw the steps; three kills in four hit an agent, the rest the institution agent; sleeps fall to agents."""
        draw = random.Random(self.seed)  # noqa: S311 - to be repeated, not to be secret
        kinds = [KILL] * self.kills + [SLEEP] * self.stops + ["bridge"] * self.bridge_kills
        draw.shuffle(kinds)
        return [self._step(draw, kind, sizes) for kind in kinds]

    def _step(self, draw: random.Random, kind: str, sizes: Mapping[str, int]) -> Step:
        group = "agents" if kind == SLEEP or draw.random() < 0.75 else "institutions"
        if kind == "bridge":
            kind, group = KILL, "bridge"
        return Step(
            kind, group, draw.randrange(sizes[group]), draw.uniform(*self.gaps), draw.random() < self.in_recovery
        )


@dataclass(slots=True)
class Chaos:
    """Carries a plan out on groups of workers and remembers what was done."""

    plan: Plan
    groups: Mapping[str, Sequence[Worker]]
    done: list[Done] = field(default_factory=list)
    _began: float = 0.0
    _sleepers: list[asyncio.Task[None]] = field(default_factory=list)

    def seconds_left(self) -> float:
        """Guess how long the rest takes, from what the steps took so far."""
        total = self.plan.kills + self.plan.stops + self.plan.bridge_kills
        left, taken = total - len(self.done), time.monotonic() - self._began if self._began else 0.0
        each = (FIRST_GUESS_SECONDS + taken) / (1 + len(self.done))
        return each * left

    async def run(self) -> None:
        """Carry out all steps; every sleeper is awake on return."""
        self._began = time.monotonic()
        sizes = {name: len(workers) for name, workers in self.groups.items()}
        for step in self.plan.steps(sizes):
            victim = await self._victim(step)
            self.done.append(Done(step.kind, victim.name, victim.application, time.time()))
            if step.kind == SLEEP:
                victim.signal(signal.SIGSTOP)
                self._sleepers.append(asyncio.create_task(self._wake(victim, self.groups[step.group])))
            else:
                victim.kill()
        await asyncio.gather(*self._sleepers)

    async def _victim(self, step: Step) -> Worker:
        """Wait for the worker that was drawn to be at work, then for the step's time."""
        group = self.groups[step.group]
        worker = group[step.worker]
        if worker.asleep or (step.kind == SLEEP and any(one.asleep for one in group)):
            await asyncio.gather(*self._sleepers)
        if not step.in_recovery and worker.application:
            await _until(lambda: worker.alive and worker.at_work, RECOVERY_SECONDS)
        await asyncio.sleep(step.after)
        await _until(lambda: worker.alive, RECOVERY_SECONDS)
        return worker

    async def _wake(self, worker: Worker, group: Sequence[Worker]) -> None:
        """Wake a sleeper when its session is over and others have taken its partitions."""
        began, left = time.time(), worker.taken(worker.started_at)
        await asyncio.sleep(self.plan.sleep_seconds)
        others = [other for other in group if other is not worker]
        await _until(lambda: left <= {n for other in others for n in other.taken(began)}, TAKEOVER_SECONDS)
        worker.signal(signal.SIGCONT)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition holds, or the time is over: a schedule goes on in any case."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # noqa: ASYNC110 - other processes are waited for
        await asyncio.sleep(POLL_SECONDS)
