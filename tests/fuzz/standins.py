"""Stands in for Kafka and for a disk: a log in memory as aiokafka gives it, files without a name, a folder."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import TopicPartition

from schemas.catalogue import Catalogue, Entry
from schemas.events import PolicyActivated
from schemas.policy import Policy
from tests.fuzz.decoder import BETWEEN

T = TypeVar("T")
LARGEST = 2**63 - 1
RANKS = 3


class Stored:
    """A record, in the shape in which aiokafka gives it."""

    def __init__(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        timestamp: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        self.topic = topic
        self.partition = 0
        self.offset = 0
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers


class Polled:
    """Gives the records of partition 0 of some topics, each at once; their offsets are their places."""

    def __init__(self, *records: Stored) -> None:
        self._records: dict[TopicPartition, list[Stored]] = {}
        self._next: dict[TopicPartition, int] = {}
        for record in records:
            of_topic = self._records.setdefault(TopicPartition(record.topic, 0), [])
            record.offset = len(of_topic)
            of_topic.append(record)

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self._next = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._next[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self._next[place]

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self._records.get(place, ())) for place in places}

    async def getmany(self, *places: TopicPartition, **_: object) -> dict[TopicPartition, list[Stored]]:
        polled = {place: self._records.get(place, [])[self._next[place] :] for place in places}
        self._next |= {place: len(self._records.get(place, ())) for place in places}
        return {place: records for place, records in polled.items() if records}


def small_catalogue() -> Catalogue:
    """Give a catalogue that fits into an input: the code of health, and the three of highest rank."""
    shipped = Catalogue.load()
    entries = tuple(one for one in shipped.entries if one.code == 0 or (one.rank is not None and one.rank <= RANKS))
    first = {one.rank: one for one in reversed(entries)}
    return Catalogue(version="small", by_rule=shipped.by_rule, entries=tuple(sorted(first.values(), key=_code)))


def _code(entry: Entry) -> int:
    return -1 if entry.code is None else entry.code


def small_rules() -> PolicyActivated:
    """Give the activation of the shipped policy with that catalogue."""
    policy, catalogue = Policy.load(), small_catalogue()
    return PolicyActivated(
        policy=policy,
        policy_sha256=policy.sha256,
        catalogue=catalogue,
        catalogue_sha256=catalogue.sha256,
        engine_version="1",
    )


def done(work: Coroutine[Any, Any, T]) -> T:
    """Give what a coroutine comes to that waits for nothing; no event loop is needed."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise AssertionError("it waits")


@cache
def runner() -> asyncio.Runner:
    """Give the event loop of this process, for what does wait: one for each input would take longer than the input."""
    return asyncio.Runner()


def groups(data: bytes, count: int, most: int) -> Iterator[list[bytes]]:
    """Give the parts of an input in groups of so many, of each record one; the last is filled up with empty ones."""
    every = data.split(BETWEEN)[: count * most]
    for first in range(0, len(every), count):
        group = every[first : first + count]
        yield group + [b""] * (count - len(group))


def timestamp_in(data: bytes) -> int:
    """Give a timestamp as a broker may hold it: a number of eight bytes, whatever it was written as."""
    try:
        number = int(data)
    except ValueError:
        number = int.from_bytes(data[:8], "big", signed=True)
    return min(max(number, -LARGEST), LARGEST)


MEMORY = Path("/dev/shm")  # noqa: S108 - whatever is written has to be on a disk before it counts, and here that is quick

FOLDER_VARIABLE = "FUZZ_FOLDER"
"""Where to make it, for a process that is ended before it could take it away."""


@contextmanager
def file_of(data: bytes) -> Iterator[Path]:
    """Have bytes read from a file, for as long as the block lasts."""
    file = os.memfd_create("fuzz")
    try:
        os.write(file, data)
        yield Path(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for files that come and go."""
    place = os.environ.get(FOLDER_VARIABLE) or (MEMORY if MEMORY.is_dir() else None)
    return tempfile.TemporaryDirectory(prefix="txpush-fuzz-", dir=place)


_scratch = cache(scratch)


@contextmanager
def tree() -> Iterator[Path]:
    """Give a folder for folders, for as long as the block lasts, and a file beside it that is nobody's to touch."""
    beside, folder = empty_folder() / "beside", empty_folder() / "tree"
    beside.write_bytes(b"mine")
    try:
        yield folder
        assert beside.read_bytes() == b"mine"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def empty_folder() -> Path:
    """Give the folder of this process, without what the run before has left in it."""
    folder = Path(_scratch().name)
    for path in folder.iterdir():
        path.unlink()
    return folder
