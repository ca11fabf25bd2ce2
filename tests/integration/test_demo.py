"""`txpush demo` as a whole: its verdict, its time, and that nothing outlives it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.demo import processes
from streams.demo.processes import DemoError, Worker, Workers
from streams.kafka.embedded.machine import free_ports
from tests.waiting import wait_until

COMMAND = [sys.executable, "-m", "streams.cli", "demo"]
LIMIT_SECONDS = 60.0
READY_SECONDS = 90.0

pytestmark = pytest.mark.kafka


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that was told to keep its files where the test sees them."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "80"}
    with subprocess.Popen(
        COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def running_in(folder: Path) -> list[int]:
    """Give the processes that work in a folder or below it: all that a demo starts do."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                place = (entry / "cwd").readlink()
            except OSError:
                continue
            if place.is_relative_to(folder):
                found.append(int(entry.name))
    return found


def read_until(process: subprocess.Popen[str], word: str) -> None:
    """Read what the demo prints up to the line with a word."""
    assert process.stdout is not None
    end = time.monotonic() + READY_SECONDS
    for line in process.stdout:
        if word in line:
            return
        assert time.monotonic() < end
    pytest.fail(f"the demo ended without {word!r}")


def test_the_demo_keeps_the_rules(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    """It exits 0 within its time, tells every step in lines where there is no terminal, and leaves nothing behind."""
    began = time.monotonic()
    output, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, output
    assert time.monotonic() - began < LIMIT_SECONDS
    assert "As the rules demand: nothing missing, doubled or unexpected" in output
    assert "names, numbers and balances among them: none" in output
    assert output.count("nothing: duplicate") == 2
    assert re.search(r"agent-0 is back -> works again after \d+\.\d s", output)
    assert re.search(r"metrics: http://127\.0\.0\.1:\d+/metrics", output)
    assert "Summary" in output
    assert "\x1b[" not in output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_nothing_outlives_the_demo(demo: subprocess.Popen[str], tmp_path: Path, how: signal.Signals, code: int) -> None:
    """However it ends, brokers, workers and folders go with it."""
    read_until(demo, "ready:")
    assert running_in(tmp_path)
    demo.send_signal(how)
    assert demo.wait(30) == code
    wait_until(lambda: not running_in(tmp_path), seconds=10)
    wait_until(lambda: not list(tmp_path.iterdir()), seconds=10)


@pytest.mark.slow
def test_a_broker_that_dies_is_named(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    """The broker's end is the cause, whatever its clients complain of; the logs are kept and named."""
    read_until(demo, "ready:")
    (broker,) = [pid for pid in running_in(tmp_path) if Path(f"/proc/{pid}/comm").read_text() == "java\n"]
    os.kill(broker, signal.SIGKILL)
    output, _ = demo.communicate(timeout=30)
    assert demo.returncode == 2, output
    assert "The demo could not go on: Broker 1 died." in output
    assert "Traceback" not in output
    (folder,) = tmp_path.glob("txpush-demo-*")
    assert f"The logs of the workers are kept in {folder}" in output
    assert not running_in(tmp_path)


def test_a_demo_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A cache folder that cannot be made ends it with 2 and the place, without a trace."""
    (tmp_path / "file").touch()
    environment = os.environ | {"TXPUSH_CACHE_DIR": str(tmp_path / "file" / "cache"), "TMPDIR": str(tmp_path)}
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "The demo could not go on" in ended.stdout
    assert str(tmp_path / "file" / "cache") in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


async def test_a_worker_that_cannot_run_is_named_with_its_last_words(tmp_path: Path) -> None:
    """Settings that do not hold end the demo at once, with the end of the worker's log."""
    settings = {"TXPUSH_PARTITIONS": "none"}
    workers = Workers([Worker("agent-0", "agent", free_ports(1).clients[0], settings)], tmp_path)
    with pytest.raises(BaseExceptionGroup) as raised:
        await workers.supervise()
    (error,) = raised.value.exceptions
    assert isinstance(error, DemoError)
    assert str(error) == "agent-0 cannot be kept running, its last exit code is 2."
    assert "TXPUSH_PARTITIONS" in error.details


async def test_a_worker_that_keeps_dying_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that exits is started again, but not for ever."""
    monkeypatch.setattr(processes, "EXIT_NOTHING", None)
    workers = Workers([Worker("agent-0", "no-such-command", 0, {})], tmp_path)
    with pytest.raises(BaseExceptionGroup, match="unhandled errors"):
        await workers.supervise()
    starts = (tmp_path / "agent-0.log").read_text().count("No such command")
    assert starts == processes.MAX_RESTARTS + 1


def test_a_worker_that_does_not_run_cannot_be_killed(tmp_path: Path) -> None:
    """The demo says so instead of signalling a process that is not its own."""
    with pytest.raises(DemoError, match="agent-0 does not run"):
        Workers([], tmp_path).kill("agent-0")
