"""A driver for tests: both agents on a broker in memory, with crashes, zombies and rebalances by seed."""

from streams.testing.broker import Cluster, Isolation, ProducerFenced, Record
from streams.testing.topology import Inconsistent, Topology
from streams.testing.workers import (
    Fault,
    FaultBefore,
    Faults,
    Happened,
    OwnedPartition,
    RandomFaults,
    Restless,
    Setup,
    Simulation,
    Step,
    Steps,
)

__all__ = [
    "Cluster",
    "Fault",
    "FaultBefore",
    "Faults",
    "Happened",
    "Inconsistent",
    "Isolation",
    "OwnedPartition",
    "ProducerFenced",
    "RandomFaults",
    "Record",
    "Restless",
    "Setup",
    "Simulation",
    "Step",
    "Steps",
    "Topology",
]
