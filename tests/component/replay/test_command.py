"""`txpush replay`: words first, exit codes, files, and that it cannot write to a topic."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.policy import Policy
from streams.history import Place
from streams.kafka.topics import AUDIT, EVENTS
from streams.operate.differences import as_toml
from streams.replay import command
from streams.testing import Topology
from tests.component.replay.stage import Tampered, audits

ROOT = Path(command.__file__).parent


@pytest.fixture(scope="module")
def topology() -> Topology:
    """Give a log with a command of one customer."""
    with Topology(partitions=1) as topology:
        for code in (185, 0, 103):
            record = {"customerId": "7000", "id": "<i>", "institutionId": "10", "institutionLoginId": "7"}
            dates = {"aggregationAttemptDate": int(topology.now.timestamp())}
            body = record | {"id": "1"} | dates | {"aggregationStatusCode": code}
            topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})
            topology.advance(days=1)
    return topology


def replayed(monkeypatch: pytest.MonkeyPatch, origin: Tampered, *arguments: str) -> tuple[int, str]:
    """Run the command on a history."""
    monkeypatch.setattr(command, "origin_of", lambda *_where: origin)
    result = CliRunner().invoke(command.replay, ["--jobs", "1", *arguments])
    return result.exit_code, result.output


def test_the_same_is_said_first(monkeypatch: pytest.MonkeyPatch, topology: Topology) -> None:
    """With what was compared; exit 0."""
    code, output = replayed(monkeypatch, Tampered(topology))
    assert code == 0
    assert output.startswith("same: verified ")


def test_a_difference_is_said_first(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> None:
    """With its place and cause; exit 1, and a line and a row for it."""
    gone = audits(topology, EVENTS, 0)[2]
    origin = Tampered(topology, {Place(AUDIT, 0): lambda records: [one for one in records if one != gone]})
    lines, page = tmp_path / "lines", tmp_path / "page.html"
    code, output = replayed(monkeypatch, origin, "--jsonl", str(lines), "--html", str(page))
    assert code == 1
    assert output.startswith("different: 1 new; ")
    assert "no decision is" in output
    assert lines.read_text().count("\n") == 1
    assert {path.stat().st_mode & 0o077 for path in (lines, page)} == {0}
    assert "no decision is recorded" in page.read_text()
    assert "<script" not in page.read_text()


def test_the_page_of_two_policies(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> None:
    """Charts of both, what was taken as given, and nothing from elsewhere."""
    policy = Policy.load()
    other = policy.model_copy(
        update={"version": "<b>", "contact": policy.contact.model_copy(update={"reminder_days": (2,)})}
    )
    file, page = tmp_path / "policy.toml", tmp_path / "page.html"
    file.write_text(as_toml(other))
    code, output = replayed(monkeypatch, Tampered(topology), "--policy", str(file), "--html", str(page))
    assert (code, "incidents that were announced" in " ".join(output.split())) == (1, True)
    text = page.read_text()
    assert text.count("<svg") >= 1
    assert "under the policy &lt;b&gt;" in text
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--offsets", "0:5"), "write partition, first and last offset"),
        (("--from", "noon"), "write RFC 3339"),
        (("--customer", "a b"), "is no id of a customer"),
        (("--offsets", "0:1-2", "--customer", "7"), "--offsets goes with neither"),
        (("--policy", "/nowhere.toml"), "/nowhere.toml"),
        (("--offsets", "7:1-2"), "there is no partition 7"),
        (("--customer", "7999"), "nothing to replay"),
        (("--from", "2040-01-01T00:00:00Z"), "nothing to replay"),
        (("--html", "/nowhere/page.html"), "give another place with --html"),
        (("--jsonl", "/nowhere/lines"), "look at the disk"),
    ],
)
def test_what_cannot_be_done(
    monkeypatch: pytest.MonkeyPatch, topology: Topology, arguments: tuple[str, ...], words: str
) -> None:
    """Exit 2, in words."""
    code, output = replayed(monkeypatch, Tampered(topology), *arguments)
    assert (code, words in output) == (2, True), output


def test_what_is_gone_exits_2(monkeypatch: pytest.MonkeyPatch, topology: Topology) -> None:
    """A log whose first records are not kept any more cannot be derived."""
    code, output = replayed(monkeypatch, Tampered(topology, begins={Place(EVENTS, 0): 3}))
    assert (code, "not there any more" in output) == (2, True)


def test_no_producer_is_within_reach() -> None:
    """A process that has loaded all of the package has loaded nothing of ours that writes to Kafka."""
    modules = [
        f"streams.replay.{'.'.join(file.relative_to(ROOT).with_suffix('').parts)}" for file in ROOT.rglob("*.py")
    ]
    names = [name.removesuffix(".__init__") for name in modules]
    lines = ["import sys", *(f"import {name}" for name in names), "print(*sorted(sys.modules))"]
    loaded = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True).stdout
    ours = [name for name in loaded.split() if name.split(".")[0] in {"streams", "schemas"}]
    assert "streams.replay.partition" in ours
    makes = [name for name in ours if "AIOKafkaProducer" in _source(name)]
    assert makes == []
    assert "faust" not in loaded.split()


def _source(name: str) -> str:
    origin = importlib.util.find_spec(name)
    return "" if origin is None or origin.origin is None else Path(origin.origin).read_text()
