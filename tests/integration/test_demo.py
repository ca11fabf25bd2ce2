"""`txpush demo` as a whole: its verdict, its time, and that nothing outlives it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from streams.demo.stage import processes
from streams.demo.stage.processes import DemoError, Worker, Workers
from streams.kafka.embedded.machine import free_ports
from streams.sandbox.visitor import Visitor
from tests.waiting import wait_until

COMMAND = [sys.executable, "-m", "streams.cli", "demo"]
FIX_SECONDS = 60.0
"""Until the first command has been fixed through its link."""
LIMIT_SECONDS = 120.0
READ_SECONDS = 150.0

pytestmark = pytest.mark.kafka


@pytest.fixture
def demo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A demo that was told to keep its files where the test sees them, with options if there are any."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "80"}
    options = getattr(request, "param", [])
    with subprocess.Popen(
        [*COMMAND, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Give what the demo prints up to the line with a word."""
    assert process.stdout is not None
    end, read = time.monotonic() + READ_SECONDS, ""
    for line in process.stdout:
        read += line
        if word in line:
            return read
        assert time.monotonic() < end
    pytest.fail(f"the demo ended without {word!r}")


def fixed_after(output: str) -> float:
    """Read after how many seconds the first command was completed."""
    found = re.search(r"^ *([\d.]+) s  0 on 3 accounts -> connect-fix complete", output, re.MULTILINE)
    assert found is not None, output
    return float(found[1])


@pytest.mark.slow
def test_the_demo_keeps_the_rules(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    """It exits 0 within its time, tells every step in lines where there is no terminal, and leaves nothing behind."""
    began = time.monotonic()
    output, _ = demo.communicate(timeout=LIMIT_SECONDS + 30)
    assert demo.returncode == 0, output
    assert time.monotonic() - began < LIMIT_SECONDS
    assert "As the rules demand: nothing missing, doubled or unexpected" in output
    assert "names, numbers and balances among them: none" in output
    assert fixed_after(output) < FIX_SECONDS
    assert output.count("nothing: duplicate") == 2
    assert output.count("link opened, question answered: done ->") == 3
    assert output.count("connect-fix complete 185 answer_challenge ->") == 2
    assert "185 a second time -> otp-escalation issue 185" in output
    assert "looked up: 0 on 3 accounts -> connect-fix complete" in output
    assert re.search(r"agent-0 is back -> works again after \d+\.\d s", output)
    assert re.search(r"metrics: http://127\.0\.0\.1:\d+/metrics", output)
    assert "Summary" in output
    assert "\x1b[" not in output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("demo", [["--pause"]], indirect=True)
def test_a_pause_leaves_everything_to_a_person(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    """The addresses that are printed work, what a person does there is told, and Ctrl-C ends it in good order."""
    text = read_until(demo, "Ctrl-C ends it.")
    assert "As the rules demand" in text
    link, page = (re.search(rf"^  (http://\S+{path}\S+)$", text, re.MULTILINE) for path in ("/fix/", "/connect"))
    assert link is not None
    assert page is not None
    asyncio.run(repair_with_a_password(link[1]))
    assert httpx.get(page[1], follow_redirects=True).status_code == httpx.codes.OK
    read_until(demo, "connect-fix complete 103")
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 0
    assert not list(tmp_path.iterdir())


async def repair_with_a_password(link: str) -> None:
    """Open a link, and sign in at the vendor's page."""
    async with httpx.AsyncClient(trust_env=False) as client:
        visitor = Visitor(client)
        await visitor.open((await client.post(link)).headers["location"])
        page = await visitor.press("sign_in", username="demo", password="go")  # noqa: S106 - FinBank's test user
        assert page.title == "That worked"
        assert (await visitor.press("finish")).left_to is not None


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
