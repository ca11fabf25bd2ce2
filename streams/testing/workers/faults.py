"""What may go wrong between two steps, how often, and what did."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Protocol

from streams.testing.workers.steps import Step


class Fault(StrEnum):
    """What happens to a worker, or to its group."""

    KILL = "kill"
    """Its memory is lost; a process of the same instance starts some time later."""
    STOP = "stop"
    """It ends in good order, and is started anew."""
    PAUSE = "pause"
    """It sleeps: for a moment, or past its session, and then wakes as a zombie."""
    REPLACE = "replace"
    """It sleeps, and a process of the same instance is started beside it."""
    REBALANCE = "rebalance"
    """All members of the group have to join again."""


class Faults(Protocol):
    """Decides what goes wrong; asked after every step of a partition."""

    def draw(self, draw: random.Random, before: Step | None) -> Fault | None:
        """Give what happens now, before the partition's next step."""


@dataclass(slots=True)
class RandomFaults:
    """Faults by chance, each with its own per step; after `limit` of them nothing else goes wrong."""

    kill: float = 0.02
    stop: float = 0.002
    pause: float = 0.015
    replace: float = 0.005
    rebalance: float = 0.002
    limit: int = 20
    seen: int = 0

    def draw(self, draw: random.Random, before: Step | None) -> Fault | None:
        """Give one fault at most."""
        if before is None or self.seen >= self.limit:
            return None
        number = draw.random()
        for fault in Fault:
            number -= getattr(self, fault)
            if number < 0:
                self.seen += 1
                return fault
        return None


@dataclass(slots=True)
class FaultBefore:
    """One fault, just before a step is taken for the nth time, counted over all partitions of an application."""

    fault: Fault
    step: Step
    nth: int = 1

    def draw(self, draw: random.Random, before: Step | None) -> Fault | None:  # noqa: ARG002 - nothing is left to chance
        """Count down to it."""
        if before is not self.step:
            return None
        self.nth -= 1
        return self.fault if self.nth == 0 else None


@dataclass(slots=True)
class Happened:
    """What a run has seen, each by the step that came next."""

    steps: Counter[Step] = field(default_factory=Counter)
    kills: Counter[Step] = field(default_factory=Counter)
    pauses: Counter[Step] = field(default_factory=Counter)
    zombies: Counter[Step] = field(default_factory=Counter)
    """Steps that a worker took after its partitions had been given away."""
    fenced: Counter[Step] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Happened") -> None:
        """Count what another run has seen, too."""
        for one in fields(self):
            getattr(self, one.name).update(getattr(other, one.name))

    def table(self) -> Iterator[str]:
        """Give the counts as lines of text, a step a line."""
        columns = {"taken": self.steps, "kills": self.kills, "pauses": self.pauses}
        columns |= {"as zombie": self.zombies, "fenced": self.fenced}
        yield f"{'step':10}" + "".join(f"{name:>12}" for name in columns)
        for step in Step:
            yield f"{step:10}" + "".join(f"{counts[step]:12,}" for counts in columns.values())
        yield "  ".join(f"{name}: {times:,}" for name, times in sorted(self.others.items()))
