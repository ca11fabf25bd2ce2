"""Measures the files of exports: what a core takes to write a record into one, and to read it.

Run it as `python -m tests.bench.alone.exports [--records 200000]`; no Kafka. The traffic of the other benchmarks, CPU
time, the best of three turns, checksums included; the files are in a temporary folder. The reference does the least
that can be done: the values alone, as lines, through the same compression, without a checksum of ours.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from backports.zstd import compress, decompress

from streams.export.journal import finished
from streams.export.writing import LEVEL, PartitionWriter
from streams.history import Place, Span
from streams.history.exports.lines import ExportedRecord
from streams.history.exports.segments import segment_records
from streams.kafka.topics import EVENTS
from tests.bench.alone.snapshots import best
from tests.bench.telling import say
from tests.bench.traffic import Portfolio, history

RECORDS = 200_000
CHUNK = 1_000
"""Records that a reader of Kafka hands on at once, about."""
UNTIL = datetime(2026, 11, 1, 3, tzinfo=UTC)
PLACE = Place(EVENTS, 0)


def made(count: int) -> list[ExportedRecord]:
    """Give records of the inbound log as the bridge writes them."""
    found = history(Portfolio(20_000, 7), count, UNTIL)
    return [
        ExportedRecord(offset, one.timestamp_ms, one.key, one.value, tuple(one.headers))
        for offset, one in enumerate(found)
    ]


def write(folder: Path, records: Sequence[ExportedRecord]) -> None:
    """Write one partition anew."""
    shutil.rmtree(folder / EVENTS, ignore_errors=True)
    with PartitionWriter(folder, PLACE, Span(0, len(records))) as writer:
        for begin in range(0, len(records), CHUNK):
            chunk = records[begin : begin + CHUNK]
            writer.add(chunk, begin + len(chunk))
        writer.close()


def read(folder: Path, count: int) -> int:
    """Read it, as whoever replays or verifies does."""
    whole = finished(folder, PLACE, Span(0, count))
    return sum(len(piece) for segment in whole for piece in segment_records(folder, PLACE, segment))


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alone.exports", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help=f"of the inbound log; {RECORDS:,}")
    count = parser.parse_args().records
    records = made(count)
    lines = b"\n".join(record.value or b"" for record in records)
    packed = compress(lines, LEVEL)
    with tempfile.TemporaryDirectory(prefix="txpush-bench-exports-") as name:
        folder = Path(name)
        written = best(lambda: write(folder, records))
        taken = best(lambda: read(folder, count))
        size = sum(path.stat().st_size for path in folder.rglob("*.zst"))
    plain = best(lambda: compress(lines, LEVEL)), best(lambda: decompress(packed).split(b"\n"))
    say(f"{'':<10}{'µs a record':>12}{'reference':>12}{'ratio':>8}")
    for what, seconds, least in (("written", written, plain[0]), ("read", taken, plain[1])):
        say(f"{what:<10}{seconds / count * 1e6:>12.1f}{least / count * 1e6:>12.2f}{seconds / least:>8.1f}")
    say(f"{'file':<10}{size / count:>12.1f} bytes a record, {len(lines) / count:.0f} of them values before")


if __name__ == "__main__":
    main()
