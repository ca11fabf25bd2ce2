"""What is done to whom, drawn from a seed: kinds of disturbances, and how many of each a profile has."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A sort of disturbance."""

    KILL = "SIGKILL"
    STOP = "SIGSTOP"
    TERM = "SIGTERM"
    DEPLOY = "rolling deploy"
    SCALE_OUT = "scale-out"
    SCALE_IN = "scale-in"
    BROKER_KILL = "broker SIGKILL"
    BROKER_STOP = "broker SIGSTOP"
    BROKER_SLOW = "broker slow"
    BROKER_ROLL = "rolling restart of brokers"
    LEADERS = "leaders moved"
    OUTAGE = "all brokers gone"
    DISK = "disk full"
    SKEW = "clock skewed"
    VENDOR = "vendor fault"

    @property
    def is_of_brokers(self) -> bool:
        """Tell whether every process feels it."""
        return self in OF_BROKERS


OF_BROKERS = frozenset(
    {
        Kind.BROKER_KILL,
        Kind.BROKER_STOP,
        Kind.BROKER_SLOW,
        Kind.BROKER_ROLL,
        Kind.LEADERS,
        Kind.OUTAGE,
        Kind.DISK,
    }
)
LANES: Mapping[Kind, str] = {
    **dict.fromkeys(OF_BROKERS, "brokers"),
    Kind.DEPLOY: "deploys",
    Kind.SCALE_OUT: "deploys",
    Kind.SKEW: "surroundings",
    Kind.VENDOR: "surroundings",
}
"""Disturbances that last: one after the other within a lane, side by side with everything else."""


WORKERS_LANE = "workers"
USUAL_SECONDS = 6.0
SECONDS: Mapping[Kind, float] = {
    Kind.DEPLOY: 30.0,
    Kind.SCALE_OUT: 25.0,
    Kind.BROKER_KILL: 20.0,
    Kind.BROKER_STOP: 14.0,
    Kind.BROKER_SLOW: 14.0,
    Kind.BROKER_ROLL: 45.0,
    Kind.DISK: 30.0,
    Kind.OUTAGE: 20.0,
    Kind.SKEW: 9.0,
    Kind.VENDOR: 9.0,
}
"""What a disturbance takes until the next of its lane can begin, about; an outage lasts besides. A feed goes by it."""


def lane_of(kind: Kind) -> str:
    """Give the lane of a kind."""
    return LANES.get(kind, WORKERS_LANE)


@dataclass(frozen=True, slots=True)
class Step:
    """One disturbance of a group.

    Attributes:
        after: seconds from when the victim is at work; in a lane, from the end of the one before.
        in_recovery: whether it does not wait for the victim to be at work.
        number: draws the victim, and what else is to be drawn.
    """

    kind: Kind
    group: str
    after: float
    in_recovery: bool
    number: int


@dataclass(eq=False, slots=True)
class Done:
    """A disturbance as it happened, from epoch seconds `at`; `until` is when it was over.

    `had_effect` is False for one that came to nothing: no leader moved, or a broker that did not mind its full disk.
    """

    kind: Kind
    victim: str
    application: str
    at: float
    until: float = 0.0
    detail: str = ""
    had_effect: bool = True

    def __post_init__(self) -> None:
        """Let one without an end be over at once."""
        self.until = self.until or self.at


def note(done: list[Done], kind: Kind, victim: str, application: str = "", detail: str = "") -> Done:
    """Write a disturbance down as it begins."""
    noted = Done(kind, victim, application, time.time(), detail=detail)
    done.append(noted)
    return noted


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what; `gaps` are the least and most seconds of work before a disturbance.

    Attributes:
        counts: how often each kind meets each group.
        sleep_seconds: how long a sleeper sleeps at least; past its session.
        outage_seconds: how long all brokers are gone.
        in_recovery: the share of disturbances that do not wait for the victim to be at work again.
        every_seconds: one disturbance each so many seconds, by the clock; None for one after the other.
    """

    seed: int
    counts: Mapping[tuple[Kind, str], int]
    sleep_seconds: float = 7.0
    outage_seconds: float = 60.0
    gaps: tuple[float, float] = (0.6, 2.2)
    in_recovery: float = 0.1
    every_seconds: float | None = None
    broker_seconds: tuple[float, float] = (1.0, 14.0)
    """For how long one broker is gone, or stopped: up to past its session of 9 s."""

    @property
    def seconds(self) -> float:
        """How long it all takes, about."""
        return self.seconds_of(self._by_kind())

    @property
    def number_of_steps(self) -> int:
        """How many steps there are."""
        return sum(self.counts.values())

    def _by_kind(self) -> Counter[Kind]:
        by_kind: Counter[Kind] = Counter()
        for (kind, _), times in self.counts.items():
            by_kind[kind] += times
        return by_kind

    def seconds_after(self, finished: Counter[Kind]) -> float:
        """How long the rest takes, about."""
        return self.seconds_of(self._by_kind() - finished)

    def seconds_of(self, kinds: Mapping[Kind, int]) -> float:
        """How long disturbances take, about: lanes go side by side, unless the clock sets the pace."""
        if self.every_seconds is not None:
            return self.every_seconds * sum(kinds.values())
        lanes: Counter[str] = Counter()
        for kind, times in kinds.items():
            lasts = self.outage_seconds if kind is Kind.OUTAGE else 0.0
            lanes[lane_of(kind)] += round(times * (SECONDS.get(kind, USUAL_SECONDS) + lasts))
        return float(max(lanes.values(), default=0))

    def steps(self) -> Iterator[Step]:
        """Draw the steps."""
        draw = random.Random(self.seed)  # noqa: S311 - to be repeated, not to be secret
        kinds = [kind for kind, times in self.counts.items() for _ in range(times)]
        draw.shuffle(kinds)
        for kind, group in kinds:
            after, early = draw.uniform(*self.gaps), draw.random() < self.in_recovery
            yield Step(kind, group, after, early, draw.randrange(1 << 30))
