"""The end of `txpush import`: what it says, and what it has done whoever reads that."""

import errno
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from streams.cli import txpush
from streams.export.restoring import command
from streams.export.restoring.command import counted
from streams.export.restoring.comparing import Compared
from streams.export.workers import Outcome
from streams.history.exports.manifest import read_manifest
from streams.kafka.topics import EVENTS, SIGNALS
from streams.settings import Settings
from tests.component.export.build import exported, origin_of, traffic

LOGS = {EVENTS: "cluster/events", SIGNALS: "cluster/signals"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "whole"
    with traffic() as topology:
        exported(origin_of(topology), folder)
    return folder


@pytest.fixture(autouse=True)
def _restores_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a cluster that takes everything: ten records in each partition."""

    async def empty(_settings: Settings) -> dict[str, str]:
        return LOGS

    monkeypatch.setattr(command, "_require_empty", empty)
    monkeypatch.setattr(command, "_require_files", lambda *_: None)
    monkeypatch.setattr(command, "_restored", lambda *_: Outcome(dict.fromkeys(range(3), Compared(10, 0))))


def restored(folder: Path) -> Result:
    return CliRunner().invoke(txpush, ["import", str(folder)], env={"TXPUSH_PARTITIONS": "3"})


def test_what_audits_need_is_printed_and_kept(whole: Path) -> None:
    """The names of the chains are told, and in a file that the command to be run takes."""
    done = restored(whole)
    assert done.exit_code == 0, done.output
    assert "30 records are there, read back and compared" in done.stdout
    kept = json.loads((whole / "restored.json").read_text())
    assert kept["logs"] == LOGS
    assert f"{EVENTS}: {kept['chains'][EVENTS]}, now {LOGS[EVENTS]}" in done.stdout
    assert f"txpush audit verify --former {whole / 'restored.json'}" in done.stdout


def test_an_interrupted_import_says_what_is_left(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that failed: the cluster holds a part, and is not empty any more."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_restored", interrupted)
    done = restored(whole)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "interrupted\n127.0.0.1:9092 holds a part: delete its topics, apply them anew" in done.stderr


def test_counts_that_differ_are_explained(whole: Path) -> None:
    """What an export has and a cluster shows no more is told by why: too old, or followed by another of its key."""
    manifest = read_manifest(whole)
    exported = sum(
        segment.records
        for topic in manifest.topics.values()
        for partition in topic.partitions
        for segment in partition.segments
    )
    assert [line.partition(" ")[0] for line in counted(manifest, [Compared(10, 2), Compared(20, 3)])] == [
        "30",
        "5",
        f"{exported - 35:,}",
    ]
    (_, told) = counted(manifest, [Compared(exported - 1, 0)])
    assert told.startswith("1 more are in the export, but a later one of the same key stands in their place")
    assert len(list(counted(manifest, [Compared(exported, 0)]))) == 1


def test_what_audits_need_is_kept_before_anything_is_printed(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The restored cluster has it, though standard output takes nothing."""
    (whole / "restored.json").unlink(missing_ok=True)

    def full(*_: object, err: bool = False, **__: object) -> None:
        if not err:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(click, "echo", full)
    restored(whole)
    assert json.loads((whole / "restored.json").read_text())["logs"] == LOGS


def test_what_could_not_be_kept_is_said(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed then is all that there is."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(command, "write_whole", refuse)
    done = restored(whole)
    assert (done.exit_code, "restored.json could not be written (Permission denied): keep" in done.stderr) == (0, True)
