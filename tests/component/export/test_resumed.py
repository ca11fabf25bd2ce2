"""An export that goes on: what is damaged of the first run is made anew, and nobody's id is left by it."""

import asyncio
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from streams.export import run
from streams.export.choices import Choices, ExportError, chosen_topics
from streams.export.journal import FINISHED
from streams.export.plan import PLAN
from streams.export.run import Run
from streams.history import Content, HistoryError, Origin
from streams.history.exports.history import ExportOrigin
from streams.history.exports.manifest import read_manifest, segment_path
from streams.kafka.topics import EVENTS
from streams.testing.topology import START
from tests.component.export.build import CUSTOMERS, KEY, forgotten, origin_of, traffic
from tests.component.export.small import HERE, made, some
from tests.component.export.test_export import Killed, same
from tests.component.export.test_names import everything

WHOLE = Choices((EVENTS,), Content.WHOLE)
WHO = "7000000042"
SHARED = Choices((EVENTS,), Content.PSEUDONYMISED, customers=(WHO,), names="key")


@pytest.fixture
def origin(tmp_path: Path) -> ExportOrigin:
    made(tmp_path / "origin", some(9, WHO))
    return ExportOrigin(tmp_path / "origin")


def go(origin: Origin, folder: Path, choices: Choices = WHOLE, said: list[str] | None = None) -> None:
    Run(origin, folder, choices, 1, KEY, START, say=([] if said is None else said).append).go()


def killed_at(step: str, monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> None:
    """Have a run killed before one of its last steps."""

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(run, step, kill)
        with pytest.raises(Killed):
            work()


SPOILT: Mapping[str, Callable[[bytes], bytes]] = {
    "half a line": lambda file: file[: len(file) // 2],
    "half a line before another": lambda file: file[: len(file) // 2] + b"\n" + file,
    "no text": lambda _: b"\xff\x00\n",
    "nested": lambda _: b"[" * 5000,
    "twice": lambda file: file + file,
    "nothing": lambda _: b"",
    "elsewhere": lambda file: file.replace(b'"begin":0', b'"begin":1'),
    "another file": lambda file: file.replace(b'"sha256":"', b'"sha256":"0', 1),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_finished_is_made_anew_where_it_is_damaged(
    how: str, origin: ExportOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a kill, or somebody, has left of the list: the second run has all, and nothing twice."""
    folder = tmp_path / "export"
    killed_at("write_manifest", monkeypatch, lambda: go(origin, folder))
    journal = folder / EVENTS / "0" / FINISHED
    journal.write_bytes(SPOILT[how](journal.read_bytes()))
    (journal.parent / "00000000000000000007.jsonl.zst").write_bytes(b"of nobody")
    go(origin, folder)
    assert asyncio.run(same(origin, ExportOrigin(folder))) == 9
    assert len([*journal.parent.iterdir()]) == 1


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_finished_file_that_is_damaged_is_made_anew(
    spoil: Callable[[Path], None], origin: ExportOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest would name what nobody can read."""
    folder = tmp_path / "export"
    killed_at("write_manifest", monkeypatch, lambda: go(origin, folder))
    spoil(segment_path(folder, HERE, 0))
    go(origin, folder)
    assert asyncio.run(same(origin, ExportOrigin(folder))) == 9


def test_state_that_is_damaged_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of one moment: no part of it can be made anew alone, and none may be lacking."""
    with traffic() as topology:
        origin, folder, said = origin_of(topology), tmp_path / "export", list[str]()
        everyone = Choices(chosen_topics((), secrets=False, until=False), Content.WHOLE)
        killed_at("write_manifest", monkeypatch, lambda: go(origin, folder, everyone))
        (folder / "txpush-agent-control-changelog" / "0" / FINISHED).unlink()
        go(origin, folder, everyone, said)
        assert said[0] == "the state that was read is damaged: it begins anew"
        assert asyncio.run(same(origin, ExportOrigin(folder))) > 200


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b'"topics":{"aggregation.events"', b'"topics":{"../mine"'), "its topics are not those that were asked for"),
        ((b"[0,9]", b"[9,0]"), "has a partition that ends before it begins"),
        ((b"[0,9]", b"[0,9],[0,9]"), "has 2 partitions, not 1"),
        ((b'"2026-', b'"\\u001b2026-'), "it was made at no time"),
        ((b"[0,9]", b"[" * 5000), "cannot be read"),
    ],
)
def test_a_plan_drops_nothing_elsewhere(
    change: tuple[bytes, bytes], why: str, origin: ExportOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its topics are folders that are written to, and dropped: they are those that were asked for."""
    folder, mine = tmp_path / "export", tmp_path / "mine"
    mine.mkdir()
    killed_at("write_manifest", monkeypatch, lambda: go(origin, folder))
    plan = (folder / PLAN).read_bytes()
    assert change[0] in plan
    (folder / PLAN).write_bytes(plan.replace(*change))
    with pytest.raises(ExportError, match=f"{why}.*remove {folder}, and begin again"):
        go(origin, folder)
    assert mine.is_dir()
    (folder / PLAN).unlink()
    (folder / PLAN).symlink_to(tmp_path / "plan")
    (tmp_path / "plan").write_bytes(plan)
    with pytest.raises(HistoryError, match=f"{folder / PLAN} is a link"):
        go(origin, folder)


@pytest.mark.parametrize("step", ["Altering", "write_manifest", "clear"])
def test_no_id_is_in_any_file_at_any_time(
    step: str, origin: ExportOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an export for sharing, wherever it is killed; the plan is its owner's alone, and gone when it is run again."""
    folder = tmp_path / "shared"
    killed_at(step, monkeypatch, lambda: go(origin, folder, SHARED))
    assert WHO.encode() not in everything(folder)
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folder.glob("*.json")} <= {0}
    if step == "clear":
        assert (folder / PLAN).exists()
        with pytest.raises(ExportError, match="is an export already"):
            go(origin, folder, SHARED)
        assert not (folder / PLAN).exists()


def test_who_asks_for_another_customer_asks_for_another_export(
    origin: ExportOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the plan does not say whose it is, a run for somebody else does not go on with it."""
    folder = tmp_path / "shared"
    killed_at("write_manifest", monkeypatch, lambda: go(origin, folder, SHARED))
    other = Choices((EVENTS,), Content.PSEUDONYMISED, customers=("7000000043",), names="key")
    with pytest.raises(ExportError, match="with other options was begun"):
        go(origin, folder, other)
    go(origin, folder, SHARED)
    (name,) = read_manifest(folder).customers
    assert name.startswith("c_")


def test_who_was_forgotten_is_not_named_as_asked_for(tmp_path: Path) -> None:
    """The manifest says for whom it was made: with the name that stands for that customer in it."""
    with traffic(forgotten(CUSTOMERS[5], 4000)) as topology:
        choices = Choices((EVENTS,), Content.STRIPPED, customers=(CUSTOMERS[4], CUSTOMERS[5]))
        go(origin_of(topology), tmp_path / "two", choices)
    assert CUSTOMERS[5].encode() not in everything(tmp_path / "two")
    assert read_manifest(tmp_path / "two").customers[0] == CUSTOMERS[4]
