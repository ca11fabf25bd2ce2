"""Folders of exports: whole ones, as all readers of history see them, and those that a run was stopped in."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from backports.zstd import compress

from schemas.cloudevents import to_headers, to_value
from schemas.state import ControlState, encode
from schemas.times import to_epoch_ms
from streams.export.choices import CONTROLS, Choices, ExportError
from streams.export.journal import FINISHED, finished, line_of, resumed, sha256_of
from streams.export.plan import PLAN, Plan, Planned, begun, discard, save
from streams.export.restoring.command import require_whole, warnings
from streams.export.restoring.looking import Looking
from streams.export.writing import PartitionWriter
from streams.history import Content, HistoryError, Place, Span
from streams.history.exports.history import ExportHistory, ExportOrigin
from streams.history.exports.lines import ExportedRecord, lines_of, records_of
from streams.history.exports.manifest import (
    MANIFEST,
    Manifest,
    Partition,
    Segment,
    Topic,
    read_manifest,
    segment_path,
    write_manifest,
)
from streams.history.forgotten import forgotten_by
from streams.kafka.topics import EVENTS, SIGNALS
from streams.settings import Settings
from streams.simulate.exports import events_of_export
from streams.simulate.files import UnreadableFile
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, parts
from tests.fuzz.standins import done, tree
from tests.unit.fold.build import forgotten, looked

MS = to_epoch_ms(AT)
SETTINGS = Settings.model_construct(partitions=1)
PLACES = (Place(EVENTS, 0), Place(CONTROLS[0], 0))
"""Where the file of an input lies."""
CHOICES = Choices((EVENTS,), Content.WHOLE)
SEALED, PACKED = b"s", b"p"
"""Begin an input that gets the right checksums, of lines or of a file that is packed already."""
ZEROS = "0" * 64


def _lay(folder: Path, text: bytes, lines: bytes, *, packed: bool) -> bytes:
    """Lay the files of an input into a folder; gives the text, with the checksums where it has a place for them."""
    file = lines if packed else compress(lines, 1)
    for place in PLACES:
        path = segment_path(folder, place, 0)
        path.parent.mkdir(parents=True)
        path.write_bytes(file)
    sums = {b"FILE": file, b"LINES": lines}
    for name, content in sums.items():
        text = text.replace(name + ZEROS[len(name) :].encode(), hashlib.sha256(content).hexdigest().encode())
    return text.replace(b'"bytes":1234567', b'"bytes":%d' % len(file))


def _export(data: bytes) -> str:
    """Read an export as it is imported, simulated and replayed: records come in order, each of a place that it has."""
    text, lines = parts(data[1:], 2)
    with tree() as folder:
        text = _lay(folder, text, lines, packed=data[:1] == PACKED)
        if data[:1] in {SEALED, PACKED}:
            text = b'{"format":1,"sha256":"%b","body":%b}' % (hashlib.sha256(text).hexdigest().encode(), text)
        (folder / MANIFEST).write_bytes(text)
        try:
            history = ExportOrigin(folder).opened()
        except HistoryError as error:
            return _word(error)
        write_manifest(folder, history.manifest)
        assert read_manifest(folder) == history.manifest
        read = _outcome(lambda: _all_of(history))
        notes: list[str] = []
        simulated = _outcome(lambda: len(list(events_of_export(str(folder), notes.append))))
        refused = _outcome(lambda: _restorable(folder, history))
        return f"{read}, {simulated}, {refused}, {_outcome(lambda: _imported(folder, history))}"


def _outcome(work: Callable[[], int]) -> str:
    try:
        return "records" if work() else "nothing"
    except (HistoryError, ExportError, UnreadableFile) as error:
        return _word(error)


def _word(error: Exception) -> str:
    """Say how it was refused: in words that move no cursor."""
    assert "".join(str(error).splitlines()).isprintable()
    return "damaged" if "damaged" in str(error) else "refused"


def _all_of(history: ExportHistory) -> int:
    count = 0
    for topic in history.topics:
        for place, span in done(history.spans([topic])).items():
            records = [one for piece in history.pieces(place) for one in piece]
            offsets = [one.offset for one in records]
            assert offsets == sorted(set(offsets))
            assert all(span.begin <= one < span.end for one in offsets)
            assert list(records_of(lines_of(records))) == records
            later = (one.offset for one in records if one.timestamp >= MS)
            found = done(history.offset_since(place, AT))
            assert found == next(later, span.end) or not offsets or found > offsets[-1]
            assert all(isinstance(one, str) for one in forgotten_by(records))
            count += len(records)
    return count


def _restorable(folder: Path, history: ExportHistory) -> int:
    require_whole(folder, history.manifest, SETTINGS)
    return 1


def _imported(folder: Path, history: ExportHistory) -> int:
    assert all("".join(one.splitlines()).isprintable() for one in warnings(history.manifest))
    seen: list[int] = []
    done(Looking(folder, [*history.topics], {EVENTS: "new/log", SIGNALS: "new/log"})._run(0, seen.append))
    return sum(seen)


def _written(records: Sequence[ExportedRecord], content: Content = Content.WHOLE) -> Manifest:
    """Give the manifest of records that lie at every place, with room for checksums."""
    times = [one.timestamp for one in records]
    segment = Segment(
        *(records[0].offset, records[-1].offset + 2, len(records), 1234567, min(times), max(times)),
        *("FILE" + ZEROS[4:], "LINES" + ZEROS[5:]),
    )
    partition = Partition(0, segment.end, (segment,))
    topics = {topic: Topic("a-b_c", (partition,)) for topic, _ in PLACES}
    return Manifest("2026-11-01T03:00:00Z", "0.1", "cluster", 1, content, topics)


def _good() -> list[ExportedRecord]:
    events = [looked("7", 185, AT), forgotten("7", AT)]
    control = encode(ControlState(next_offset=9, log="cluster/a-b_c"))
    values = [(to_headers(one), to_value(one.data)) for one in events] + [((), control), ((("n", b"\xff"),), b"\xfe")]
    return [
        ExportedRecord(number, MS + number, b"7", value, tuple(headers))
        for number, (headers, value) in enumerate(values)
    ]


def _export_seeds() -> list[bytes]:
    good, controls = _good(), [ExportedRecord(0, MS, b"0", encode(ControlState(next_offset=1, log="cluster/a-b_c")))]
    lines, text = lines_of(good), msgspec.json.encode(_written(good))
    whole = SEALED + text + BETWEEN
    three = lines.splitlines(keepends=True)
    odd_lines = [three[0] + b"\n" + b"".join(three[1:]), b"\n" * 50, lines + three[-1], lines[:-1], lines[:-9]]
    odd_lines += [three[1] + three[0] + b"".join(three[2:]), b"".join([three[0]] * 4), lines.replace(b"\n", b" ")]
    odd_lines += [lines.replace(b'"offset":1', b'"offset":%b' % one) for one in (b"-1", b"9" * 30, b"9", b"1.0")]
    odd_lines += [lines.replace(b'"key":"7"', b'"key":%b' % one) for one in (b'"\\ud800"', b"null", b"7", b'"\x00"')]
    odd_lines += [one + b"\n" for one in HOSTILE] + [b'{"offset":0,"timestamp":0,"x":' + b"[" * 3000 + b"}\n"]
    changes = [
        (b'"' + EVENTS.encode() + b'"', b'"%b"' % one) for one in (b"..", b"/etc", b"a/../../beside", b"", b"a\\u001b")
    ]
    changes += [(b'"begin":0', b'"begin":%b' % one) for one in (b"-1", b"7", b"9" * 19, b"9" * 4000, b"null")]
    changes += [(b'"records":4', b'"records":%b' % one) for one in (b"0", b"3", b"99", b"9" * 18)]
    changes += [(b'"bytes":1234567', b'"bytes":%b' % one) for one in (b"0", b"9" * 12)]
    changes += [(b'"partitions":1', b'"partitions":%b' % one) for one in (b"0", b"2", b"9" * 18)]
    changes += [(b'"whole"', b'"who\\u001b[2J"'), (b"2026-11-01T03:00:00Z", b"now"), (b'"a-b_c"', b'"\\u0007/x"')]
    changes += [(b'"0.1"', b'"\\u001b[2J"'), (b'"first_ms":', b'"first_ms":-'), (b'"end":5', b'"end":9e9')]
    return [
        whole + lines,
        SEALED + msgspec.json.encode(_written(controls)) + BETWEEN + lines_of(controls),
        *(whole + one for one in odd_lines),
        *(SEALED + text.replace(*change) + BETWEEN + lines for change in changes),
        *(PACKED + text + BETWEEN + one for one in (compress(lines)[:-3], compress(lines) * 2, b"", lines, BOMB)),
        *(SEALED + one for one in HOSTILE),
        *(b"r" + one for one in (b'{"format":2,"sha256":"","body":{}}', *HOSTILE)),
    ]


BOMB = compress(b"{" * (20 << 20), 1)


def _begun(data: bytes) -> str:
    """Go on with an export as a second run does: what is kept is whole, all else is made anew."""
    text, journal, lines = parts(data[1:], 3)
    with tree() as folder:
        place = PLACES[0]
        journal = _lay(folder, journal, lines, packed=data[:1] == PACKED)
        (segment_path(folder, place, 0).parent / FINISHED).write_bytes(journal)
        (folder / PLAN).write_bytes(text)
        try:
            plan = begun(folder, CHOICES)
        except (ExportError, HistoryError) as error:
            return _word(error)
        assert plan is not None
        save(folder, plan)
        assert begun(folder, CHOICES) == plan
        sha256_of(folder, plan.spans(plan.choices.state))
        kept = _gone_on_with(folder, place, plan.span(place)) if plan.partitions else 0
        discard(folder, plan)
        return "kept" if kept else "anew"


def _gone_on_with(folder: Path, place: Place, span: Span) -> int:
    before = resumed(folder, place, span)
    assert finished(folder, place, span) == before
    with PartitionWriter(folder, place, span) as writer:
        begin = writer.next_offset
        assert begin == (before[-1].end if before else span.begin)
        if begin < span.end:
            writer.add([ExportedRecord(begin, MS, b"7", b"new")], begin + 1)
            writer.close()
    after = finished(folder, place, span)
    assert after[: len(before)] == before
    assert resumed(folder, place, span) == after
    names = {segment_path(folder, place, one.begin).name for one in after} | {FINISHED}
    assert {path.name for path in segment_path(folder, place, 0).parent.iterdir()} <= names
    assert len(after) == len(before) + (begin < span.end)
    return len(before)


def _begun_seeds() -> list[bytes]:
    good = _good()
    ((partition, *_), *_) = (topic.partitions for topic in _written(good).topics.values())
    plan = msgspec.json.encode(
        Plan(CHOICES, "2026-11-01T03:00:00Z", "cluster", 1, {EVENTS: Planned("id", (Span(0, 100),))})
    )
    first, lines = line_of(partition.segments[0]), lines_of(good)
    journals = [first[:-9], first + first[:20], first + b"\n", b"\n" + first, first + first, b"7\n" + first, b"\xff\n"]
    journals += [
        first + b'{"begin":9',
        first.replace(b'"end":5', b'"end":101'),
        first.replace(b'"begin":0', b'"begin":1'),
    ]
    plans = [plan.replace(EVENTS.encode() + b'":', b'%b":' % one) for one in (b"..", b"/", b"../beside", b"x")]
    plans += [plan.replace(b"[0,100]", one) for one in (b"[100,0]", b"[-1,9]", b"", b"[0,100],[0,1]", b"[0,1e9]")]
    plans += [plan.replace(b"2026-", one) for one in (b"now", b"\\u001b")] + [plan.replace(b'"whole"', b'"stripped"')]
    return [
        SEALED + BETWEEN.join((plan, first, lines)),
        *(SEALED + BETWEEN.join((plan, one, lines)) for one in (*journals, *HOSTILE)),
        *(SEALED + BETWEEN.join((one, first, lines)) for one in (*plans, *HOSTILE)),
        SEALED + BETWEEN.join((plan, first.replace(b"FILE", b"ELIF"), lines)),
        PACKED + BETWEEN.join((plan, first, b"")),
    ]


EXPORTS = (
    Decoder(
        "export",
        _export,
        _export_seeds,
        frozenset({"records, records, refused, refused", "records, nothing, refused, records"}),
    ),
    Decoder("begun", _begun, _begun_seeds, frozenset({"kept", "anew", "refused", "damaged"})),
)
