"""Jobs in processes of a pool: what each gives and tells, and their end with the process that began them."""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from subprocess import Popen

import pytest

from streams.pool import Tell, done_in_pool
from tests.processes import ROOT
from tests.waiting import wait_until

ENDLESS = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.component.test_pool import begin_and_stay
from streams.pool import done_in_pool
if __name__ == "__main__":
    asyncio.run(done_in_pool(begin_and_stay, sys.argv[1:], 2, print))
"""
WAITING = 3
"""Jobs that are given besides to the two processes that stay with their first."""


def begin_and_stay(file: str, tell: Tell) -> None:
    """Say which process it is, and stay."""
    del tell
    Path(file).write_text(str(os.getpid()))
    signal.pause()


def halve(number: int, tell: Tell) -> int:
    """Tell a number and give its half; only even ones have any."""
    tell(number)
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def die(number: int, tell: Tell) -> int:
    """End as a process does that the kernel takes for its memory."""
    del number, tell
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def is_alive(pid: int) -> bool:
    """Tell whether a process runs still; one that nobody has asked how it ended does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_every_job_is_done_and_heard() -> None:
    """Each future has what its job gave or raised, in the order of the jobs, and all is heard that was told."""
    told = list[int]()
    two, three, four = await done_in_pool(halve, [2, 3, 4], 2, told.append)
    assert (two.result(), four.result()) == (1, 2)
    with pytest.raises(ValueError, match="3 is odd"):
        three.result()
    assert sorted(told) == [2, 3, 4]


async def test_a_process_that_is_killed_is_in_its_future() -> None:
    """Nobody waits for it."""
    (future,) = await done_in_pool(die, [1], 1, print)
    with pytest.raises(BrokenProcessPool):
        future.result()


async def test_a_pool_that_breaks_while_jobs_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that it does not take have a future as well."""

    def broken(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(ProcessPoolExecutor, "submit", broken)
    futures = await done_in_pool(halve, [2, 4], 2, print)
    assert [type(future.exception()) for future in futures] == [BrokenProcessPool] * 2


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda parent: parent.kill(), id="killed"),
        pytest.param(lambda parent: parent.send_signal(signal.SIGINT), id="interrupted"),
        pytest.param(lambda parent: os.killpg(parent.pid, signal.SIGINT), id="Ctrl-C in a terminal"),
    ],
)
def test_no_process_outlives_the_one_that_began_it(tmp_path: Path, end: Callable[[Popen[bytes]], None]) -> None:
    """Whoever is killed cannot end what it has begun: they see that it is gone. Ctrl-C waits for no job."""
    script, files = tmp_path / "endless.py", [tmp_path / str(number) for number in range(2 + WAITING)]
    script.write_text(ENDLESS)
    with Popen([sys.executable, str(script), *map(str, files)], cwd=ROOT, start_new_session=True) as parent:
        try:
            wait_until(lambda: all(file.exists() and file.read_text() for file in files[:2]), said=lambda: "not begun")
            end(parent)
            wait_until(lambda: parent.poll() is not None, seconds=20)
        finally:
            parent.kill()
    begun = [int(file.read_text()) for file in files[:2]]
    wait_until(lambda: not any(map(is_alive, begun)), seconds=20)
    assert not any(file.exists() for file in files[2:])


GIVING = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.component.test_pool import give_much
from streams.pool import done_in_pool
if __name__ == "__main__":
    asyncio.run(done_in_pool(give_much, [sys.argv[1]] * 200, 2, print))
"""


def give_much(file: str, tell: Tell) -> bytes:
    """Say that it is at work, and give what fills a pipe many times over."""
    del tell
    Path(file).touch()
    return bytes(20_000_000)


def test_no_result_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    """A process that ends in the midst of it leaves a part in the pipe, whose other end the pool has as well."""
    script, file = tmp_path / "giving.py", tmp_path / "begun"
    script.write_text(GIVING)
    with Popen([sys.executable, str(script), str(file)], cwd=ROOT) as parent:
        try:
            wait_until(file.exists)
            parent.send_signal(signal.SIGINT)
            wait_until(lambda: parent.poll() is not None, seconds=20)
        finally:
            parent.kill()
