"""`txpush export` and `import` at the command line: what is refused before anything is asked of a cluster, and how."""

import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams import progress
from streams.cli import txpush
from streams.export import command
from streams.export.choices import STATE
from streams.export.plan import PLAN
from streams.export.run import Run
from streams.history import Content
from streams.history.exports.manifest import segment_path
from streams.history.history import Place
from streams.kafka.topics import EVENTS, SUBSCRIPTIONS
from streams.progress import Told
from tests.component.export.build import exported, origin_of, traffic

NOBODY = {"TXPUSH_BOOTSTRAP": "127.0.0.1:9", "TXPUSH_PARTITIONS": "3", "TXPUSH_REPLICATION": "1"}


def typed(*words: str, **env: str) -> Result:
    return CliRunner().invoke(txpush, list(words), env=NOBODY | env)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--whole", "--customer", "7"], "--whole goes with neither --customer nor --until"),
        (["--whole", "--until", "2026-11-01T00:00:00Z"], "--whole goes with neither --customer nor --until"),
        (["--whole", "--pseudonymised"], "choose one"),
        (["--pseudonymised"], "needs TXPUSH_PSEUDONYM_KEYS: make one with `openssl rand -hex 32`"),
        (["--secrets"], "--secrets goes with --whole"),
        (["--topic", "nothing.of.ours"], "no such topic: nothing.of.ours; there are aggregation.events"),
        (["--topic", SUBSCRIPTIONS, "--whole"], "exported with --secrets only, sealed as it is"),
        (["--topic", STATE[0], "--whole"], "state is exported all or not at all with --whole"),
        (["--from", "yesterday"], "'yesterday'"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: Sequence[str], why: str, tmp_path: Path) -> None:
    """In words, with 2, and no folder is made."""
    done = typed("export", str(tmp_path / "export"), *options)
    assert (done.exit_code, why in done.output) == (2, True), done.output
    assert list(tmp_path.iterdir()) == []


def test_without_a_cluster_nothing_is_begun(tmp_path: Path) -> None:
    """It says where nobody answers, in words of its own, and nothing of an export that there is not."""
    done = typed("export", str(tmp_path / "export"))
    assert done.exit_code == 2
    assert done.output == (
        "127.0.0.1:9 cannot be read: no broker answers there, where TXPUSH_BOOTSTRAP says; look at the brokers, and "
        "run `txpush doctor`\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "shared"
    with traffic() as topology:
        exported(origin_of(topology), folder, content=Content.PSEUDONYMISED)
    return folder


def test_only_a_whole_export_is_restored(shared: Path, tmp_path: Path) -> None:
    """Before the cluster is looked at: what is none, is of a part, or was changed."""
    done = typed("import", str(tmp_path))
    assert (done.exit_code, "is no export: it has no manifest.json" in done.output) == (2, True), done.output
    done = typed("import", str(shared))
    assert (done.exit_code, "only an export made with --whole is restored; nothing was written" in done.output) == (
        2,
        True,
    ), done.output
    with traffic() as topology:
        exported(origin_of(topology), tmp_path / "part", topics=[EVENTS])
        exported(origin_of(topology), tmp_path / "whole")
    done = typed("import", str(tmp_path / "part"))
    assert (done.exit_code, "lacks " in done.output, "export all topics" in done.output) == (2, True, True)
    done = typed("import", str(tmp_path / "whole"), TXPUSH_PARTITIONS="12")
    assert (done.exit_code, "set TXPUSH_PARTITIONS=3" in done.output) == (2, True), done.output


def test_simulate_names_what_is_damaged(shared: Path, tmp_path: Path) -> None:
    """With file and line, and 2."""
    done = typed("simulate", str(tmp_path))
    assert (done.exit_code, "is no export" in done.output) == (2, True), done.output
    path = segment_path(shared, Place(EVENTS, 0), 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    done = typed("simulate", str(shared))
    assert (done.exit_code, f"{path}:" in done.output, "take it from another copy" in done.output) == (2, True, True)
    path.write_bytes(whole)


def test_what_is_exported_is_its_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links in it work, and names are in it: no file and no folder is anybody else's."""
    with traffic() as topology:
        origin = origin_of(topology)
        run = partial(Run, processes=1, key=b"", at=topology.now, say=command._warn)
        monkeypatch.setattr(command, "_run", lambda _, folder, choices, *__: run(origin, folder, choices))
        done = typed("export", str(tmp_path / "out"), "--whole")
    assert done.exit_code == 0, done.output
    assert "every byte is here" in done.stderr
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]}
    assert modes == {0}


@pytest.mark.parametrize(
    ("is_begun", "code", "words"),
    [(True, 1, "run the same again, and it goes on from there"), (False, 130, "interrupted")],
)
def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_begun: bool, code: int, words: str) -> None:
    """Says how to go on, where there is anything to go on from."""

    class Interrupted:
        folder = tmp_path

        def go(self) -> None:
            raise KeyboardInterrupt

    if is_begun:
        (tmp_path / PLAN).touch()
    monkeypatch.setattr(command, "_run", lambda *_: Interrupted())
    done = typed("export", str(tmp_path))
    assert (done.exit_code, words in done.stderr) == (code, True)


def test_a_long_run_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody looks at a terminal: a line now and then, with the time left."""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with Told("records", 4_000) as told:
        told.add(1_000)
        told.add(1_000)
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(", ")[0] for line in lines] == ["records: 1,000 of 4,000", "records: 2,000 of 4,000"]
    assert all(line.endswith(" s left") for line in lines)
