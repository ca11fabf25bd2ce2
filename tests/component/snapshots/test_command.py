"""`txpush snapshot`: what it says, and how it ends."""

import asyncio
import os
import signal
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.exits import repeated
from streams.history import HistoryError, Place
from streams.kafka.topics import AUDIT, EVENTS
from streams.replay import command as replaying
from streams.settings import Settings
from streams.snapshots import command
from streams.snapshots.command import Keeper, keep, looked
from streams.snapshots.folder import snapshots_in
from streams.snapshots.run import HowTaken
from streams.testing import Topology
from streams.testing.broker import Record
from tests.component.replay.stage import Tampered
from tests.component.snapshots.stage import writer


@pytest.fixture(scope="module")
def topology() -> Topology:
    """Give a log with a command."""
    topology = Topology(partitions=1)
    topology.settle()
    record = {"customerId": "7000", "id": "1", "institutionId": "10", "institutionLoginId": "7"}
    body = record | {"aggregationStatusCode": 103}
    topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})
    topology.advance(days=1)
    return topology


def run(monkeypatch: pytest.MonkeyPatch, origin: Tampered, *arguments: str) -> tuple[int, str]:
    """Run the command on a history."""

    async def write(act: Any, **_settings: object) -> object:  # noqa: ANN401 - an act
        return await writer(origin.topology)(act)

    monkeypatch.setattr(command, "origin_of", lambda *_where: origin)
    monkeypatch.setattr(replaying, "origin_of", lambda *_where: origin)
    monkeypatch.setattr(command, "write", write)
    monkeypatch.setattr(command, "clock_of", lambda _settings: origin.topology.clock)
    made = replaying.replay if arguments[0] == "replay" else command.snapshot
    result = CliRunner().invoke(made, [*arguments[1:], "--jobs", "1"])
    return result.exit_code, result.output


def test_all_are_taken_and_replayed_from(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> None:
    """A line for each partition; `replay --snapshot` goes on from them; both exit 0."""
    folder = tmp_path / "new"
    code, output = run(monkeypatch, Tampered(topology), "snapshot", "--to", str(folder))
    assert (code, output.count("records of state")) == (0, 2), output
    assert folder.stat().st_mode & 0o077 == 0
    code, output = run(monkeypatch, Tampered(topology), "replay", "--snapshot", str(folder))
    assert (code, output.startswith("same: verified ")) == (0, True), output
    code, output = run(monkeypatch, Tampered(topology), "replay", "--snapshot", str(tmp_path))
    assert (code, "has no snapshot of" in output) == (2, True), output


def test_a_job_takes_what_is_due(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> None:
    """And ends; on the next day nothing is due. Without a span there is nothing to be due by."""
    arguments = ("snapshot", "--to", str(tmp_path), "--every", "30d", "--once")
    code, output = run(monkeypatch, Tampered(topology), *arguments)
    assert (code, output.count("records of state")) == (0, 2), output
    code, output = run(monkeypatch, Tampered(topology), *arguments)
    assert (code, output.count("records of state")) == (0, 0), output
    code, output = run(monkeypatch, Tampered(topology), "snapshot", "--to", str(tmp_path), "--once")
    assert (code, "--once goes with --every" in output) == (2, True), output


def test_another_log_exits_1(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> None:
    """With what is not alike, and what to run."""

    def edit(records: list[Record]) -> list[Record]:
        return [one._replace(value=(one.value or b"").replace(b'"rules":[', b'"rules":["R99",')) for one in records]

    origin = Tampered(topology, {Place(AUDIT, 0): edit})
    code, output = run(monkeypatch, origin, "snapshot", "--to", str(tmp_path))
    assert (code, "`txpush replay` says what differs" in output) == (1, True), output


def test_what_cannot_be_taken_exits_2(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> None:
    """In words."""
    origin = Tampered(topology, begins={Place(EVENTS, 0): 2})
    code, output = run(monkeypatch, origin, "snapshot", "--to", str(tmp_path))
    assert (code, "are not there any more" in output) == (2, True), output
    file = tmp_path / "file"
    file.touch()
    code, _ = run(monkeypatch, origin, "snapshot", "--to", str(file))
    assert code == 2


async def test_by_itself(topology: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes what is due when it is due, goes on after a look that could not be, and ends when it is told to."""
    how = HowTaken(tmp_path, writer(topology), lambda: topology.now, timedelta(days=30))
    keeper = Keeper(Settings(), Tampered(topology), how)
    for days, count in ((0, 1), (29, 1), (1, 2)):
        topology.advance(days=days)
        assert await looked(keeper)
        assert {len(paths) for paths in snapshots_in(tmp_path).values()} == {count}

    looks = 0

    async def look(_keeper: Keeper) -> object:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise HistoryError("nobody answers")
        os.kill(os.getpid(), signal.SIGTERM)
        return [], []

    monkeypatch.setattr(Keeper, "look", look)
    monkeypatch.setattr(command, "AGAIN_SECONDS", 0.0)

    async with asyncio.timeout(10):
        await repeated(partial(keep, keeper))
    assert looks == 2
