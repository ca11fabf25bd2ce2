"""What is to be replayed: which partitions of which log, from where to where, and what is there to compare with."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from schemas.policy import Policy
from schemas.problems import UNREADABLE
from schemas.state import ControlState
from streams.fold.application import APPLICATIONS, THE_AGENT, Application
from streams.fold.effects import SourceRecord
from streams.fold.intake import partition_of
from streams.history import Content, History, HistoryError, Place, Span
from streams.history.chains import begun_as
from streams.history.hashes import customers_of, has_other_names, require_hashes
from streams.kafka.topics import AUDIT, changelog
from streams.pseudonyms import Kind, kind_of
from streams.replay.task import Links, Task, messages_of
from streams.snapshots.folder import latest_before, snapshots_in

TAIL = 64
"""Offsets at the end of a changelog in which the last word on its partition is looked for first."""
_BY_LOG = {application.log: application for application in APPLICATIONS}
_read_control = msgspec.json.Decoder(ControlState).decode


@dataclass(frozen=True, slots=True)
class Asked:
    """What a replay is asked for; times and offsets are of the records of the logs.

    Attributes:
        since: what is compared begins with the first record of that time or later.
        until: and ends before the first of this one or later.
        offsets: of the inbound log alone, instead of times: what is compared of some partitions.
        customers: whose decisions are compared; of all where it is empty.
        links: of live; None compares commands without theirs.
        policy: stands for the recorded ones in what is compared.
        snapshots: a folder; what is compared is folded from the last one before it on, and nothing before the first.
        former: names that the logs had before they were restored, `<cluster id>/<topic id>`.
    """

    since: datetime | None = None
    until: datetime | None = None
    offsets: Mapping[int, Span] = field(default_factory=dict)
    customers: frozenset[str] = frozenset()
    links: Links | None = None
    policy: Policy | None = None
    snapshots: Path | None = None
    former: tuple[str, ...] = ()

    @property
    def applications(self) -> Sequence[Application]:
        """The agents whose logs are replayed."""
        return (THE_AGENT,) if self.customers or self.offsets else APPLICATIONS

    @property
    def is_all(self) -> bool:
        """Whether everything is compared that there is."""
        return not (self.since or self.until or self.offsets or self.customers or self.snapshots)


def fitted(history: History, asked: Asked) -> Asked:
    """Give what is asked as far as a history has it: an export of some customers is replayed for them.

    Raises:
        HistoryError: what is asked for is not in it; says what to do.
    """
    if asked.policy is None:
        require_hashes(history)
    if has_other_names(history) and asked.snapshots is not None:
        raise HistoryError(
            "the export has other names in place of customers', and the states of snapshots have not: leave "
            "--snapshot out"
        )
    if history.content is Content.PSEUDONYMISED:
        for customer in asked.customers:
            if kind_of(customer) is not Kind.CUSTOMER:
                raise HistoryError(
                    f"{customer} is an id, and the export has names in place of ids: give the one that "
                    "`txpush pseudonym --kind customer --export FOLDER ID` prints"
                )
    if there := customers_of(history):
        _require_there(history, asked, there)
    links = asked.links if history.content is Content.WHOLE else None  # commands of others have none
    return replace(asked, customers=asked.customers or there, links=links)


def _require_there(history: History, asked: Asked, there: frozenset[str]) -> None:
    only = f"only of {', '.join(sorted(there))}"
    if asked.snapshots is not None:
        raise HistoryError(
            f"the export has records {only}, and the states of snapshots follow from all: leave --snapshot out"
        )
    if beyond := sorted(asked.customers - there):
        raise HistoryError(
            f"the export has nothing of customer {beyond[0]}, {only}; whoever was forgotten has another name in it: "
            "`txpush pseudonym --kind customer --export FOLDER ID` prints it"
        )
    partitions = {partition_of(customer, history.partitions) for customer in there}
    if asked.offsets and not partitions & asked.offsets.keys():
        raise HistoryError(f"the export has records {only}, in partition {', '.join(map(str, sorted(partitions)))}")


async def plan(history: History, asked: Asked) -> list[Task]:
    """Give the partitions that are to be replayed.

    Where live has come to is read first, and what it has recorded last: it goes on meanwhile.

    Raises:
        HistoryError: something is missing, or cannot be read; says what to do.
    """
    applications = asked.applications
    decided = {application.name: await decided_up_to(history, application) for application in applications}
    logs = await history.spans([application.log for application in applications])
    recorded = await history.spans(_topics(applications))
    tasks = []
    for application in applications:
        for partition in _partitions(history, asked, application):
            known = decided[application.name].get(partition)
            task = await _task(history, asked, Place(application.log, partition), known, logs | recorded)
            if task.compared_from < task.span.end:
                tasks.append(task)
    return tasks


def _topics(applications: Iterable[Application]) -> list[str]:
    """Name what is compared: decisions last, as each names messages that are there by then."""
    return [*(topic for application in applications for topic in messages_of(application)), AUDIT]


def _partitions(history: History, asked: Asked, application: Application) -> Sequence[int]:
    if asked.offsets:
        beyond = [number for number in asked.offsets if number >= history.partitions]
        if beyond:
            raise HistoryError(
                f"there is no partition {beyond[0]} of {application.log}: it has 0 to {history.partitions - 1}"
            )
        return sorted(asked.offsets)
    if asked.customers:
        return sorted({partition_of(customer, history.partitions) for customer in asked.customers})
    return range(history.partitions)


async def _task(history: History, asked: Asked, place: Place, decided: int | None, there: Mapping[Place, Span]) -> Task:
    application, log = _BY_LOG[place.topic], there[place]
    known = Span(log.begin, min(log.end, log.end if decided is None else decided))
    compared = await _compared(history, asked, place, known)
    start = None if asked.snapshots is None else start_of(asked, asked.snapshots, place, compared)
    if start is not None:
        compared = compared._replace(begin=max(compared.begin, start.offset))
    elif log.begin and compared.offsets:
        raise HistoryError(
            f"the first records of {place} are not there any more (it begins at offset {log.begin}): decisions are "
            "derived from the beginning, or from a snapshot: give --snapshot FOLDER, or --file FOLDER of an export "
            "without --from of when they were"
        )
    begin = log.begin if start is None else start.offset
    return Task(
        application=application,
        partition=place.partition,
        partitions=history.partitions,
        identity=await begun_as(history, place, asked.former),
        span=Span(begin, max(begin, compared.end)),
        compared_from=compared.begin,
        begins=begin == 0,
        ends=compared.end >= known.end,
        decided=decided is not None,
        recorded={one.topic: span for one, span in there.items() if one.partition == place.partition},
        customers=asked.customers,
        links=asked.links,
        policy=asked.policy,
        snapshot=None if start is None else start.path,
        former=asked.former,
        asks_snapshot=asked.snapshots is not None,
    )


class Start(NamedTuple):
    """A snapshot that a replay goes on from: the first offset behind its state, and its file."""

    offset: int
    path: Path


def start_of(asked: Asked, folder: Path, place: Place, compared: Span) -> Start | None:
    """Give the last snapshot before what is compared, or, without a beginning that was asked for, before its end.

    None where all are later: that is folded from the beginning.

    Raises:
        HistoryError: there is none of this partition at all.
    """
    kept = snapshots_in(folder).get(place, {})
    if not kept:
        raise HistoryError(f"{folder} has no snapshot of {place}: name the folder that `txpush snapshot --to` has")
    has_begin = asked.since is not None or place.partition in asked.offsets
    found = latest_before(kept, compared.begin if has_begin else compared.end - 1)
    return None if found is None else Start(*found)


async def _compared(history: History, asked: Asked, place: Place, known: Span) -> Span:
    if place.partition in asked.offsets:
        return asked.offsets[place.partition].within(known)
    begin = known.begin if asked.since is None else await history.offset_since(place, asked.since)
    end = known.end if asked.until is None else await history.offset_since(place, asked.until)
    return Span(begin, end).within(known)


async def decided_up_to(history: History, application: Application) -> dict[int, int]:
    """Give the offset of each partition of a log up to which live has decided, as its own state says.

    A partition is missing where that is not to be told, as in an export without changelogs.
    """
    topic = changelog(application.name, "control")
    if topic not in history.topics:
        return {}
    found = {}
    for place, span in (await history.spans([topic])).items():
        control = await _last(history, place, span)
        if control is not None and control.next_offset is not None:
            found[place.partition] = control.next_offset
    return found


async def _last(history: History, place: Place, span: Span) -> ControlState | None:
    """Read the last record under the key of a partition of a changelog; what is under others the agent does not read.

    Raises:
        HistoryError: it cannot be read.
    """
    key, begin, tail = str(place.partition).encode(), span.end, TAIL
    last: SourceRecord | None = None
    while last is None and begin > span.begin:
        begin, tail = max(span.begin, span.end - tail), tail * TAIL
        chunks: Any = history.read(place, Span(begin, span.end))
        async with aclosing(chunks):
            async for records in chunks:
                last = next((one for one in reversed(records) if one.key == key), last)
    if last is None or last.value is None:
        return None
    try:
        return _read_control(last.value)
    except UNREADABLE as error:
        where = f"{place} at offset {last.offset}"
        raise HistoryError(f"{where} cannot be read ({error}): state that an agent would refuse as well") from None
