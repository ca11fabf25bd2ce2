"""An export from its plan to its manifest; a run that was stopped is gone on with."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.times import from_epoch_ms, rfc3339
from streams.export.choices import STATE, Choices, ExportError
from streams.export.cut import AtWork, Ends, planned, require_rest, told_at_work
from streams.export.journal import finished, sha256_of
from streams.export.names.altering import Altering
from streams.export.names.names import Names
from streams.export.plan import Plan, begun, clear, discard, save
from streams.export.reading import Reading, Tick
from streams.export.workers import Work, on_every_partition
from streams.history import Content, History, Origin, Place
from streams.history.exports.manifest import Manifest, Partition, Topic, write_manifest
from streams.history.forgotten import forgotten_in
from streams.kafka.topics import EVENTS
from streams.progress import Told

T = TypeVar("T")
WARNINGS = {
    Content.WHOLE: "every byte is here: ids, customers who were forgotten, and links in commands that open sessions at "
    "the vendor for 9 days after they were issued; keep it as you keep the cluster itself",
    Content.STRIPPED: "ids of customers, accounts and logins are here; links and ids of who was forgotten are not",
    Content.PSEUDONYMISED: "other names stand for all customers, accounts and logins; institutions, codes and times "
    "are as they were",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One export.

    Attributes:
        origin: what is exported.
        processes: how many to use; 1 is this one alone, for origins that cannot go to another.
        key: what other names are made with.
        uncommitted: asks where topics end with what is not committed; None where there is never such.
        at_work: asks which agents run; None where none does.
        say: takes a line for whoever waits.
    """

    origin: Origin
    folder: Path
    choices: Choices
    processes: int
    key: bytes
    at: datetime
    uncommitted: Ends | None = None
    at_work: AtWork | None = None
    say: Callable[[str], None] = lambda _: None

    def go(self) -> Manifest:
        """Export all that is still missing, and give what the export is.

        Raises:
            ExportError: it cannot be begun, or is not whole; what is there is gone on with by the next run.
            HistoryError: the history cannot be read.
            OSError: the folder cannot be written to.
        """
        plan = asyncio.run(self._planned())
        self.say(WARNINGS[self.choices.content])
        forgotten = frozenset[str]()
        if self.choices.content is Content.STRIPPED:
            plan, forgotten = self._with_forgotten(plan)
        state = self.choices.state if self.choices.content is Content.WHOLE else ()
        altering = None
        if self.choices.content is not Content.WHOLE:
            altering = Altering(self.choices.content, self.key, forgotten, frozenset(self.choices.customers))
        if state and not plan.state_sha256:
            plan = self._state_read(plan, state)
        rest = [topic for topic in self.choices.topics if topic not in state]
        self._all(Exporting(self.origin, self.folder, plan, rest, altering), plan, rest, "records")
        manifest = self._manifest(plan, forgotten)
        write_manifest(self.folder, manifest)
        clear(self.folder, plan)
        return manifest

    async def _planned(self) -> Plan:
        kept = self.choices.kept(self.key)
        plan = begun(self.folder, kept)
        async with self.origin.open() as history:
            if plan is not None:
                plan = await self._still(history, plan)
            if plan is None:
                plan = await planned(history, self.choices, self.at, self.uncommitted)
                plan = msgspec.structs.replace(plan, choices=kept)
                save(self.folder, plan)
        return plan

    async def _still(self, history: History, plan: Plan) -> Plan | None:
        """Give a plan that can be gone on with; one whose state has moved on meanwhile is begun anew."""
        topics = {topic: one.id for topic, one in plan.topics.items()}
        if (history.cluster_id, {name: history.topics.get(name) for name in topics}) != (plan.cluster_id, topics):
            raise ExportError(
                f"what was begun in {self.folder} is of another cluster, or of topics that were made anew since: "
                "remove the folder, and begin again"
            )
        if (why := await self._why_anew(history, plan)) is not None:
            self.say(f"{why}: it begins anew")
            discard(self.folder, plan)
            return None
        self.say(f"going on with the export that was begun at {plan.made_at}")
        return plan

    async def _why_anew(self, history: History, plan: Plan) -> str | None:
        """Say why the state of a plan cannot be of one moment any more; None where it can."""
        if self.choices.content is not Content.WHOLE or not self.choices.state:
            return None
        if plan.state_sha256:
            is_there = sha256_of(self.folder, plan.spans(self.choices.state)) == plan.state_sha256
            return None if is_there else "the state that was read is damaged"
        try:
            await require_rest(history, plan)
        except ExportError:
            return "the agents have written since it was begun"
        return None

    def _with_forgotten(self, plan: Plan) -> tuple[Plan, frozenset[str]]:
        """Find who was forgotten by now; files that were written before the last of them was cannot stay."""
        read = self._all(Forgotten(self.origin), plan, (EVENTS,), "looking for customers who were forgotten")
        forgotten = frozenset().union(*read)
        if forgotten and not self.key:
            raise ExportError(
                f"{len(forgotten)} customers were forgotten, and other names have to stand for them: set "
                "TXPUSH_PSEUDONYM_KEYS (`openssl rand -hex 32`), the same as in the log"
            )
        names = Names(self.key, plan.partitions, forgotten)
        known = hashlib.sha256("\n".join(sorted(map(names.customer, forgotten))).encode()).hexdigest()
        if plan.forgotten not in {"", known}:
            self.say("another customer was forgotten since it was begun: it begins anew")
            discard(self.folder, plan)
        plan = msgspec.structs.replace(plan, forgotten=known, forgotten_count=len(forgotten))
        save(self.folder, plan)
        return plan, forgotten

    def _state_read(self, plan: Plan, state: Sequence[str]) -> Plan:
        """Export the state, and say of agents that run meanwhile what comes of it; once it is there they may."""
        if self.at_work is not None:
            for line in asyncio.run(told_at_work(self.at_work)):
                self.say(line)
        self._all(Exporting(self.origin, self.folder, plan, state, None), plan, state, "state")

        async def checked() -> None:
            async with self.origin.open() as history:
                await require_rest(history, plan)

        asyncio.run(checked())
        plan = msgspec.structs.replace(plan, state_sha256=sha256_of(self.folder, plan.spans(state)))
        save(self.folder, plan)
        self.say("the state is there: the agents may start again")
        return plan

    def _all(self, work: Work[T], plan: Plan, topics: Sequence[str], what: str) -> list[T]:
        total = sum(span.offsets for topic in topics if topic in plan.topics for span in plan.topics[topic].spans)
        with Told(what, total) as told:
            outcome = on_every_partition(work, range(plan.partitions), self.processes, told.add)
        if outcome.failed:
            lines = [f"partition {number}: {why}" for number, why in sorted(outcome.failed.items())]
            raise ExportError("\n".join(["not all was exported:", *lines, "run the same again: it goes on from there"]))
        return list(outcome.results.values())

    def _manifest(self, plan: Plan, forgotten: frozenset[str]) -> Manifest:
        choices = self.choices
        names = Names(self.key, plan.partitions, None if choices.content is Content.PSEUDONYMISED else forgotten)
        return Manifest(
            made_at=plan.made_at,
            made_by=version("txpush-remediation"),
            cluster_id=plan.cluster_id,
            partitions=plan.partitions,
            content=choices.content,
            topics={topic: self._topic(plan, topic) for topic in choices.topics},
            since=None if choices.since_ms is None else rfc3339(from_epoch_ms(choices.since_ms)),
            until=None if choices.until_ms is None else rfc3339(from_epoch_ms(choices.until_ms)),
            customers=tuple(names.customer(one) if names.applies(one) else one for one in choices.customers),
            forgotten=plan.forgotten_count,
            warning=WARNINGS[choices.content],
        )

    def _topic(self, plan: Plan, topic: str) -> Topic:
        partitions = (
            Partition(span.begin, span.end, tuple(finished(self.folder, Place(topic, number), span)))
            for number, span in enumerate(plan.topics[topic].spans)
        )
        return Topic(plan.topics[topic].id, tuple(partitions))


