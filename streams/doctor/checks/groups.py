"""How far consumer groups have read: lag in messages and seconds, and partitions that do not go on."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from schemas.contract.channels import Component
from streams.clock import Clock
from streams.doctor.checks.processes import RESUMED, Page, pages, paused
from streams.doctor.findings import Finding, left_out, ok, warning, wrong
from streams.doctor.scope import ONLOOKERS, Scope
from streams.doctor.wire import group
from streams.kafka.present import clock_of
from streams.kafka.topics import AGENT, EXECUTORS, INSTITUTIONS, LOOKUP, SIGNALS
from streams.operate.differences import spans
from streams.operate.reading import FOLDS, POLL_MS, committed_reader, operator_admin, read_by
from streams.polling import polled

READERS: Mapping[str, tuple[Component, str]] = {
    AGENT: (Component.AGENT, FOLDS[AGENT]),
    INSTITUTIONS: (Component.INSTITUTIONS, FOLDS[INSTITUTIONS]),
    EXECUTORS: (Component.EXECUTOR, LOOKUP),
}
"""The groups, who is in them, and what they read."""
LATE_SECONDS = 60.0
"""Unread for so long is more than what is under way."""
AGAIN_SECONDS = 3.0
"""Between the two looks that tell what goes on from what stands still: a worker commits several times in it."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What a group has not read of a partition; the seconds are those that the first of it has waited."""

    offset: int
    messages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A group at the second of two looks."""

    name: str
    component: Component
    log: str
    members: int
    unread: Mapping[int, Unread]
    still: frozenset[int]
    """Partitions where the first unread record was the same at both looks, and has waited for long."""


async def readings(scope: Scope) -> Mapping[str, Reading | None]:
    """Look twice at every group that is of interest; None for one that we may not see."""
    names = [name for name, (component, _) in READERS.items() if scope.concerns(component, *ONLOOKERS)]
    found = await asyncio.gather(*(_reading(scope, name) for name in names))
    return dict(zip(names, found, strict=True))


async def _reading(scope: Scope, name: str) -> Reading | None:
    component, log = READERS[name]
    clock = clock_of(scope.settings)
    try:
        described = await group(scope.access, name)
        first = await _unread(scope, name, log, clock)
        late = [number for number, one in first.items() if one.seconds >= LATE_SECONDS]
        if not late:
            return Reading(name, component, log, described.members, first, frozenset())
        await asyncio.sleep(AGAIN_SECONDS)
        again = await _unread(scope, name, log, clock)
    except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
        return None
    still = frozenset(number for number in late if number in again and again[number].offset == first[number].offset)
    return Reading(name, component, log, described.members, again, still)


async def _unread(scope: Scope, name: str, log: str, clock: Clock) -> dict[int, Unread]:
    """Give what a group has not read, by partition; ends of transactions alone are nothing to be read."""
    places = [TopicPartition(log, number) for number in range(scope.settings.partitions)]
    async with operator_admin(scope.access) as admin:
        committed = await read_by(admin, name)
    async with committed_reader(scope.access) as consumer:
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        at = {place: max(committed.get(place, 0), starts[place]) for place in places}
        behind = {place: offset for place, offset in at.items() if offset < ends[place]}
        records = await _first(consumer, behind, ends) if behind else {}
    now = clock.now().timestamp()
    return {
        place.partition: Unread(record.offset, ends[place] - record.offset, max(0.0, now - record.timestamp / 1000))
        for place, record in records.items()
    }


async def _first(
    consumer: Any,  # noqa: ANN401 - untyped library
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, Any]:
    """Give the first record from an offset on in each partition; none where only ends of transactions follow."""
    consumer.assign(list(starts))
    for place, offset in starts.items():
        consumer.seek(place, offset)
    found: dict[TopicPartition, Any] = {}
    waiting = set(starts)
    while waiting:
        for place, records in (await polled(consumer, *waiting, timeout_ms=POLL_MS)).items():
            if records:
                found[place] = records[0]
        waiting -= found.keys()
        waiting = {place for place in waiting if await consumer.position(place) < ends[place]}
    return found


async def lag(scope: Scope) -> Sequence[Finding]:
    """Say how far behind each group is, and whether anybody reads for it."""
    found = await scope.once(readings)
    return [finding for name, reading in found.items() for finding in _lag(name, reading)]


def _lag(name: str, reading: Reading | None) -> Iterator[Finding]:
    if reading is None:
        yield left_out(f"{name}: no right to see how far it has read", "ask as an operator, or as that component")
        return
    oldest = max((one.seconds for one in reading.unread.values()), default=0.0)
    told = f"{name}: all of {reading.log} is read"
    if reading.unread:
        messages = sum(one.messages for one in reading.unread.values())
        told = f"{name}: {messages:,} messages of {reading.log} unread, the oldest for {oldest:,.0f} s"
    start = f"start `txpush {reading.component}`"
    if not reading.members:
        yield (wrong if reading.unread else warning)(f"{told}, and nobody is in the group", start)
    elif reading.still:
        yield wrong(
            f"{told}; partitions {spans(reading.still)} stand still", "see the check `paused`, and the worker's log"
        )
    elif oldest >= LATE_SECONDS:
        yield warning(
            f"{told}; it goes on", f"wait, or start another `txpush {reading.component}` where cores are left"
        )
    else:
        yield ok(told)


async def stopped(scope: Scope) -> Sequence[Finding]:
    """Say which partitions are paused, as workers tell, or seem to be, as they stand still though somebody has them."""
    return _stopped(await scope.once(pages), (await scope.once(readings)).values())


def _stopped(asked: Sequence[Page], read: Iterable[Reading | None]) -> list[Finding]:
    told = [finding for page in asked for finding in _paused(page.url, dict(paused(page)))]
    if told:
        return told
    folds = [one for one in read if one is not None and one.name in FOLDS]
    if not folds:
        return [left_out("no right to see how far the agents have read", "ask as an operator")]
    guessed = [
        warning(
            f"{one.log} {spans(one.still)} may be paused: nothing is read there, though {one.name} has members",
            "ask the workers: --admin with the address of each admin port",
        )
        for one in folds
        if one.still and one.members
    ]
    return guessed or [ok("none")]


def _paused(url: str, reasons: Mapping[int, str]) -> Iterator[Finding]:
    for number, why in sorted(reasons.items()):
        resume = f"`txpush override resume {number}`, with --log {SIGNALS} where it is an institution agent"
        remedy = f"start a release that can decide on them, or {resume}" if RESUMED in why else "do what it says"
        yield wrong(f"{url}: partition {number} is paused: {why}", remedy)
