"""One seeded schedule: inputs, steps and faults in any order, then rest, then days of timers, then the check."""

import random
from collections.abc import Callable

from streams.testing import Happened, OwnedPartition, RandomFaults, Setup, Topology
from streams.testing.workers import Parts
from tests.topology.inputs import Inputs, catalogue, policies

INPUTS = 40
STEPS = (0, 0, 1, 2, 5, 20)
"""Steps between two inputs."""

NewPartition = Callable[[Parts, int], OwnedPartition]


def run(seed: int, partition: NewPartition = OwnedPartition) -> Topology:
    """Run a schedule to its rest; the rest is to be checked."""
    draw = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    setup = Setup(
        partitions=draw.choice((1, 2, 3)),
        workers=draw.choice((1, 2, 3)),
        seed=seed,
        faults=RandomFaults(),
        partition=partition,
    )
    topology = Topology(setup=setup, policy=policies()[0], catalogue=catalogue())
    topology.run(draw.randrange(60))
    with topology.together():
        source = Inputs(topology, draw)
        for _ in range(INPUTS):
            source.send_one()
            topology.run(draw.choice(STEPS))
    topology.advance(days=draw.choice((0, 1, 3)))
    return topology


def check(seeds: range) -> tuple[Happened, list[str]]:
    """Run schedules and give what happened in them, and every problem with the seed that shows it."""
    happened, problems = Happened(), []
    for seed in seeds:
        topology = run(seed)
        happened.add(topology.happened)
        problems += [f"seed {seed}: {problem}" for problem in topology.problems()]
    return happened, problems
