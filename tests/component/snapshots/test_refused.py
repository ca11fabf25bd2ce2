"""What is no snapshot of this log, or not as it was announced, is refused in words; the other partitions go on."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson
import pytest
from backports.zstd import CompressionParameter, ZstdCompressor, ZstdDecompressor

from streams.history import Place
from streams.kafka.topics import AUDIT, EVENTS
from streams.replay.plan import Asked
from streams.snapshots.file import FORMAT, read_head, state_lines, write_draft
from streams.snapshots.folder import path_of, snapshots_in
from streams.snapshots.state import digest_of
from streams.testing.broker import Record
from tests.component.replay.stage import Edit, Tampered, replayed
from tests.component.snapshots.stage import World

FIRST, SECOND = Place(EVENTS, 0), Place(EVENTS, 1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """Give a log, and a snapshot of each of its partitions."""
    folder, world = tmp_path_factory.mktemp("snapshots"), World()
    world.live(25)
    asyncio.run(world.snapshots(folder))
    world.live(5)
    return world, folder


@pytest.fixture
def snapshot(kept: tuple[World, Path], tmp_path: Path) -> Path:
    """Give the file of the first partition, in a copy of the folder."""
    for path in kept[1].iterdir():
        shutil.copy(path, tmp_path)
    return path_of(tmp_path, FIRST, max(snapshots_in(tmp_path)[FIRST]))


async def refused(kept: tuple[World, Path], folder: Path, edits: dict[Place, Edit] | None = None) -> str:
    """Replay from the folder, and give why the first partition was not."""
    summary = await kept[0].replayed(edits, Asked(snapshots=folder))
    first, *others = summary.outcomes
    assert (first.place, first.compared, summary.exit_code) == (FIRST, 0, 2)
    assert all(one.compared for one in others)
    return first.error or ""


def flip(path: Path, part: float) -> None:
    written = bytearray(path.read_bytes())
    written[int(part * len(written))] ^= 0x10
    path.write_bytes(written)


def change_file(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def with_large_window(packed: bytes) -> bytes:
    """Pack the same anew, without saying how much it is, so that the window stands in the head of it."""
    compressor = ZstdCompressor(options={CompressionParameter.window_log: 27})
    return compressor.compress(ZstdDecompressor().decompress(packed), ZstdCompressor.FLUSH_BLOCK) + compressor.flush()


@pytest.mark.parametrize("part", [0.0, 0.03, 0.4, 0.9, 0.9999])
async def test_a_flipped_byte(kept: tuple[World, Path], snapshot: Path, part: float) -> None:
    """Wherever it is."""
    flip(snapshot, part)
    assert "damaged" in await refused(kept, snapshot.parent)


@pytest.mark.parametrize("change", [lambda raw: raw[:-9], lambda raw: raw + b"x", lambda _: b""])
async def test_a_file_that_is_cut_off_or_goes_on(
    kept: tuple[World, Path], snapshot: Path, change: Callable[[bytes], bytes]
) -> None:
    """A part of a state, or more than one."""
    change_file(snapshot, change)
    assert "damaged" in await refused(kept, snapshot.parent)


async def test_memory_is_not_what_a_file_asks_for(kept: tuple[World, Path], snapshot: Path) -> None:
    """A window of 128 megabytes is not made, though what is in it is whole."""
    change_file(snapshot, with_large_window)
    assert "damaged" in await refused(kept, snapshot.parent)


async def test_another_partitions(kept: tuple[World, Path], snapshot: Path) -> None:
    """Under the name of this one."""
    (other,) = snapshots_in(snapshot.parent)[SECOND].values()
    shutil.copy(other, snapshot)
    assert f"it is of {SECOND}" in await refused(kept, snapshot.parent)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"log": "elsewhere/topic"}, "of elsewhere/topic"),
        ({"partitions": 3}, "with 3 partitions"),
        ({"format": FORMAT - 1}, "this release reads 1"),
        ({"state_version": 99}, "a later release has taken it"),
        ({"state_version": 0}, "has not announced its state"),
        ({"offset": 2}, "was renamed"),
        ({"audit_head": "0" * 64}, "of another chain"),
        ({"records": 1}, "damaged"),
    ],
)
async def test_another_first_line(
    kept: tuple[World, Path], snapshot: Path, fields: dict[str, object], words: str
) -> None:
    """With a whole file around it: of another cluster, format, release or chain, or renamed."""
    head = msgspec.structs.replace(read_head(snapshot), **fields)
    write_draft(snapshot, head, [*state_lines(snapshot)])
    assert words in await refused(kept, snapshot.parent)


async def test_a_forged_state(kept: tuple[World, Path], snapshot: Path) -> None:
    """Whole in itself, with the right hash: the log has announced another one, and the audit chain is over that."""
    lines = [line.replace(b'"102101"', b'"102102"') for line in state_lines(snapshot)]
    head, digest = read_head(snapshot), digest_of(lines)
    assert digest.sha256 != head.state_sha256
    write_draft(snapshot, msgspec.structs.replace(head, state_sha256=digest.sha256, records=digest.records), lines)
    assert f"but another state, {head.state_sha256}" in await refused(kept, snapshot.parent)


async def test_a_state_that_the_log_has_not_announced(kept: tuple[World, Path], snapshot: Path) -> None:
    """Its announcement was taken out of the log."""

    def edit(records: list[Record]) -> list[Record]:
        return [one for one in records if ("ce_type", b"snapshot.taken") not in one.headers]

    assert "has not announced its state" in await refused(kept, snapshot.parent, {FIRST: edit})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'["letters","1",{}]\n', "tables that this release does not know: letters; read it with the release that"),
        (b'["control","0",{"ticked_at":1}]\n', "damaged: its books cannot be read"),
        (b'["control","0",{"next_offset":1000000000}]\n', "its books go on behind its mark at offset"),
    ],
)
async def test_tables_that_cannot_be(kept: tuple[World, Path], snapshot: Path, line: bytes, words: str) -> None:
    """With the right hash: a table that no agent has, books that nobody can read, or of records behind the mark."""
    lines, head = [line], read_head(snapshot)
    digest = digest_of(lines)
    fields = {"state_sha256": digest.sha256, "records": digest.records, "audit_head": ""}
    write_draft(snapshot, msgspec.structs.replace(head, **fields), lines)
    assert words in await refused(kept, snapshot.parent)


async def test_a_mark_that_the_log_does_not_keep_any_more(kept: tuple[World, Path], snapshot: Path) -> None:
    """Records behind it are gone as well: what came between could not be folded."""
    mark = read_head(snapshot).offset
    origin = Tampered(kept[0].topology, {}, {FIRST: mark + 1})
    summary = await replayed(kept[0].topology, asked=Asked(snapshots=snapshot.parent), origin=origin)
    assert f"its mark at offset {mark} is not in {FIRST}" in (summary.outcomes[0].error or "")


async def test_a_mark_that_is_none(kept: tuple[World, Path], snapshot: Path) -> None:
    """What lies at its offset is another record by now."""
    mark = read_head(snapshot).offset

    def edit(records: list[Record]) -> list[Record]:
        return [one._replace(headers=()) if one.offset == mark else one for one in records]

    assert f"there is no mark at offset {mark}" in await refused(kept, snapshot.parent, {FIRST: edit})


async def test_a_chain_that_does_not_go_on_from_it(kept: tuple[World, Path], snapshot: Path) -> None:
    """The last decision before the mark is another one by now."""
    audits = [(one, orjson.loads(one.value or b"")) for one in kept[0].topology.cluster.read(AUDIT, 0)]
    mark = read_head(snapshot).offset
    last = [one for one, read in audits if read["topic"] == EVENTS and read["offset"] < mark][-1]

    def edit(records: list[Record]) -> list[Record]:
        other = last._replace(value=(last.value or b"").replace(b'"rules":[', b'"rules":["R99",'))
        return [other if one.offset == last.offset else one for one in records]

    assert "run `txpush audit verify`" in await refused(kept, snapshot.parent, {Place(AUDIT, 0): edit})
