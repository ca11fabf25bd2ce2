"""Processes that end though nobody reads what they write: real processes, real pipes."""

import os
import subprocess
import sys
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


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_done_goes_on_though_nobody_reads_of_it(tmp_path: Path, unbuffered: str) -> None:
    """A reader of both streams who leaves, as `head` does, ends nothing, and makes no failure of it."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", DOING],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=writing,
            stderr=writing,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, (tmp_path / "finished").exists()) == (0, True)


def test_what_is_done_goes_on_though_its_terminal_is_gone(tmp_path: Path) -> None:
    """One that was left running as its window was closed; it is an error of the device then, and not of a pipe."""
    window, terminal = os.openpty()
    os.close(window)
    try:
        done = subprocess.run(
            [sys.executable, "-c", DOING],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            check=False,
        )
    finally:
        os.close(terminal)
    assert (done.returncode, (tmp_path / "finished").exists()) == (0, True)


def test_a_command_ends_as_it_does_with_a_reader() -> None:
    """Its exit code says what became of the work, not of the words."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "streams.cli", "topics", "acls"]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_read_is_the_same() -> None:
    """As long as somebody reads nothing is lost."""
    script = "from streams.exits import outlive_readers; outlive_readers(); print('Zürich ✓', end=''); print(1)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout, done.stderr) == ("Zürich ✓1\n", "")
