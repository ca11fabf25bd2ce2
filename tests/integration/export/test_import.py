"""A whole export in another cluster: the same records at the same offsets, whatever lay between them."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.state import ControlState, encode
from streams.history import History, Place
from streams.history.cluster import ClusterOrigin
from streams.history.exports.manifest import segment_path
from streams.kafka import applied, topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.identity import log_identity
from streams.kafka.topics import AGENT, AUDIT, DEAD_LETTER, EVENTS, HEALTH, SIGNALS, SUBSCRIPTIONS, changelog
from tests.integration.unreadable import delete_to
from tests.processes import CLI, run, settings_for

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(600)]

CONTROL = changelog(AGENT, "control")
ACCOUNTS = changelog(AGENT, "accounts")
NOW_MS = time.time_ns() // 1_000_000 - 3_600_000


class Writer:
    """Writes records named by numbers, a second apart, in transactions or outside of them."""

    def __init__(self, kafka: EmbeddedKafka) -> None:
        self._kafka = kafka
        self._number = 0

    async def write(self, place: Place, *counts: int, ends: str | None = None) -> None:
        """Write so many records in each transaction, which ends so; outside of transactions where no end is given."""
        for count in counts:
            self._number += 1
            producer = AIOKafkaProducer(
                bootstrap_servers=self._kafka.bootstrap, transactional_id=ends and f"test-{self._number}"
            )
            async with producer:
                if ends:
                    await producer.begin_transaction()
                for number in range(count):
                    key, value, headers = STRANGE[(self._number + number) % len(STRANGE)]
                    at = NOW_MS + 1000 * self._number + number
                    await producer.send_and_wait(place.topic, value, key, place.partition, at, headers)
                if ends == "commit":
                    await producer.commit_transaction()
                elif ends:
                    await producer.abort_transaction()

    async def put(self, place: Place, key: str, value: bytes | None) -> None:
        """Write one record."""
        async with AIOKafkaProducer(bootstrap_servers=self._kafka.bootstrap) as producer:
            await producer.send_and_wait(place.topic, value, key.encode(), place.partition, NOW_MS)


STRANGE: Sequence[tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]] = (
    (b"7000000042", b'{"a": "\xc3\xa4"}', [("ce_id", b"1"), ("ce_type", b"x")]),
    (None, b"", []),
    (b"\xff\x00", b"\xfe", [("n", b"\xff"), ("n", b"")]),
    (b"", b"line\nbreak", [("", b"x")]),
)


async def fill(kafka: EmbeddedKafka) -> None:
    """Leave every kind of gap behind: markers, aborted records, a beginning that was deleted, an end without record."""
    writer = Writer(kafka)
    await writer.write(Place(SIGNALS, 0), 3, 1, 2, ends="commit")
    await writer.write(Place(SIGNALS, 0), 2)
    await writer.write(Place(SIGNALS, 0), 4, 1, ends="abort")
    await writer.write(Place(SIGNALS, 0), 1, 1, 5, ends="commit")
    await writer.write(Place(SIGNALS, 0), 1)
    await writer.write(Place(SIGNALS, 1), 2, ends="abort")
    await writer.write(Place(SIGNALS, 1), 1, ends="commit")
    await writer.write(Place(SIGNALS, 2), 2, ends="abort")
    await writer.write(Place(DEAD_LETTER, 1), 2, 1, ends="commit")
    await writer.write(Place(EVENTS, 0), 9)
    await asyncio.to_thread(delete_to, kafka.bootstrap, EVENTS, 0, 4)
    await writer.write(Place(EVENTS, 1), 3)
    await writer.write(Place(EVENTS, 2), 2)
    await asyncio.to_thread(delete_to, kafka.bootstrap, EVENTS, 2, 1)
    await writer.write(Place(AUDIT, 0), 2, 1, 3, ends="commit")
    for key in ("1/a", "1/b", "1/a"):
        await writer.put(Place(HEALTH, 0), key, b"{}")
    await writer.put(Place(SUBSCRIPTIONS, 0), "a1", b"sealed")
    for key, value in (("1/a", b"{}"), ("2/a", b"{}"), ("1/a", b'{"new": 1}'), ("2/a", None)):
        await writer.put(Place(ACCOUNTS, 0), key, value)
    control = ControlState(next_offset=9, log=await log_identity(kafka.bootstrap, EVENTS))
    await writer.put(Place(CONTROL, 0), "0", encode(control))


async def all_of(bootstrap: str, topic: str, number: int) -> list[tuple[object, ...]]:
    async with ClusterOrigin(bootstrap).open() as history:
        return await _records(history, Place(topic, number))


async def _records(history: History, place: Place) -> list[tuple[object, ...]]:
    span = (await history.spans([place.topic]))[place]
    return [
        (one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
        async for records in history.read(place, span)
        for one in records
    ]


@pytest.fixture
def other() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka() as kafka:
        asyncio.run(applied.apply(kafka.bootstrap, topics.EMBEDDED))
        yield kafka


def txpush(kafka: EmbeddedKafka, *words: str) -> tuple[int, str]:
    done = run((*CLI, *words), settings_for(kafka.bootstrap))
    return done.returncode, done.stdout + done.stderr


def test_all_comes_back_at_its_offsets(broker: EmbeddedKafka, other: EmbeddedKafka, tmp_path: Path) -> None:
    """Both logs and the dead letters at their offsets, all else in its order; state is the last value, renamed."""
    folder = tmp_path / "export"
    asyncio.run(fill(broker))
    code, said = txpush(broker, "export", str(folder), "--whole", "--secrets")
    assert (code, "the state is there: the agents may start again" in said) == (0, True), said
    _refused(broker, other, folder, tmp_path)
    code, said = txpush(other, "import", str(folder))
    assert code == 0, said
    for number in range(3):
        for topic in (EVENTS, SIGNALS, DEAD_LETTER):
            assert asyncio.run(all_of(other.bootstrap, topic, number)) == asyncio.run(
                all_of(broker.bootstrap, topic, number)
            ), (topic, number)
        for topic in (AUDIT, HEALTH, SUBSCRIPTIONS):
            there = asyncio.run(all_of(other.bootstrap, topic, number))
            assert [one[1:] for one in there] == [
                one[1:] for one in asyncio.run(all_of(broker.bootstrap, topic, number))
            ]
    asyncio.run(_ends_are_the_same(broker, other))
    accounts = asyncio.run(all_of(other.bootstrap, ACCOUNTS, 0))
    assert [one[2:4] for one in accounts] == [(b"1/a", b'{"new": 1}')]
    ((*_, key, value, _),) = asyncio.run(all_of(other.bootstrap, CONTROL, 0))
    here = asyncio.run(log_identity(other.bootstrap, EVENTS))
    assert isinstance(value, bytes)
    assert (key, json.loads(value)) == (b"0", {"next_offset": 9, "log": here})
    chains = json.loads((folder / "restored.json").read_text())["chains"]
    assert chains[EVENTS] == asyncio.run(log_identity(broker.bootstrap, EVENTS))
    code, said = txpush(other, "import", str(folder))
    assert (code, "is not empty" in said, "nothing was written" in said) == (2, True, True), said


def _refused(broker: EmbeddedKafka, other: EmbeddedKafka, folder: Path, tmp_path: Path) -> None:
    """What cannot be restored is refused before anything is written."""
    stripped = tmp_path / "stripped"
    assert txpush(broker, "export", str(stripped))[0] == 0
    code, said = txpush(other, "import", str(stripped))
    assert (code, "only an export made with --whole is restored" in said) == (2, True), said
    path = segment_path(folder, Place(SIGNALS, 0), 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    code, said = txpush(other, "import", str(folder))
    assert (code, f"{path}:" in said, "nothing was written" in said) == (2, True, True), said
    path.write_bytes(whole)


async def _ends_are_the_same(broker: EmbeddedKafka, other: EmbeddedKafka) -> None:
    """Where the next record of a log goes is referred to by state."""
    async with ClusterOrigin(broker.bootstrap).open() as there, ClusterOrigin(other.bootstrap).open() as here:
        for topic in (EVENTS, SIGNALS):
            found, wanted = await here.spans([topic]), await there.spans([topic])
            assert {place: span.end for place, span in found.items()} == {
                place: span.end for place, span in wanted.items()
            }
