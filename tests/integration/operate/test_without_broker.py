"""Every command where Kafka is not: nobody listens, or somebody does and says nothing. Words, exit codes, limits."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from streams.cli import txpush
from tests.processes import CLI, run

NOBODY = "127.0.0.1:1"
SIGNED = ["--by", "ann", "--reason", "asked to"]
OPERATE = {
    "topics apply": ["topics", "apply"],
    "topics check": ["topics", "check"],
    "policy show": ["policy", "show"],
    "override silence": ["override", "silence", "--all", "--yes", *SIGNED],
    "override resume": ["override", "resume", "0", "--yes", *SIGNED],
    "forget": ["forget", "7", "--yes", *SIGNED],
    "dead-letter list": [
        "dead-letter",
        "list",
        "--reason",
        "bad_data",
        "--component",
        "bridge",
        "--topic",
        "aggregation.events",
    ],
    "dead-letter show": ["dead-letter", "show", "0/1"],
    "dead-letter retry": ["dead-letter", "retry", "0/1", "--yes", "--by", "ann", "--why", "mended"],
    "vendor show": ["vendor", "show"],
    "explain": ["explain", "7"],
    "export": ["export", "nowhere"],
}
WORKERS = ("agent", "institutions")
IMPATIENT = """
from streams.worker import program
program.START_SECONDS = {seconds}
from streams.{name}.app import main
main()
"""


def words(name: str) -> Iterator[str]:
    """Give what the end of a command has to say."""
    yield "TXPUSH_BOOTSTRAP"
    if name != "vendor show":
        yield "broker"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "vendor show" else name for name in OPERATE]
)
def test_where_nobody_listens(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Each command of operators ends with 2 at once, and says where it looked, in words of its own."""
    monkeypatch.chdir(tmp_path)
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)  # as it is in a new process
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", NOBODY)
    began = time.monotonic()
    done = CliRunner().invoke(txpush, OPERATE[name])
    assert done.exit_code == 2, done.output
    assert all(word in done.output for word in words(name)), done.output
    assert NOBODY in done.output
    assert "Unable to bootstrap" not in done.output
    assert [line for line in caplog.records if line.name.startswith("aiokafka")] == []
    assert time.monotonic() - began < 20


class End(NamedTuple):
    """How a process ended."""

    code: int
    seconds: float
    said: str


def ended(command: tuple[str, ...], bootstrap: str, seconds: float) -> End:
    """Run a process to its end."""
    began = time.monotonic()
    done = run(command, {"TXPUSH_BOOTSTRAP": bootstrap, "TXPUSH_INSTANCE": "one"}, seconds)
    return End(done.returncode, time.monotonic() - began, done.stdout + done.stderr)


def test_the_institution_agent_waits_and_says_so() -> None:
    """Where nobody listens it waits, says so once, and in the end asks to be started again: exit 70, no trace."""
    code, _, said = ended(("-c", IMPATIENT.format(seconds=2.5, name="institutions")), NOBODY, 60)
    assert code == 70, said
    waiting, end = said.splitlines()
    assert f"waiting for a broker at {NOBODY}, 2.5 s at most: " in waiting
    assert waiting.endswith("; set TXPUSH_BOOTSTRAP, or start one: txpush kafka --port 1 --data FOLDER")
    assert end.startswith(f"no broker at {NOBODY}")


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where connections are taken and nothing is ever said, as by a broker that hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_where_nothing_is_said(silent: str) -> None:
    """A broker that hangs holds no command for ever: each ends within a minute and a half, in the same words."""
    commands = {name: (*CLI, *typed) for name, typed in OPERATE.items()}
    commands |= {name: ("-c", IMPATIENT.format(seconds=1.0, name=name)) for name in WORKERS}
    with ThreadPoolExecutor(len(commands)) as pool:
        running = {name: pool.submit(ended, command, silent, 100) for name, command in commands.items()}
        ends = {name: one.result() for name, one in running.items()}
    wrong = {
        name: end
        for name, end in ends.items()
        if end.code != (70 if name in WORKERS else 2)
        or end.seconds > 90
        or silent not in end.said
        or "Traceback" in end.said
    }
    assert wrong == {}
