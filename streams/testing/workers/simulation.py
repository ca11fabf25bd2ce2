"""The scheduler: workers take one step after the other, by seed, and things go wrong in between."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from streams.clock import Clock
from streams.fold.inforce import InForce
from streams.testing.applications import APPLICATIONS, Application
from streams.testing.broker import Cluster, Group, ProducerFenced
from streams.testing.workers.faults import Fault, Faults, Happened
from streams.testing.workers.partition import OwnedPartition, Parts
from streams.testing.workers.steps import Step
from streams.testing.workers.worker import Life, Worker

RESTLESS_STEPS = 100_000
WHOLE_POLL = 4000
LATE_MARKERS, RECOVERY, LONG_SILENCE, HEARING = 0.5, 0.04, 0.3, 0.3
"""Chances: of a marker per step while some wait; of a waking or a start per step; that it comes after the session; that
a worker hears of its group before its partitions go on."""


class Restless(RuntimeError):  # noqa: N818 - says what the run is
    """The run does not come to rest: a timer that stays due after its tick, for example."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a simulation is made of; without `seed` steps come in a fixed order, whole polls, nothing goes wrong."""

    partitions: int = 3
    workers: int = 1
    """Of each application."""
    seed: int | None = None
    faults: Faults | None = None
    partition: Callable[[Parts, int], OwnedPartition] = OwnedPartition
    applications: Sequence[Application] = APPLICATIONS


class Simulation:
    """Workers on a cluster."""

    def __init__(self, setup: Setup, cluster: Cluster, clock: Clock, shipped: InForce) -> None:
        self.setup = setup
        self.cluster = cluster
        self.happened = Happened()
        self.random = random.Random(setup.seed or 0)  # noqa: S311 - to be repeated, not to be secret
        self._by_seed = setup.seed is not None
        self._clock = clock
        self._shipped = shipped
        self.groups = {application.name: Group(setup.partitions) for application in setup.applications}
        self.workers: list[Worker] = []
        for application in setup.applications:
            for number in range(setup.workers):
                self._start(application, f"{application.name}-{number}")

    def _start(self, application: Application, instance: str) -> None:
        fold = application.fold(self._shipped, self._clock, self.setup.partitions)
        parts = Parts(application, self.cluster, self._clock, fold, self._poll_limit)
        self.workers.append(Worker(instance, self.groups[application.name], parts, self.setup.partition))

    def _poll_limit(self) -> int:
        return self.random.choice((1, 1, 2, 3, 5, WHOLE_POLL)) if self._by_seed else WHOLE_POLL

    # -- running

    def run(self, steps: int) -> None:
        """Take some steps, fewer where nothing is left to do."""
        for _ in range(steps):
            if not self.step():
                return

    def drain(self) -> None:
        """Run until nothing is left to do: all is read, no timer is due, and every worker runs."""
        for _ in range(RESTLESS_STEPS):
            if not self.step():
                return
        raise Restless(f"still at work after {RESTLESS_STEPS} steps; look for a timer that stays due after its tick")

    def step(self) -> bool:
        """Take one step somewhere; False where nothing is left to do."""
        self._markers()
        if self._by_seed and self.random.random() < RECOVERY:
            self._recover()
        hearing, going = self._turns()
        if hearing and (not going or not self._by_seed or self.random.random() < HEARING):
            self._pick(hearing).hear()
        elif going:
            self._take(*self._pick(going))
        else:
            return self._unblock()
        return True

    def _turns(self) -> tuple[list[Worker], list[tuple[Worker, OwnedPartition]]]:
        running = [worker for worker in self.workers if worker.life is Life.RUNNING]
        hearing = [worker for worker in running if worker.has_something_to_hear]
        return hearing, [(worker, partition) for worker in running for partition in worker.turns()]

    def _pick(self, options: Sequence[Any]) -> Any:  # noqa: ANN401 - one of what is given
        return self.random.choice(options) if self._by_seed else options[0]

    def _markers(self) -> None:
        transactions = self.cluster.transactions
        if transactions.is_settled:
            return
        if not self._by_seed:
            transactions.settle()
        elif self.random.random() < LATE_MARKERS:
            transactions.mark(*self.random.choice(transactions.unmarked))

    def _take(self, worker: Worker, partition: OwnedPartition) -> None:
        step = partition.pending
        if step is None:
            return
        self.happened.steps[step] += 1
        if worker.is_zombie:
            self.happened.zombies[step] += 1
        try:
            partition.advance()
        except ProducerFenced:
            self.happened.fenced[step] += 1
            worker.die()
            return
        faults = self.setup.faults
        fault = None if faults is None else faults.draw(self.random, partition.pending)
        if fault is not None:
            self.disturb(worker, fault, partition)

    # -- what goes wrong

    def disturb(self, worker: Worker, fault: Fault, partition: OwnedPartition | None = None) -> None:
        """Let something go wrong with a worker, counted by the next step of the partition named."""
        before = None if partition is None else partition.pending
        if fault is Fault.KILL:
            worker.die()
            self._count(self.happened.kills, before)
        elif fault is Fault.STOP:
            worker.stop()
        elif fault is Fault.REBALANCE:
            worker.group.rebalance()
        else:
            worker.sleep()
            self._count(self.happened.pauses, before)
            if fault is Fault.REPLACE:
                self._start(worker.parts.application, worker.instance)
        self.happened.others[fault] += 1

    def _count(self, counts: Counter[Step], before: Step | None) -> None:
        if before is not None:
            counts[before] += 1

    def _recover(self) -> bool:
        """Wake or start one worker, before or after the others have heard that it is gone; False where all run."""
        away = [worker for worker in self.workers if worker.life is not Life.RUNNING]
        if not away:
            return False
        if self.random.random() < LONG_SILENCE:
            self.pass_session()
            return True
        worker = self.random.choice(away)
        if worker.life is Life.ASLEEP:
            worker.wake()
            self.happened.others["woke as a zombie" if worker.is_zombie else "woke in time"] += 1
        else:
            self.workers.remove(worker)
            if not self._has_other(worker):
                self._start(worker.parts.application, worker.instance)
        return True

    def _has_other(self, worker: Worker) -> bool:
        return any(other.instance == worker.instance and other.life is not Life.DEAD for other in self.workers)

    def pass_session(self) -> None:
        """Let the broker give up on whoever is silent; who runs ends what it writes before."""
        self._end_transactions()
        self.cluster.wait(max(group.session_seconds for group in self.groups.values()))
        for group in self.groups.values():
            group.expire(self.cluster.elapsed)

    def _end_transactions(self) -> None:
        for worker in self.workers:
            while worker.life is Life.RUNNING and (writing := [p for p in worker.owned.values() if p.is_writing]):
                self._take(worker, writing[0])

    def _unblock(self) -> bool:
        """Do what everybody waits for: markers, or a worker that is away."""
        if not self.cluster.transactions.is_settled:
            self.cluster.transactions.settle()
            return True
        return self._recover()

    @property
    def paused(self) -> Iterable[OwnedPartition]:
        """The partitions that refuse to go on (streams/README.md, guarantee 4)."""
        return [one for worker in self.workers for one in worker.owned.values() if one.paused]
