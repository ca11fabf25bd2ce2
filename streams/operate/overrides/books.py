"""Reads what the agent keeps of overrides, which wait in its log, and who decided the ones that it has taken."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas.events import EventType, Override
from schemas.state import AccountState, CustomerState, LoginState, Surroundings
from schemas.times import from_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka.access import Bootstrap
from streams.kafka.topics import AGENT, EVENTS, changelog
from streams.operate.inforce import READ_SECONDS, positions
from streams.operate.reading import POLL_MS, committed_reader, to_end
from streams.operate.writing import OperateError

R = TypeVar("R")

LOOK_BACK_SECONDS = 20.0
"""How long the log is read back for who decided: it is kept for more than a year."""
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
class Books:
    """What is known of overrides.

    Args:
        partitions: those that were looked at.
        customer: None where no customer was asked for, or the agent has none of that id.
        around: what holds for all customers, by partition.
        waiting: what the agent has not read yet, in the order of the log.
        decided: what it has read, the latest first, of one partition.
        is_whole: whether `decided` goes back to where the log begins.
    """

    partitions: Sequence[int]
    customer: CustomerState | None = None
    accounts: dict[str, AccountState] = field(default_factory=dict)
    logins: dict[str, LoginState] = field(default_factory=dict)
    around: dict[int, Surroundings] = field(default_factory=dict)
    waiting: list[Decided] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    is_whole: bool = False


Enough = Callable[[Books], bool]
"""Says whether who decided is known of all that is in force, so that the log need not be read further back."""


async def read_books(bootstrap: Bootstrap, partitions: int, customer_id: str | None, enough: Enough) -> Books:
    """Read what holds for a customer, or without one what holds for all of them.

    Raises:
        OperateError: it takes too long, or a record is of a later release.
        KafkaError, OSError: no broker answers.
    """
    numbers = range(partitions) if customer_id is None else [partition_of(customer_id, partitions)]
    books = Books(numbers)
    try:
        async with asyncio.timeout(READ_SECONDS):
            read = await positions(bootstrap, partitions)
            async with committed_reader(bootstrap) as consumer:
                await _read_state(consumer, books, customer_id)
                await _read_waiting(consumer, books, customer_id, read)
                await _look_back(consumer, books, customer_id, read, enough)
    except TimeoutError as error:
        raise OperateError(
            f"the overrides in force could not be read within {READ_SECONDS:.0f} s: the agent is far behind in its "
            "log, or a broker is slow; look at the lag, then ask again"
        ) from error
    return books


async def _read_state(consumer: Any, books: Books, customer_id: str | None) -> None:  # noqa: ANN401 - untyped library
    tables = ["surroundings"] if customer_id is None else list(TABLES)
    places = {changelog(AGENT, table): table for table in tables}
    found: dict[tuple[str, int, str], bytes] = {}
    async for record in to_end(consumer, [TopicPartition(t, n) for t in places for n in books.partitions], {}):
        key = record.key.decode()
        if places[record.topic] == "surroundings" or key.partition("/")[0] == customer_id:
            found[places[record.topic], record.partition, key] = record.value
    for (table, partition, key), value in found.items():
        if value is not None:
            _take(books, table, partition, key.partition("/")[2], _state(TABLES[table], value, table))


def _take(books: Books, table: str, partition: int, one: str, state: Any) -> None:  # noqa: ANN401 - by the table
    if table == "surroundings":
        books.around[partition] = state
    elif table == "customers":
        books.customer = state
    elif table == "accounts":
        books.accounts[one] = state
    else:
        books.logins[one] = state


def _state(record: type[R], value: bytes, table: str) -> R:
    try:
        return msgspec.json.decode(value, type=record)
    except msgspec.MsgspecError as error:
        raise OperateError(f"the agent's table {table} is of a later release: ask with that one ({error})") from error


async def _read_waiting(
    consumer: Any,  # noqa: ANN401 - untyped library
    books: Books,
    customer_id: str | None,
    read: Mapping[TopicPartition, int],
) -> None:
    places = [TopicPartition(EVENTS, number) for number in books.partitions]
    async for record in to_end(consumer, places, read):
        if (decided := _override(record, customer_id)) is not None:
            books.waiting.append(decided)


async def _look_back(
    consumer: Any,  # noqa: ANN401 - untyped library
    books: Books,
    customer_id: str | None,
    read: Mapping[TopicPartition, int],
    enough: Enough,
) -> None:
    """Read the log of the first partition that keeps an override, backwards, until there is enough or time is up."""
    place = TopicPartition(EVENTS, _first_kept(books))
    consumer.assign([place])
    first, end = (await consumer.beginning_offsets([place]))[place], read.get(place, 0)
    until = asyncio.get_running_loop().time() + LOOK_BACK_SECONDS
    while end > first and not enough(books) and asyncio.get_running_loop().time() < until:
        start = max(first, end - LOOK_BACK_RECORDS)
        books.decided += reversed([one async for one in _between(consumer, place, start, end, customer_id)])
        end = start
    books.is_whole = end <= first


def _first_kept(books: Books) -> int:
    return next((number for number, around in sorted(books.around.items()) if around.silences), books.partitions[0])


async def _between(
    consumer: Any,  # noqa: ANN401 - untyped library
    place: TopicPartition,
    start: int,
    end: int,
    customer_id: str | None,
) -> AsyncIterator[Decided]:
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        polled = await consumer.getmany(place, timeout_ms=POLL_MS)
        for record in polled.get(place, ()):
            if record.offset < end and (decided := _override(record, customer_id)) is not None:
                yield decided


def _override(record: Any, customer_id: str | None) -> Decided | None:  # noqa: ANN401 - untyped library
    """Read an override of the customer or of everybody; what is none of theirs, or no override, gives None."""
    if dict(record.headers).get("ce_type") != EventType.OPERATOR_OVERRIDE.encode():
        return None
    if record.key is not None and record.key.decode(errors="replace") != customer_id:
        return None
    try:
        data = Override.model_validate_json(record.value)
    except ValidationError:  # the agent sets it aside
        return None
    return Decided(record.partition, record.offset, from_epoch_ms(record.timestamp), data)
