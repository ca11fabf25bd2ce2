"""An export: the same history as the cluster's, finished files kept, the rest of it refused until it is whole."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.times import from_epoch_ms, to_epoch_ms
from streams.export import writing
from streams.export.choices import STATE, ExportError, chosen_topics
from streams.export.journal import FINISHED
from streams.fold.effects import SourceRecord
from streams.history import Content, HistoryError, Origin, Place, Span
from streams.history.exports.history import ExportOrigin
from streams.history.exports.manifest import MANIFEST, read_manifest, segment_path
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS, SUBSCRIPTIONS
from streams.testing.history import MemoryHistory, MemoryOrigin
from streams.testing.topology import START
from tests.component.export.build import MINUTE, exported, origin_of, plain, read, traffic


@pytest.fixture(scope="module")
def origin() -> MemoryOrigin:
    with traffic() as topology:
        return origin_of(topology)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SEGMENT_RECORDS", 3)
    monkeypatch.setattr("streams.testing.history.CHUNK", 3)


async def same(one: Origin, other: Origin) -> int:
    """Compare all that two histories have; give how many records that were."""
    count = 0
    async with one.open() as first, other.open() as second:
        assert first.cluster_id == second.cluster_id
        assert first.partitions == second.partitions
        for topic in second.topics:
            assert first.identity(topic) == second.identity(topic)
            spans = await first.spans([topic])
            assert await second.spans([topic]) == spans
            for place in spans:
                records = plain(await read(first, place))
                assert plain(await read(second, place)) == records
                count += len(records)
    return count


@pytest.mark.usefixtures("small_files")
def test_a_whole_export_is_the_same_history(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Records, spans and ids of every topic but the secret ones."""
    folder = tmp_path / "export"
    manifest = exported(origin, folder)
    assert asyncio.run(same(origin, ExportOrigin(folder))) > 200
    assert SUBSCRIPTIONS not in manifest.topics
    assert len(manifest.topics[EVENTS].partitions[0].segments) > 1
    left = {path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".zst"}
    assert left == {MANIFEST}


@pytest.mark.usefixtures("small_files")
def test_times_are_the_same_offsets(origin: MemoryOrigin, tmp_path: Path) -> None:
    """As the cluster answers, within a file, between two and behind all."""
    exported(origin, tmp_path / "export", topics=[EVENTS, SIGNALS])

    async def compared() -> None:
        async with origin.open() as there, ExportOrigin(tmp_path / "export").open() as here:
            for place in await here.spans([EVENTS, SIGNALS]):
                times = [record.timestamp for record in await read(there, place)]
                for at in {*times, *(one + 1 for one in times), 0}:
                    found = await here.offset_since(place, from_epoch_ms(at))
                    assert found == await there.offset_since(place, from_epoch_ms(at))

    asyncio.run(compared())


@pytest.mark.usefixtures("small_files")
def test_a_part_of_a_span_is_read(origin: MemoryOrigin, tmp_path: Path) -> None:
    """From the middle of one file to the middle of another; what was not exported is no shorter history."""
    exported(origin, tmp_path / "export", topics=[EVENTS])
    place = Place(EVENTS, 0)

    async def compared() -> None:
        async with origin.open() as there, ExportOrigin(tmp_path / "export").open() as here:
            end = (await there.spans([EVENTS]))[place].end
            for begin in range(end):
                span = Span(begin, min(end, begin + 7))
                assert plain(await read(here, place, span)) == plain(await read(there, place, span))
            with pytest.raises(HistoryError, match=rf"aggregation\.events/0 from offset 0 up to {end}, not from 0"):
                await read(here, place, Span(0, end + 1))
            with pytest.raises(HistoryError, match=r"no topic audit\.decisions in .*only aggregation\.events"):
                here.identity(AUDIT)

    asyncio.run(compared())


def test_a_range_of_time(origin: MemoryOrigin, tmp_path: Path) -> None:
    """From the first record of a time up to that of another; the present, which has no times, is left out."""
    since, until = START + 3 * MINUTE, START + 9 * MINUTE
    manifest = exported(
        origin, tmp_path / "export", since_ms=to_epoch_ms(since), until_ms=to_epoch_ms(until), content=Content.STRIPPED
    )
    assert not set(STATE) & set(manifest.topics)

    async def times() -> list[int]:
        async with ExportOrigin(tmp_path / "export").open() as history:
            return [one.timestamp for number in range(3) for one in await read(history, Place(EVENTS, number))]

    found = asyncio.run(times())
    assert len(found) == 6
    assert to_epoch_ms(since) <= min(found) <= max(found) < to_epoch_ms(until)
    assert manifest.since == "2026-11-01T03:03:00Z"


