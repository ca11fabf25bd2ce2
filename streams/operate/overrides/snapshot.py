"""Reads what the agent keeps of overrides, which wait in its log, and who decided the ones that it has taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.events import EventType, Override
from schemas.problems import UNREADABLE
from schemas.state import AccountState, CustomerState, LoginState, Surroundings
from schemas.times import time_of_record
from streams.fold.effects import type_of
from streams.fold.intake import partition_of
from streams.kafka.access import Bootstrap
from streams.kafka.topics import AGENT, EVENTS, changelog
from streams.operate.reading import POLL_MS, READ_SECONDS, committed_reader, positions, to_end, within
from streams.operate.writing import OperateError
from streams.polling import polled

R = TypeVar("R")

LOOK_BACK_SECONDS = 20.0
"""How long the log is read back for who decided, after all else was read: it is kept for more than a year."""
LOOK_BACK_RECORDS = 50_000
"""How many records that takes at once."""

TABLES: Mapping[str, type] = {
    "customers": CustomerState,
    "accounts": AccountState,
    "logins": LoginState,
    "surroundings": Surroundings,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """An override in the log."""

    partition: int
    offset: int
    at: datetime
    data: Override


@dataclass(slots=True)
class Snapshot:
    """What was read of overrides, as of one moment.

    Args:
        partitions: those that were looked at.
        customer: None where no customer was asked for, or the agent has none of that id.
        around: what holds for all customers, by partition.
        waiting: what the agent has not read yet, in the order of the log.
        decided: what it has read, the latest first, of one partition.
        is_whole: whether `decided` goes back to where the log begins.
        back_to: the latest time among the earliest records that were read back; what is later was all read.
    """

    partitions: Sequence[int]
    customer: CustomerState | None = None
    accounts: dict[str, AccountState] = field(default_factory=dict)
    logins: dict[str, LoginState] = field(default_factory=dict)
    around: dict[int, Surroundings] = field(default_factory=dict)
    waiting: list[Decided] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    is_whole: bool = False
    back_to: datetime | None = None


Enough = Callable[[Snapshot], bool]
"""Says whether who decided is known of all that is in force, so that the log need not be read further back."""


async def read_snapshot(bootstrap: Bootstrap, partitions: int, customer_id: str | None, enough: Enough) -> Snapshot:
    """Read what holds for a customer, or without one what holds for all of them.

    Raises:
        OperateError: it takes too long, or a record is of a later release.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    numbers = range(partitions) if customer_id is None else [partition_of(customer_id, partitions)]
    snapshot = Snapshot(numbers)
    slow = (
        f"the overrides in force could not be read within {READ_SECONDS:.0f} s: the agent's tables are large, it is "
        "far behind in its log, or a broker is slow; look at the lag, then ask again"
    )
    async with within(READ_SECONDS, slow):
        read = await positions(bootstrap, partitions)
        async with committed_reader(bootstrap) as consumer:
            await _read_state(consumer, snapshot, customer_id)
            await _read_waiting(consumer, snapshot, customer_id, read)
    with contextlib.suppress(TimeoutError, KafkaError):  # nothing that is in force is missing without it
        async with asyncio.timeout(LOOK_BACK_SECONDS), committed_reader(bootstrap) as consumer:
            await _look_back(consumer, snapshot, customer_id, read, enough)
    return snapshot


async def _read_state(consumer: Any, snapshot: Snapshot, customer_id: str | None) -> None:  # noqa: ANN401 - untyped library
    tables = ["surroundings"] if customer_id is None else list(TABLES)
    places = {changelog(AGENT, table): table for table in tables}
    found: dict[tuple[str, int, str], bytes | None] = {}
    async for record in to_end(consumer, [TopicPartition(t, n) for t in places for n in snapshot.partitions], {}):
        key = (record.key or b"").decode(errors="replace")
        if places[record.topic] == "surroundings" or key.partition("/")[0] == customer_id:
            found[places[record.topic], record.partition, key] = record.value
    for (table, partition, key), value in found.items():
        if value is not None:
            _take(snapshot, table, partition, key.partition("/")[2], _state(TABLES[table], value, table))


def _take(snapshot: Snapshot, table: str, partition: int, one: str, state: Any) -> None:  # noqa: ANN401 - by the table
    if table == "surroundings":
        snapshot.around[partition] = state
    elif table == "customers":
        snapshot.customer = state
    elif table == "accounts":
        snapshot.accounts[one] = state
    else:
        snapshot.logins[one] = state


def _state(record: type[R], value: bytes, table: str) -> R:
    try:
        return msgspec.json.decode(value, type=record)
    except UNREADABLE as error:
        raise OperateError(f"the agent's table {table} is of a later release: ask with that one ({error})") from error


async def _read_waiting(
    consumer: Any,  # noqa: ANN401 - untyped library
    snapshot: Snapshot,
    customer_id: str | None,
    read: Mapping[TopicPartition, int],
) -> None:
    places = [TopicPartition(EVENTS, number) for number in snapshot.partitions]
    async for record in to_end(consumer, places, read):
        if (decided := _override(record, customer_id)) is not None:
            snapshot.waiting.append(decided)


async def _look_back(
    consumer: Any,  # noqa: ANN401 - untyped library
    snapshot: Snapshot,
    customer_id: str | None,
    read: Mapping[TopicPartition, int],
    enough: Enough,
) -> None:
    """Read the log of the first partition that keeps an override, backwards, until there is enough."""
    place = TopicPartition(EVENTS, _first_kept(snapshot))
    consumer.assign([place])
    first, end = (await consumer.beginning_offsets([place]))[place], read.get(place, 0)
    snapshot.is_whole = end <= first
    while not snapshot.is_whole and not enough(snapshot):
        start = max(first, end - LOOK_BACK_RECORDS)
        await _read_back(snapshot, _between(consumer, place, start, end), customer_id)
        end = start
        snapshot.is_whole = end <= first


async def _read_back(snapshot: Snapshot, records: AsyncIterator[Any], customer_id: str | None) -> None:
    found, back_to = [], None
    async for record in records:
        back_to = max(back_to or record.timestamp, record.timestamp)
        if (decided := _override(record, customer_id)) is not None:
            found.append(decided)
    snapshot.decided += reversed(found)
    if back_to is not None:
        snapshot.back_to = time_of_record(back_to)


def _first_kept(snapshot: Snapshot) -> int:
    return next(
        (number for number, around in sorted(snapshot.around.items()) if around.silences), snapshot.partitions[0]
    )


async def _between(consumer: Any, place: TopicPartition, start: int, end: int) -> AsyncIterator[Any]:  # noqa: ANN401 - untyped library
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        found = await polled(consumer, place, timeout_ms=POLL_MS)
        for record in found.get(place, ()):
            if record.offset < end:
                yield record


def _override(record: Any, customer_id: str | None) -> Decided | None:  # noqa: ANN401 - untyped library
    """Read an override of the customer or of everybody; what is none of theirs, or no override, gives None."""
    if type_of(record) != EventType.OPERATOR_OVERRIDE.encode():
        return None
    if record.key is not None and record.key.decode(errors="replace") != customer_id:
        return None
    try:
        data = Override.model_validate_json(record.value)
    except ValidationError:  # the agent sets it aside
        return None
    return Decided(record.partition, record.offset, time_of_record(record.timestamp), data)
