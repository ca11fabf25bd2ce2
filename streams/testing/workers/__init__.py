"""Worker processes cut into steps, a scheduler that takes them by seed, and what goes wrong in between."""

from streams.testing.workers.faults import Fault, FaultBefore, Faults, Happened, RandomFaults
from streams.testing.workers.partition import OwnedPartition, Parts, Steps, as_record
from streams.testing.workers.simulation import Restless, Setup, Simulation
from streams.testing.workers.steps import Step

__all__ = [
    "Fault",
    "FaultBefore",
    "Faults",
    "Happened",
    "OwnedPartition",
    "Parts",
    "RandomFaults",
    "Restless",
    "Setup",
    "Simulation",
    "Step",
    "Steps",
    "as_record",
]
