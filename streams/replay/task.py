"""What is to be replayed of one partition of a log, and what came of it: small, so that another process can have it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from schemas.canary import CANARY_TOPIC
from schemas.policy import Policy
from streams.fold.application import THE_AGENT, Application
from streams.history import Place, Span
from streams.kafka.topics import CUSTOMER_COMMANDS, LOOKUP, TICKETS
from streams.links import FixLinks
from streams.replay.compare.difference import Counts, Difference
from streams.replay.otherwise.commands import WhatIf

SHOWN = 20
"""Differences of a partition that are kept in memory, the first ones."""


def messages_of(application: Application) -> tuple[str, ...]:
    """Name the topics whose messages a replay of a log is held against."""
    return (*CUSTOMER_COMMANDS, LOOKUP, CANARY_TOPIC) if application == THE_AGENT else (TICKETS,)


class Links(NamedTuple):
    """What the links of commands are made of."""

    keys: tuple[bytes, ...]
    url: str

    def made(self) -> FixLinks:
        """Give what seals them."""
        return FixLinks(self.keys, self.url)


@dataclass(frozen=True, slots=True)
class Task:
    """One partition of a log.

    Attributes:
        application: whose log it is.
        partition: its number.
        partitions: of every topic.
        identity: the name that the log's chain began with, `<cluster id>/<topic id>`; a snapshot's own wins.
        span: what is folded.
        compared_from: the first offset of `span` that is compared; those before it lead up to the state.
        begins: the log's very first record is in `span`, so that all that was ever decided is derived.
        ends: `span` goes as far as anything was decided on, so that nothing may be recorded beyond it.
        decided: everything in `span` was decided on live, as far as can be told.
        recorded: what is there of each topic that is compared.
        customers: whose decisions are compared; of all where it is empty.
        links: as live makes them; None compares commands without.
        policy: instead of the recorded ones, from `compared_from` on.
        snapshot: the state that `span` goes on from; None for none.
        former: names that the log had before it was restored.
        asks_snapshot: one was asked for, whether there is one before what is compared or not.
    """

    application: Application
    partition: int
    partitions: int
    identity: str
    span: Span
    compared_from: int
    begins: bool
    ends: bool
    decided: bool
    recorded: Mapping[str, Span]
    customers: frozenset[str] = frozenset()
    links: Links | None = None
    policy: Policy | None = None
    snapshot: Path | None = None
    former: tuple[str, ...] = ()
    asks_snapshot: bool = False

    @property
    def compares_states(self) -> bool:
        """Whether states are held against what snapshots have announced: all of a partition's, under the same rules."""
        return self.policy is None and not self.customers

    @property
    def place(self) -> Place:
        """The partition."""
        return Place(self.application.log, self.partition)

    @property
    def is_whole(self) -> bool:
        """Whether all that is recorded, from its beginning on, is compared."""
        return self.begins and self.compared_from <= self.span.begin


class Began(NamedTuple):
    """The snapshot that a fold went on from: its file's name, the offset of its mark and the time of that in ms."""

    name: str
    offset: int
    at: int


@dataclass(slots=True)
class Outcome:
    """What a replay of one partition came to.

    Attributes:
        place: the partition.
        events: how many records were folded.
        compared: how many of them were compared.
        counts: how many decisions and messages compare how.
        engines: recorded decisions by the engine version that made them.
        undecided: derived decisions behind the last recorded one, where nobody knows how far live has come.
        first: the first differences.
        differences: how many there are in all.
        announced: incidents that were derived, by id with the hash of their data.
        heard: incidents that the log has, likewise.
        kept_since: the time of the first record of a topic that does not keep its beginning, milliseconds since 1970.
        what_if: what came of another policy; None under the recorded ones.
        recorded_policy: the one in whose place the other one came; likewise.
        began: the snapshot that it went on from; None for the log's beginning.
        asks_snapshot: one was asked for.
        of_some: decisions of some customers alone were compared.
        seconds: how long it took.
        error: why it could not be done; None where it was.
    """

    place: Place
    events: int = 0
    compared: int = 0
    counts: Counts = field(default_factory=Counter)
    engines: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    first: list[Difference] = field(default_factory=list)
    differences: int = 0
    announced: dict[str, str] = field(default_factory=dict)
    heard: dict[str, str] = field(default_factory=dict)
    kept_since: dict[str, int] = field(default_factory=dict)
    what_if: WhatIf | None = None
    recorded_policy: Policy | None = None
    began: Began | None = None
    asks_snapshot: bool = False
    of_some: bool = False
    seconds: float = 0.0
    error: str | None = None

    def take(self, difference: Difference) -> None:
        """Count a difference, and keep it where it is among the first."""
        self.differences += 1
        if len(self.first) < SHOWN:
            self.first.append(difference)