class Killed(BaseException):
    """Ends the process, as far as what is written can tell."""


@dataclass(frozen=True)
class Dying:
    """An origin that is killed after so many reads of records; tells from where it was read."""

    inner: MemoryOrigin
    reads: list[Span]
    dies_after: int = 10**9

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DyingHistory"]:
        yield DyingHistory(self)


class DyingHistory(MemoryHistory):
    def __init__(self, origin: Dying) -> None:
        super().__init__(origin.inner.cluster)
        self._origin = origin

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        self._origin.reads.append(span)
        async for records in super().read(place, span):
            for record in records:
                yield [record]
            if len(self._origin.reads) > self._origin.dies_after:
                raise Killed


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("dies_after", [0, 1, 7, 40])
def test_a_killed_export_is_none_and_is_gone_on_with(origin: MemoryOrigin, tmp_path: Path, dies_after: int) -> None:
    """Until the manifest is there nobody can read it; the second run reads only what no whole file has."""
    folder, first = tmp_path / "export", list[Span]()
    with pytest.raises(Killed):
        exported(Dying(origin, first, dies_after), folder)
    with pytest.raises(HistoryError, match=r"is no export: it has no manifest\.json; .*run the same again"):
        read_manifest(folder)
    with pytest.raises(ExportError, match="with other options was begun"):
        exported(origin, folder, topics=[EVENTS])
    for journal in folder.rglob(FINISHED):
        journal.write_bytes(journal.read_bytes() + b'{"begin":9')  # a line that was cut off
    again = list[Span]()
    exported(Dying(origin, again), folder)
    assert asyncio.run(same(origin, ExportOrigin(folder))) > 200
    assert sum(span.offsets for span in again) < sum(
        span.offsets for span in asyncio.run(all_spans(origin)).values()
    ) - 5 * (dies_after > 0)
    with pytest.raises(ExportError, match="is an export already, made at 2026-11-01T03:00:00Z"):
        exported(origin, folder)


async def all_spans(origin: Origin) -> dict[Place, Span]:
    async with origin.open() as history:
        return await history.spans(chosen_topics((), secrets=False, until=False))


def test_a_folder_of_something_else_is_left_alone(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Nothing is written among files of others."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match="is not empty: name a folder that is new"):
        exported(origin, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def spoilt(path: Path, *, at: int) -> None:
    """Flip a bit."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


async def read_all(folder: Path, place: Place) -> None:
    async with ExportOrigin(folder).open() as history:
        await read(history, place)


def test_every_flipped_bit_of_a_file_is_found(origin: MemoryOrigin, tmp_path: Path) -> None:
    """By the checksum of the file, with its name; nothing of it is handed out."""
    folder, place = tmp_path / "export", Place(EVENTS, 1)
    exported(origin, folder, topics=[EVENTS])
    path = segment_path(folder, place, 0)
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        spoilt(path, at=at)
        with pytest.raises(HistoryError, match=rf"{path}:\d+: damaged: .*take it from another copy"):
            asyncio.run(read_all(folder, place))
        path.write_bytes(whole)
    path.write_bytes(whole[:-1])
    with pytest.raises(HistoryError, match=rf"{len(whole) - 1} bytes, not {len(whole)}"):
        asyncio.run(read_all(folder, place))
    path.unlink()
    with pytest.raises(HistoryError, match=rf"{path} is missing: it has \d+ records from offset 0 on"):
        asyncio.run(read_all(folder, place))


def test_a_changed_manifest_is_found(origin: MemoryOrigin, tmp_path: Path) -> None:
    """By its own checksum; one of a later release is refused in words."""
    folder = tmp_path / "export"
    exported(origin, folder, topics=[EVENTS])
    path = folder / MANIFEST
    written = path.read_text()
    path.write_text(written.replace('"end":', '"end": ', 1))
    with pytest.raises(HistoryError, match=rf"{path}:1: damaged: it is not as it was written"):
        read_manifest(folder)
    later = json.loads(written)
    later["format"] = 2
    path.write_text(json.dumps(later))
    with pytest.raises(HistoryError, match="is of format 2, and this release reads 1: use a later release"):
        read_manifest(folder)
    path.write_text(written[:40])
    with pytest.raises(HistoryError, match=rf"{path}:1: damaged"):
        read_manifest(folder)
