"""Snapshots on a real broker, beside agents that run: taken, in the chain, replayed from, and a forged one refused."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.times import from_epoch_ms
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import CUSTOMER_COMMANDS, EMBEDDED
from streams.snapshots.file import read_head, state_lines, write_draft
from streams.snapshots.folder import snapshots_in
from tests.integration.audit.test_audit import failing, write
from tests.integration.committed import committed
from tests.processes import CLI, Program, run, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]

FIX = CUSTOMER_COMMANDS[0]
CUSTOMERS = [str(7_500_000_000 + number) for number in range(15)]
SECONDS = 90.0


def said(bootstrap: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours."""
    return run((*CLI, *words), settings_for(bootstrap), 120.0)


@pytest.fixture(scope="module")
def flow(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both agents, and customers whose logins fail: too few for an incident, which would hold commands back."""
    logs = tmp_path_factory.mktemp("flow")
    programs = [
        Program((*CLI, name), settings_for(broker.bootstrap, INSTANCE=f"{name}-0"), logs / f"{name}.log")
        for name in ("agent", "institutions")
    ]
    with running(*programs):
        come(broker.bootstrap, CUSTOMERS[:5])
        yield broker.bootstrap


def come(bootstrap: str, customers: list[str]) -> None:
    """Have logins fail, and wait until each has its command."""
    numbers = range(EMBEDDED.partitions)
    before = len(committed(bootstrap, FIX, numbers, SECONDS))
    at = from_epoch_ms(time.time_ns() // 1_000_000)
    write(bootstrap, *(failing(customer, at) for customer in customers))
    wait_until(lambda: len(committed(bootstrap, FIX, numbers, SECONDS)) >= before + len(customers), seconds=SECONDS)


def test_taken_replayed_from_and_proven(flow: str, tmp_path: Path) -> None:
    """Two of each partition, the second from the first; all of it is whole and the same; a forged one is refused."""
    folder = tmp_path / "snapshots"
    for part in (CUSTOMERS[5:9], CUSTOMERS[9:13]):
        taken = said(flow, "snapshot", "--to", str(folder))
        assert (taken.returncode, taken.stdout.count("records of state")) == (0, 2 * EMBEDDED.partitions), taken
        come(flow, part)
    again = said(flow, "snapshot", "--to", str(folder))
    assert re.search(r"aggregation\.events/0 at offset \d+: [1-9]\d* records of state", again.stdout), again
    come(flow, CUSTOMERS[13:])

    proven = said(flow, "audit", "verify")
    assert proven.returncode == 0, proven
    whole = said(flow, "replay")
    assert (whole.returncode, "snapshot" in whole.stdout) == (0, True), whole
    replayed = said(flow, "replay", "--snapshot", str(folder))
    assert (replayed.returncode, replayed.stdout.startswith("same: verified ")) == (0, True), replayed

    kept = next(paths for place, paths in snapshots_in(folder).items() if place == ("aggregation.events", 0))
    path = kept[max(kept)]
    write_draft(path, read_head(path), [line.replace(b"102105", b"102106") for line in state_lines(path)])
    refused = said(flow, "replay", "--snapshot", str(folder))
    assert (refused.returncode, "damaged" in refused.stdout + refused.stderr) == (2, True), refused
