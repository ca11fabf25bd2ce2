"""An export from somewhere else: its checksums are right, and it is refused for what it says, with file and place."""

import os
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from backports.zstd import CompressionParameter, ZstdCompressor, compress

from streams.export.choices import ExportError
from streams.export.restoring.looking import MOST_OFFSETS, Looking, too_long
from streams.history import HistoryError, Place
from streams.history.exports.lines import LINE_BYTES, ExportedRecord, lines_of
from streams.history.exports.manifest import MANIFEST, read_manifest, segment_path
from streams.kafka.topics import EVENTS, HEALTH
from tests.component.export.small import HERE, as_lines, made, read_all, resealed, some, with_lines


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"aggregation.events"', b'".."', r"'\.\.' is no name of a topic"),
        (b'"aggregation.events"', b'"/etc"', "'/etc' is no name of a topic"),
        (b'"aggregation.events"', b'"a/../../b"', "is no name of a topic"),
        (b'"id":"id"', b'"id":"\\u001b[2J"', r"aggregation\.events: '\\x1b\[2J' is no id of a topic"),
        (b'"cluster_id":"cluster"', b'"cluster_id":"a/b"', "'a/b' is no id of a cluster"),
        (b'"made_at":"2026-11-01T03:00:00Z"', b'"made_at":"\\u001b[2J"', "made_at: .* is no time"),
        (b'"made_by":"0.1"', b'"made_by":"\\u001b[2J"', "made_by: .* is no plain text"),
        (b'"content":"whole"', b'"content":"whole","warning":"\\u001b[2J"', "warning: .* is no plain text"),
        (b'"content":"whole"', b'"content":"whole","customers":["\\u001b[2J"]', "customers: one is no plain text"),
        (b'"content":"whole"', b'"content":"whole","since":"soon"', "since: 'soon' is no time"),
        (b'"content":"whole"', b'"content":"whole","until":"late"', "until: 'late' is no time"),
        (b'"begin":0,"end":4,"segments"', b'"begin":5,"end":4,"segments"', "ends at 4, before it begins at 5"),
        (b'"records":4', b'"records":0', "from 0 up to 4 cannot have 0 records"),
        (b'"whole"', b'"\\u001b[2J"', r"Invalid enum value '\\x1b"),
        (b'"partitions":1', b'"partitions":1000000000000', "has 1 partitions, and the export 1000000000000"),
        (b'"partitions":1', b'"partitions":0', "Expected `int` >= 1"),
        (b'"begin":0,"end":4,"records"', b'"begin":-1,"end":4,"records"', "Expected `int` >= 0 - at `"),
        (b'"begin":0,"end":4,"records"', b'"begin":0,"end":9,"records"', "from 0 up to 9 does not lie between 0 and 4"),
        (b'"records":4', b'"records":5', "from 0 up to 4 cannot have 5 records"),
        (b'"first_ms":', b'"first_ms":9', "has its last time before its first"),
        (b'"bytes":', b'"bytes":999999999', "Expected `int` <= 1073741824"),
        (b'"end":4,"segments"', b'"end":99999999999999999999,"segments"', "Expected `int` <= 9223372036854775807"),
    ],
)
def test_a_manifest_says_what_can_be(old: bytes, new: bytes, why: str, tmp_path: Path) -> None:
    """Whatever its checksum: names are of topics, files lie behind each other, and no number is past all logs."""
    body = msgspec.json.encode(made(tmp_path, some()))
    assert old in body
    resealed(tmp_path, body.replace(old, new, 1))
    with pytest.raises(HistoryError, match=rf"^{tmp_path / MANIFEST}:1: damaged: .*{why}.*; take it from another copy"):
        read_manifest(tmp_path)


def test_an_export_has_a_topic(tmp_path: Path) -> None:
    """One of nothing was not made by us, and would be read as a log without a record."""
    body = msgspec.json.encode(msgspec.structs.replace(made(tmp_path, some()), topics={}))
    resealed(tmp_path, body)
    with pytest.raises(HistoryError, match="damaged: it has no topic"):
        read_manifest(tmp_path)


