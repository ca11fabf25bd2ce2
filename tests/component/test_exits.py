"""Processes that end though nobody reads what they write: real processes, real pipes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.exits import EXIT_CRASH

WORDY = """
import logging
from streams.exits import bound_shutdown
from streams.observe.logs import log_to_stderr

log_to_stderr()
bound_shutdown(0.1)
while True:
    logging.getLogger("streams.some.place").info("x" * 1000)
"""


def test_a_shutdown_ends_in_its_time_though_the_log_takes_nothing() -> None:
    """A pipe is full whose reader has stopped, as where a node's disk is: whoever writes to it waits for ever."""
    with subprocess.Popen([sys.executable, "-c", WORDY], stderr=subprocess.PIPE) as process:
        try:
            assert process.wait(120) == EXIT_CRASH
        finally:
            process.kill()


DOING = """
import pathlib, sys
from streams.exits import outlive_readers

outlive_readers()
for number in range(20_000):
    print("done with", number, flush=True)
    print("going on", file=sys.stderr)
pathlib.Path("finished").touch()
"""


@pytest.fixture
def unread() -> Iterator[int]:
    """Give the end to write to of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def done(folder: Path, output: int, **environ: str) -> tuple[int, bool]:
    """Do something in a process that writes to `output`; give its exit code, and whether it got to its end."""
    process = subprocess.run(
        [sys.executable, "-c", DOING],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=False,
    )
    return process.returncode, (folder / "finished").exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_done_goes_on_though_nobody_reads_of_it(tmp_path: Path, unread: int, unbuffered: str) -> None:
    """A reader of both streams who leaves, as `head` does, ends nothing, and makes no failure of it."""
    assert done(tmp_path, unread, PYTHONUNBUFFERED=unbuffered) == (0, True)


def test_what_is_done_goes_on_though_its_terminal_is_gone(tmp_path: Path) -> None:
    """One that was left running as its window was closed; it is an error of the device then, and not of a pipe."""
    window, terminal = os.openpty()
    os.close(window)
    try:
        assert done(tmp_path, terminal) == (0, True)
    finally:
        os.close(terminal)


def test_a_command_ends_as_it_does_with_a_reader(unread: int) -> None:
    """Its exit code says what became of the work, not of the words."""
    command = [sys.executable, "-m", "streams.cli", "topics", "acls"]
    ended = subprocess.run(command, stdout=unread, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_is_read_is_the_same() -> None:
    """As long as somebody reads nothing is lost."""
    script = "from streams.exits import outlive_readers; outlive_readers(); print('Zürich ✓', end=''); print(1)"
    read = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False)
    assert (read.stdout, read.stderr) == ("Zürich ✓1\n", "")
