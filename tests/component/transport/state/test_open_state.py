"""State as it is opened by one worker and another: whatever came between, it is what the changelogs come to."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import example, given
from hypothesis import strategies as st

from streams.fold.effects import Outbox, OutRecord
from streams.fold.memory import MemoryTable
from streams.observe.labels import RestoredFrom, StateRefusal
from streams.observe.labels import RestoreSource as Source
from streams.testing.clock import VirtualClock
from streams.transport import transaction as transactions
from streams.transport.local.head import Identity
from streams.transport.local.state import LocalState
from streams.transport.parts import FoldParts
from streams.transport.settings import FoldSettings
from streams.transport.state import restore as restoring
from streams.transport.state.kept import Kept
from streams.transport.state.opening import OpenState, open_state
from streams.transport.transaction import PartitionTransaction
from tests.topology.on_broker import Consumer, Producer, TracedCluster
from tests.unit.fold.build import START, Fixed

LOG, APPLICATION = "log", "app"
TABLES = tuple(MemoryTable(name, f"{APPLICATION}-{name}-changelog") for name in ("accounts", "logins"))
TOPICS = [table.topic for table in TABLES]
NOW_MS = int(START.timestamp() * 1000)

Step = tuple[Any, ...]
keys, values = st.sampled_from("abc"), st.one_of(st.none(), st.binary(min_size=1, max_size=3))
steps = st.one_of(
    st.tuples(st.just("commit"), st.sampled_from(TOPICS), keys, values),
    st.tuples(st.sampled_from(["close", "kill", "sleep"]), st.sampled_from([0, 1])),
    st.tuples(st.just("spoil"), st.sampled_from([0, 1]), st.integers(0, 300)),
)
"""Commit a value; have a worker open the partition, its owner closed, killed or asleep; change a byte of the files."""


@dataclass
class Told:
    """Metrics, counted."""

    sources: Counter[Source] = field(default_factory=Counter)
    read: Counter[RestoredFrom] = field(default_factory=Counter)
    refused: Counter[StateRefusal] = field(default_factory=Counter)

    def restored(self, source: Source, counts: Mapping[RestoredFrom, int], seconds: float) -> None:
        assert seconds >= 0
        self.sources[source] += 1
        self.read.update(counts)

    def state_refused(self, reason: StateRefusal) -> None:
        self.refused[reason] += 1

    def state_written(self, *_: object) -> None:
        pass


class Worker:
    """A worker that may own the partition, with a folder of its own."""

    def __init__(self, folder: Path, settings: FoldSettings) -> None:
        self.told = Told()
        self.folder = folder
        told: Any = self.told
        local = LocalState(folder, self._identity, 1, told, Fixed())
        fold: Any = SimpleNamespace(tables=TABLES)
        ticks: Any = None
        self._parts = FoldParts(settings, fold, ticks, told, local, Fixed())
        self._settings = settings
        self._state: OpenState | None = None
        self._kept: Kept | None = None

    @staticmethod
    def _identity(partition: int) -> Identity:
        return Identity("cluster", APPLICATION, partition, dict.fromkeys(TOPICS, "id"))

    async def open(self) -> dict[str, dict[str, bytes]]:
        """Take the partition and give all values there are."""
        self._transaction = PartitionTransaction(self._settings, TopicPartition(LOG, 0))
        await self._transaction.start()
        kept, self._kept = self._kept, None
        self._state = await open_state(self._parts, 0, kept, self._transaction.ownership)
        return {table.topic: dict(values.items()) for table, values in self._state.values.items()}

    async def commit(self, topic: str, key: str, value: bytes | None) -> None:
        """Commit one value, in memory as well."""
        assert self._state is not None
        outbox = Outbox()
        outbox.add(topic, 0, OutRecord(key.encode(), value))
        ends = await self._transaction.commit(outbox, 1)
        for table, kept in self._state.values.items():
            if table.topic == topic:
                kept[key] = value
                if value is None:
                    del kept[key]
        self._state.committed({topic: {key: value}}, {topic: ends[topic, 0]}, NOW_MS)

    async def close(self) -> None:
        """Give the partition up, but keep what is in memory."""
        if self._state is not None:
            self._kept, self._state = await self._state.closed(self._transaction.ownership), None

    async def kill(self) -> None:
        """End without a last write, and without memory."""
        keeper = None if self._state is None else self._state._keeper
        self._state = self._kept = None
        if keeper is not None:
            keeper._pending = None
            if keeper._task is not None:
                keeper._task.cancel()
                await asyncio.wait({keeper._task})
            await keeper._local.run(keeper._files.unlock)

    def spoil(self, place: int) -> None:
        """Change one byte of what is on disk."""
        files = [path for path in sorted(self.folder.glob("0.*")) if path.suffix in {".head", ".data"}]
        if files and (written := bytearray(files[place % len(files)].read_bytes())):
            written[place % len(written)] ^= 1
            files[place % len(files)].write_bytes(written)


@pytest.fixture(autouse=True)
def on_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the broker in memory under the transport."""
    monkeypatch.setattr(transactions, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(restoring, "AIOKafkaConsumer", Consumer)


def fold_of(cluster: TracedCluster) -> dict[str, dict[str, bytes]]:
    """Give what the changelogs come to."""
    state: dict[str, dict[str, bytes]] = {}
    for topic in TOPICS:
        last = {(record.key or b"").decode(): record.value for record in cluster.read(topic, 0)}
        state[topic] = {key: value for key, value in last.items() if value is not None}
    return state


def workers_on(place: Path) -> tuple[tuple[Worker, Worker], TracedCluster]:
    """Give two workers on a broker in memory."""
    cluster = TracedCluster(VirtualClock(START))
    cluster.create((LOG, *TOPICS), 1)
    Producer.cluster = Consumer.cluster = cluster
    settings = FoldSettings("nowhere", APPLICATION, LOG, 1, Fixed())
    return (Worker(place / "0", settings), Worker(place / "1", settings)), cluster


async def play(story: list[Step], place: Path) -> tuple[Worker, Worker]:
    """Do what the story says, and compare at every opening; the last one comes at the end."""
    workers, cluster = workers_on(place)
    owner = workers[0]
    await owner.open()
    for verb, *what in [*story, ("close", 0), ("kill", 1)]:
        if verb == "commit":
            await owner.commit(*what)
        elif verb == "spoil":
            workers[what[0]].spoil(what[1])
        else:
            if verb != "sleep" or workers[what[0]] is owner:
                await (owner.kill() if verb == "kill" else owner.close())
            sleeper, owner = owner, workers[what[0]]
            assert await owner.open() == fold_of(cluster)
            if verb == "sleep" and sleeper is not owner:
                await sleeper.close()
    for one in workers:
        await one.kill()
    return workers


@given(st.lists(steps, max_size=25))
@example([("commit", TOPICS[0], "a", b"1"), ("close", 1), ("commit", TOPICS[0], "a", None), ("close", 0)])
@example([("commit", TOPICS[0], "a", b"1"), ("sleep", 1), ("commit", TOPICS[0], "a", None), ("sleep", 0)])
def test_the_state_is_what_the_changelogs_come_to(story: list[Step]) -> None:
    """However partitions move, workers die, sleep, and disks fail: what is opened equals the plain fold."""
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(play(story, Path(place)))


COMMITS: list[Step] = [("commit", TOPICS[n % 2], "abc"[n % 3], b"%d" % n) for n in range(9)]


@pytest.mark.parametrize(
    ("story", "sources"),
    [
        ([*COMMITS, ("close", 0)], {Source.FULL: 1, Source.MEMORY: 2}),
        (
            [*COMMITS, ("close", 1), ("close", 0)],
            {Source.FULL: 1, Source.FILE: 1, Source.MEMORY: 1},
        ),
        (
            [*COMMITS, ("sleep", 1), ("close", 0)],
            {Source.FULL: 1, Source.FILE: 1, Source.MEMORY: 1},
        ),
        (
            [*COMMITS, ("close", 0), ("kill", 0)],
            {Source.FULL: 1, Source.FILE: 1, Source.MEMORY: 2},
        ),
        ([*COMMITS, ("close", 0), ("spoil", 0, 7), ("kill", 0)], {Source.FULL: 2, Source.MEMORY: 2}),
    ],
    ids=["stayed", "moved", "slept", "killed", "spoiled"],
)
async def test_no_more_is_read_than_has_to_be(story: list[Step], sources: dict[Source, int], tmp_path: Path) -> None:
    """Memory where nobody was between, the file where somebody was, everything only where nothing else is left."""
    first, _ = await play(story, tmp_path)
    assert first.told.sources == sources
    assert first.told.read[RestoredFrom.TAIL] == 0


async def test_memory_without_its_files_is_written_whole(tmp_path: Path) -> None:
    """Where the last write did not end in time, the state in memory is good, and goes to disk anew."""
    (worker, _), cluster = workers_on(tmp_path)
    await worker.open()
    for _, topic, key, value in COMMITS:
        await worker.commit(topic, key, value)
    await worker.close()
    assert worker._kept is not None
    worker._kept = replace(worker._kept, head=None)
    assert await worker.open() == fold_of(cluster)
    await worker.close()
    await worker.kill()
    assert await worker.open() == fold_of(cluster)
    await worker.kill()
    assert worker.told.sources == {Source.FULL: 1, Source.MEMORY: 1, Source.FILE: 1}
    assert worker.told.refused == {StateRefusal.MISSING: 1, StateRefusal.NOT_WRITTEN: 1}