@dataclass(frozen=True, slots=True)
class Exporting:
    """Exports some topics of a partition; goes to another process."""

    origin: Origin
    folder: Path
    plan: Plan
    topics: Sequence[str]
    altering: Altering | None

    def __call__(self, number: int, tick: Tick) -> None:
        """See Work."""
        asyncio.run(self._run(number, tick))

    async def _run(self, number: int, tick: Tick) -> None:
        async with self.origin.open() as history:
            altered = None if self.altering is None else await self.altering.of_partition(history, number)
            reading = Reading(history, self.folder, self.plan, altered, tick)
            for topic in self.topics:
                await reading.export(Place(topic, number))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Looks for customers who were forgotten; goes to another process."""

    origin: Origin

    def __call__(self, number: int, tick: Tick) -> frozenset[str]:
        """See Work."""
        return asyncio.run(self._run(number, tick))

    async def _run(self, number: int, tick: Tick) -> frozenset[str]:
        async with self.origin.open() as history:
            return await forgotten_in(history, number, tick)


def require_all_state(choices: Choices) -> None:
    """Refuse a part of the state where all of it has to be of one moment.

    Raises:
        ExportError: says so.
    """
    if choices.content is Content.WHOLE and choices.state and len(choices.state) < len(STATE):
        lacking = sorted(set(STATE) - set(choices.state))
        raise ExportError(
            f"state is exported all or not at all with --whole: add {', '.join(lacking)}, or leave it out"
        )