def test_files_lie_behind_each_other(tmp_path: Path) -> None:
    """Two of the same offsets, or in the wrong order, are no log."""
    manifest = made(tmp_path, some())
    (segment,) = manifest.topics[EVENTS].partitions[0].segments
    topic = manifest.topics[EVENTS]
    partition = msgspec.structs.replace(topic.partitions[0], segments=(segment, segment))
    topics = {EVENTS: msgspec.structs.replace(topic, partitions=(partition,))}
    resealed(tmp_path, msgspec.json.encode(msgspec.structs.replace(manifest, topics=topics)))
    with pytest.raises(
        HistoryError, match=r"aggregation\.events/0: the file .* 0 up to 4 does not lie between 4 and 4"
    ):
        read_manifest(tmp_path)


def _file(folder: Path) -> Path:
    return segment_path(folder, HERE, 0)


@pytest.mark.parametrize("of", [lambda folder: folder / MANIFEST, _file, lambda folder: folder / EVENTS])
@pytest.mark.parametrize("lay", [lambda path, to: path.symlink_to(to), lambda path, _: os.mkfifo(path)])
def test_a_file_is_a_file(of: Callable[[Path], Path], lay: Callable[[Path, Path], None], tmp_path: Path) -> None:
    """What is a link, or something that could be waited for without end, is named, though what it leads to is right."""
    folder, elsewhere = tmp_path / "export", tmp_path / "elsewhere"
    made(folder, some())
    path = of(folder)
    path.rename(elsewhere)
    lay(path, elsewhere)
    with pytest.raises(HistoryError, match=rf"^{path}.*(is a link|is no file|cannot be read)"):
        read_all(folder)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A name that waits for what is written next is taken away; what it led to stays as it was."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / f"{MANIFEST}.part").symlink_to(tmp_path / "mine")
    made(tmp_path, some())
    assert (tmp_path / "mine").read_text() == "mine"
    assert len(read_all(tmp_path)) == 4
    (tmp_path / "other" / EVENTS).parent.mkdir()
    (tmp_path / "other" / EVENTS).symlink_to(tmp_path / EVENTS)
    with pytest.raises(HistoryError, match="is a link"):
        made(tmp_path / "other", some())


FOUR = as_lines(some())


@pytest.mark.parametrize(
    ("lines", "line", "why"),
    [
        ([FOUR[0], b"\n", *FOUR[1:]], 2, "it is empty"),
        ([b"\n"] * 9, 1, "it is empty"),
        ([FOUR[0], FOUR[1], FOUR[1], FOUR[3]], 3, "offset 1 does not lie between 2 and 4"),
        ([FOUR[1], FOUR[0], *FOUR[2:]], 2, "offset 0 does not lie between 2 and 4"),
        ([*FOUR, *as_lines([some(5)[4]])], 5, "there are more lines than the 4 records"),
        ([*FOUR[:3], FOUR[3].replace(b'"offset":3', b'"offset":-3')], 4, "Expected `int` >= 0"),
        ([*FOUR[:3], FOUR[3].replace(b'"timestamp":', b'"timestamp":1')], 4, "time .* does not lie between"),
        ([*FOUR[:3], FOUR[3].replace(b"\n", b"")], 4, "its last line has no end"),
        ([*FOUR[:3], b'{"offset":3,"timestamp":0,"x":' + b"[" * 3000 + b"}\n"], 4, "recursion"),
        ([FOUR[0].replace(b"\n", b" ") + FOUR[1], *FOUR[2:]], 1, "a record is a line"),
    ],
)
def test_lines_are_records(lines: Sequence[bytes], line: int, why: str, tmp_path: Path) -> None:
    """One each, in order, no more than the manifest says, and ended; otherwise its number is told."""
    with_lines(tmp_path, made(tmp_path, some()), b"".join(lines))
    with pytest.raises(HistoryError, match=rf"^{_file(tmp_path)}:{line}: damaged: .*{why}"):
        read_all(tmp_path)


