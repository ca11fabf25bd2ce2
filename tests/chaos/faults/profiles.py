"""Named forms of a run: what runs, and what is done to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.chaos.faults.plan import Kind

AGENTS, INSTITUTIONS, BRIDGES, EXECUTORS, BROKERS, VENDOR, ALL = (
    "agents",
    "institutions",
    "bridges",
    "executors",
    "brokers",
    "vendor",
    "all",
)
Counts = Mapping[tuple[Kind, str], int]


@dataclass(frozen=True, slots=True)
class Least:
    """What a run has to come to, so that it was a test at all.

    Attributes:
        inside: share of the SIGKILLs and SIGSTOPs that could cut a transaction off, and did.
        fences: workers that the broker refused as an earlier owner.
    """

    inside: float = 0.0
    fences: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """What runs and what is done.

    Attributes:
        reserve: agents that wait for a scale-out.
        small_disks: brokers whose disk can be filled.
        spares: the last agent on duty and the last bridge are left alone, to see what a long life comes to.
        least: what it has to come to.
    """

    counts: Counts
    notifications: int
    agents: int = 2
    reserve: int = 0
    bridges: int = 1
    executors: int = 0
    brokers: int = 3
    small_disks: int = 0
    spares: bool = False
    least: Least = Least()

    def times(self, factor: float) -> "Profile":
        """Give the same with so many times the disturbances; each kind is left at least once."""
        return replace(self, counts={what: max(1, round(times * factor)) for what, times in self.counts.items()})

    def without(self, kind: Kind) -> "Profile":
        """Leave a kind out."""
        return replace(self, counts={what: times for what, times in self.counts.items() if what[0] is not kind})

    def sized(self, agents: int | None = None, bridges: int | None = None, brokers: int | None = None) -> "Profile":
        """Give the same with so many of each; None leaves a number. One broker has nobody to give its leaders to."""
        sized = replace(
            self, agents=agents or self.agents, bridges=bridges or self.bridges, brokers=brokers or self.brokers
        )
        return sized.without(Kind.LEADERS) if sized.brokers == 1 else sized


WORKERS = Profile(
    {
        (Kind.KILL, AGENTS): 7,
        (Kind.KILL, INSTITUTIONS): 2,
        (Kind.KILL, BRIDGES): 1,
        (Kind.STOP, AGENTS): 2,
    },
    notifications=9_000,
    least=Least(inside=1 / 3, fences=1),
)
"""What `make test` has time for: 10 SIGKILLs and 2 SIGSTOPs of workers, on brokers that are left alone."""

ON_BROKERS = Profile(
    {
        (Kind.KILL, AGENTS): 3,
        (Kind.KILL, BRIDGES): 1,
        (Kind.BROKER_KILL, BROKERS): 3,
        (Kind.BROKER_STOP, BROKERS): 2,
        (Kind.BROKER_SLOW, BROKERS): 1,
        (Kind.BROKER_ROLL, BROKERS): 1,
        (Kind.LEADERS, BROKERS): 2,
        (Kind.OUTAGE, BROKERS): 1,
    },
    notifications=10_000,
    bridges=2,
)

EVERYTHING = Profile(
    {
        (Kind.KILL, AGENTS): 5,
        (Kind.KILL, INSTITUTIONS): 2,
        (Kind.KILL, BRIDGES): 2,
        (Kind.KILL, EXECUTORS): 2,
        (Kind.STOP, AGENTS): 2,
        (Kind.STOP, INSTITUTIONS): 1,
        (Kind.STOP, BRIDGES): 1,
        (Kind.STOP, EXECUTORS): 1,
        (Kind.TERM, AGENTS): 1,
        (Kind.TERM, INSTITUTIONS): 1,
        (Kind.TERM, BRIDGES): 1,
        (Kind.TERM, EXECUTORS): 1,
        (Kind.DEPLOY, ALL): 1,
        (Kind.SCALE_OUT, AGENTS): 1,
        (Kind.BROKER_KILL, BROKERS): 2,
        (Kind.BROKER_STOP, BROKERS): 1,
        (Kind.BROKER_SLOW, BROKERS): 1,
        (Kind.LEADERS, BROKERS): 1,
        (Kind.DISK, BROKERS): 1,
        (Kind.OUTAGE, BROKERS): 1,
        (Kind.SKEW, ALL): 3,
        (Kind.VENDOR, VENDOR): 3,
    },
    notifications=15_000,
    reserve=1,
    bridges=2,
    executors=2,
    small_disks=1,
)

BLACKOUTS = Profile(
    {(Kind.KILL, AGENTS): 10, (Kind.OUTAGE, BROKERS): 20},
    notifications=50_000,
    bridges=2,
    least=Least(inside=1 / 3),
)
"""All brokers at once, again and again under steady traffic: the one fault that leaves nobody who knows more."""

LONG = replace(
    EVERYTHING,
    counts={
        (Kind.KILL, AGENTS): 34,
        (Kind.KILL, INSTITUTIONS): 8,
        (Kind.KILL, BRIDGES): 6,
        (Kind.KILL, EXECUTORS): 6,
        (Kind.STOP, AGENTS): 13,
        (Kind.STOP, INSTITUTIONS): 2,
        (Kind.STOP, BRIDGES): 2,
        (Kind.STOP, EXECUTORS): 2,
        (Kind.TERM, AGENTS): 3,
        (Kind.TERM, INSTITUTIONS): 1,
        (Kind.TERM, BRIDGES): 2,
        (Kind.TERM, EXECUTORS): 1,
        (Kind.DEPLOY, ALL): 2,
        (Kind.SCALE_OUT, AGENTS): 3,
        (Kind.BROKER_KILL, BROKERS): 12,
        (Kind.BROKER_STOP, BROKERS): 5,
        (Kind.BROKER_SLOW, BROKERS): 3,
        (Kind.BROKER_ROLL, BROKERS): 1,
        (Kind.LEADERS, BROKERS): 4,
        (Kind.DISK, BROKERS): 1,
        (Kind.OUTAGE, BROKERS): 1,
        (Kind.SKEW, ALL): 10,
        (Kind.VENDOR, VENDOR): 12,
    },
    notifications=310_000,
    least=Least(inside=1 / 3, fences=5),
)
"""More than 300,000 notifications over HTTP: three in a hundred of these go into the log directly."""

PROFILES: Mapping[str, Profile] = {
    "workers": WORKERS,
    "brokers": ON_BROKERS,
    "everything": EVERYTHING,
    "blackouts": BLACKOUTS,
    "long": LONG,
}
