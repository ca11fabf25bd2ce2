"""Carries a plan out: workers one after the other while they are at work, everything that lasts in lanes beside."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.actors.workers import Worker
from tests.chaos.faults.lasting import Lasting
from tests.chaos.faults.plan import LANES, Done, Kind, Plan, Step, note
from tests.chaos.faults.waiting import POLL_SECONDS, until

RECOVERY_SECONDS = 30.0
"""How long a step waits for its victim to be at work; past it the victim is taken as it is."""
TAKEOVER_SECONDS = 25.0
FIRST_GUESS_SECONDS = 5.0


@dataclass(slots=True)
class Chaos:
    """Carries a plan out on groups of workers and remembers what was done.

    Attributes:
        lasting: how a disturbance is done that is none of a single worker.
        sent: the share of the notifications that is sent, 0 to 1: no step comes before its own share.
        done: all of them so far; shared with `lasting`.
    """

    plan: Plan
    groups: Mapping[str, Sequence[Worker]]
    lasting: Lasting
    done: list[Done] = field(default_factory=list)
    sent: Callable[[], float] = lambda: 1.0
    _waits: bool = False
    _began: float = 0.0
    _finished: Counter[Kind] = field(default_factory=Counter)
    _sleepers: list[asyncio.Task[None]] = field(default_factory=list)

    def seconds_left(self) -> float:
        """Guess how long the rest takes, from what the steps took so far; 0 while they wait for notifications."""
        if self._waits:
            return 0.0
        taken = time.monotonic() - self._began if self._began else 0.0
        left = self.plan.seconds_after(self._finished)
        return left * (FIRST_GUESS_SECONDS + taken) / (FIRST_GUESS_SECONDS + self.plan.seconds - left)

    async def run(self) -> None:
        """Carry out all steps; every sleeper is awake, and everything that lasts is over on return."""
        self._began = time.monotonic()
        lanes: dict[str, asyncio.Queue[Step | None]] = {lane: asyncio.Queue() for lane in LANES.values()}
        async with asyncio.TaskGroup() as all_:
            for queue in lanes.values():
                all_.create_task(self._lane(queue))
            for number, step in enumerate(self.plan.steps()):
                await self._its_time(number)
                if step.kind in LANES:
                    lanes[LANES[step.kind]].put_nowait(step)
                else:
                    await self._disturb(step)
                    self._finished[step.kind] += 1
            for queue in lanes.values():
                queue.put_nowait(None)
        await asyncio.gather(*self._sleepers)

    async def _its_time(self, number: int) -> None:
        """Wait for the moment of a step: by the clock, or until its share is sent, so that both end together."""
        if self.plan.every_seconds is not None:
            due = self._began + (number + 1) * self.plan.every_seconds
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            return
        self._waits = True
        while self.sent() < number / self.plan.number_of_steps:  # noqa: ASYNC110 - the feed goes on meanwhile
            await asyncio.sleep(POLL_SECONDS)
        self._waits = False

    async def _lane(self, steps: asyncio.Queue[Step | None]) -> None:
        while (step := await steps.get()) is not None:
            await asyncio.sleep(step.after)
            await self.lasting.do(step, self.done)
            self._finished[step.kind] += 1

    async def _disturb(self, step: Step) -> None:
        """Kill a worker, ask it to end, or put it to sleep."""
        victim = await self._victim(step)
        done = note(self.done, step.kind, victim.name, victim.application)
        if step.kind is Kind.STOP:
            victim.signal(signal.SIGSTOP)
            self._sleepers.append(asyncio.create_task(self._wake(victim, self.groups[step.group], done)))
        elif step.kind is Kind.TERM:
            victim.signal(signal.SIGTERM)
        else:
            victim.kill()

    async def _victim(self, step: Step) -> Worker:
        """Wait for the worker that was drawn to be at work, then for the step's time."""
        group = [worker for worker in self.groups[step.group] if worker.on_duty and not worker.spared]
        worker = group[step.number % len(group)]
        if worker.asleep or (step.kind is Kind.STOP and any(one.asleep for one in group)):
            await asyncio.gather(*self._sleepers)
        if not step.in_recovery and worker.application:
            await until(lambda: worker.alive and worker.at_work, RECOVERY_SECONDS)
        await asyncio.sleep(step.after)
        await until(lambda: worker.alive, RECOVERY_SECONDS)
        return worker

    async def _wake(self, worker: Worker, group: Sequence[Worker], done: Done) -> None:
        """Wake a sleeper when its session is over and others have taken its partitions."""
        began, left = time.time(), worker.taken(worker.started_at)
        await asyncio.sleep(self.plan.sleep_seconds)
        others = [other for other in group if other is not worker]
        if worker.application and len(others) > 0:
            await until(lambda: left <= {n for other in others for n in other.taken(began)}, TAKEOVER_SECONDS)
        worker.signal(signal.SIGCONT)
        done.until = time.time()
