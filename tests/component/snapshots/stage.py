"""A log that was lived through, snapshots of it taken on the way, and its replay from them."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from streams.history import Place
from streams.operate.acts import Act
from streams.operate.writing import Failure, Outcome, Receipt
from streams.replay.plan import Asked
from streams.replay.summary import Summary
from streams.snapshots.announcing import Write
from streams.snapshots.run import HowTaken, run
from streams.snapshots.taking import Taken
from streams.testing import RandomFaults, Setup, Topology
from streams.testing.history import MemoryOrigin
from streams.testing.workers import as_record
from tests.component.replay.stage import Edit, Tampered, replayed
from tests.topology.inputs import Inputs, catalogue, policies


class World:
    """A topology with inputs of every kind, and workers that die and sleep."""

    def __init__(self, seed: int = 7, partitions: int = 2) -> None:
        setup = Setup(partitions=partitions, workers=2, seed=seed, faults=RandomFaults())
        self.topology = Topology(setup=setup, policy=policies()[0], catalogue=catalogue())
        self.topology.settle()
        self._inputs = Inputs(self.topology, random.Random(seed))  # noqa: S311 - to be repeated, not to be secret

    def live(self, inputs: int = 40) -> None:
        """Go on for a while, and come to rest."""
        with self.topology.together():
            for _ in range(inputs):
                self._inputs.send_one()
                self.topology.run(5)
        self.topology.advance(days=2)

    def writer(self, fails: Callable[[Place], bool] = lambda _: False) -> Write:
        """Give what writes into the logs; nothing is acknowledged where it fails."""
        return writer(self.topology, fails)

    async def snapshots(
        self,
        folder: Path,
        *,
        edits: Mapping[Place, Edit] | None = None,
        every: timedelta | None = None,
        write: Write | None = None,
        begins: Mapping[Place, int] | None = None,
    ) -> list[Taken]:
        """Take what is due."""
        origin = Tampered(self.topology, edits or {}, begins or {})
        how = HowTaken(folder, write or self.writer(), lambda: self.topology.now, every)
        return await run(origin, how)

    async def replayed(self, edits: Mapping[Place, Edit] | None = None, asked: Asked | None = None) -> Summary:
        """Replay it, tampered with or not."""
        return await replayed(self.topology, edits or {}, asked)


def writer(topology: Topology, fails: Callable[[Place], bool] = lambda _: False) -> Write:
    """Give what writes into the logs of a topology; nothing is acknowledged where it fails."""

    async def write(act: Act) -> Outcome:
        written, failed = [], []
        for topic, partition, event in act.placed(dict.fromkeys(act.topics, topology.setup.partitions)):
            assert partition is not None
            if fails(Place(topic, partition)):
                failed.append(Failure(topic, partition, "not acknowledged"))
            else:
                offset = topology.cluster.append(topic, partition, as_record(event, None))
                written.append(Receipt(topic, partition, offset))
        topology.settle()
        return Outcome(written, failed)

    return write


async def taken_of(topology: Topology, folder: Path) -> list[Taken]:
    """Take snapshots of all partitions of a topology."""
    return await run(MemoryOrigin(topology.cluster), HowTaken(folder, writer(topology), lambda: topology.now))