@pytest.mark.parametrize("change", [lambda file: file + file, lambda file: file + b"x", lambda file: file[:-6]])
def test_a_file_ends_where_its_records_do(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What lies behind is read by other programs, and what is lacking is not passed over."""
    with_lines(tmp_path, made(tmp_path, some()), b"".join(FOUR), change(compress(b"".join(FOUR))))
    with pytest.raises(HistoryError, match=r"damaged: (there is something behind its end|it ends in the middle)"):
        read_all(tmp_path)


def test_memory_does_not_grow_with_a_line(tmp_path: Path) -> None:
    """A few kilobytes that become one line of 200 megabytes are refused when the line is longer than any of ours."""
    packed = compress(b'{"offset":0,"timestamp":0,"value":"' + b"x" * (200 << 20), 3)
    assert len(packed) < 100_000
    with_lines(tmp_path, made(tmp_path, some()), b"", packed)
    tracemalloc.start()
    try:
        with pytest.raises(HistoryError, match=f"damaged: a line has more than {LINE_BYTES} bytes"):
            read_all(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 3 * LINE_BYTES
    finally:
        tracemalloc.stop()


def test_memory_is_not_what_a_file_asks_for(tmp_path: Path) -> None:
    """A window of 128 megabytes is not made, whatever is in it."""
    with_lines(tmp_path, made(tmp_path, some()), b"".join(FOUR), _streamed(b"".join(FOUR)))
    with pytest.raises(HistoryError, match=r"damaged: .*(memory|window)"):
        read_all(tmp_path)


def _streamed(lines: bytes) -> bytes:
    """Pack without saying how much it is, so that the window stands in the head of it."""
    compressor = ZstdCompressor(options={CompressionParameter.window_log: 27})
    return compressor.compress(lines, ZstdCompressor.FLUSH_BLOCK) + compressor.flush()


def test_what_no_reader_takes_is_not_written(tmp_path: Path) -> None:
    """A record with a line that is too long stops the export in words, and not its reader later on."""
    long = ExportedRecord(1, 0, b"7", b"x" * LINE_BYTES)
    with pytest.raises(ExportError, match=f"the record at offset 1 takes a line of more than {LINE_BYTES} bytes"):
        made(tmp_path, [*some(1), long])
    short = ExportedRecord(1, 0, b"7", b"x" * (LINE_BYTES - 200))
    assert len(lines_of([short])) < LINE_BYTES
    made(tmp_path, [*some(1), short])
    assert read_all(tmp_path)[1] == short


def test_a_log_of_too_many_offsets_is_not_written(tmp_path: Path) -> None:
    """Offsets without a record are filled: of more than anybody has nothing is begun."""
    manifest = made(tmp_path, some())
    assert list(too_long(manifest)) == []
    far = msgspec.structs.replace(manifest.topics[EVENTS].partitions[0], end=MOST_OFFSETS + 1)
    topics = {EVENTS: msgspec.structs.replace(manifest.topics[EVENTS], partitions=(far,))}
    (why,) = too_long(msgspec.structs.replace(manifest, topics=topics))
    assert why.startswith(f"aggregation.events/0 ends at offset {MOST_OFFSETS + 1}")


def test_all_is_looked_at_before_anything_is_written(tmp_path: Path) -> None:
    """Every line, and that brokers take it: a record without a key is none of a compacted topic."""
    records, told = [*some(2), ExportedRecord(2, 0, None, b"x")], list[int]()
    made(tmp_path, records, HERE, Place(HEALTH, 0))
    Looking(tmp_path, [EVENTS], {})(0, told.append)
    assert sum(told) == 3
    with pytest.raises(ExportError, match=r"account\.health/0/2 has no key"):
        Looking(tmp_path, [HEALTH], {})(0, told.append)
    with_lines(tmp_path / "other", made(tmp_path / "other", some()), b"".join([*FOUR[:3], b"{}\n"]))
    with pytest.raises(HistoryError, match=":4: damaged"):
        Looking(tmp_path / "other", [EVENTS], {})(0, told.append)
