"""Measures the files of snapshots: records of state a core hashes, writes and reads a second.

Run it as `python -m tests.bench.alone.snapshots [--records 200000]`; no Kafka. Small accounts, CPU time, the best of
three turns; the file is written to a temporary folder.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from schemas.contract import VERSION
from schemas.state import AccountState
from schemas.state.partitions import STATE_VERSION
from streams.domain import ENGINE_VERSION
from streams.fold.memory import MemoryTable
from streams.kafka.topics import AGENT, EVENTS
from streams.snapshots.file import FORMAT, Head, read_snapshot, write_draft
from streams.snapshots.state import Digest, digest_of, lines_of
from tests.bench.telling import say

RECORDS = 200_000
TURNS = 3
AT = datetime(2026, 11, 1, 3, tzinfo=UTC)


def grown(records: int) -> MemoryTable:
    """Give the table of accounts of one partition, two a customer."""
    table = MemoryTable.of(AGENT, "accounts", AccountState)
    table.take(
        0, {f"{7_000_000_000 + number // 2}/{5_900_000_000 + number}": account(number) for number in range(records)}
    )
    return table


def account(number: int) -> AccountState:
    """Give an account that stands at 0."""
    at = AT + timedelta(milliseconds=number)
    login_id = str(7_100_000_000 + number // 2)
    return AccountState(heard_at=at, institution_id="102105", login_id=login_id, code=0, attempted_at=at, healthy_at=at)


def head_of(digest: Digest) -> Head:
    """Give the first line of the file."""
    return Head(
        format=FORMAT,
        log="bench/bench",
        topic=EVENTS,
        partition=0,
        partitions=1,
        offset=0,
        time_ms=0,
        state_sha256=digest.sha256,
        records=digest.records,
        state_version=STATE_VERSION,
        audit_head="",
        release=VERSION,
        engine_version=ENGINE_VERSION,
    )


def best(work: Callable[[], object]) -> float:
    """Give the CPU seconds of the best turn."""
    turns = []
    for _ in range(TURNS):
        gc.collect()
        began = process_time()
        work()
        turns.append(process_time() - began)
    return min(turns)


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alone.snapshots", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help=f"of state; {RECORDS:,}")
    records = parser.parse_args().records
    table = grown(records)
    head = head_of(digest_of(lines_of([table], 0)))
    with tempfile.TemporaryDirectory(prefix="txpush-bench-snapshots-") as folder:
        path = Path(folder) / "state"
        steps: dict[str, Callable[[], object]] = {
            "hashed": lambda: digest_of(lines_of([table], 0)),
            "written": lambda: write_draft(path, head, lines_of([table], 0)),
            "read": lambda: read_snapshot(path),
        }
        for name, work in steps.items():
            say(f"{name:<10}{records / best(work):>12,.0f} records a second")
        say(f"{'file':<10}{path.stat().st_size / records:>12.1f} bytes a record")


if __name__ == "__main__":
    main()
