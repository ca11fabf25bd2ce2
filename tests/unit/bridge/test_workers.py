"""Several bridge processes end together, and whoever ends them does not wait for ever."""

import os
from collections.abc import Iterator

import pytest

from streams.bridge import workers


class Stuck:
    """A worker that no signal ends."""

    exitcode: int | None = None

    def __init__(self, sentinel: int) -> None:
        self.sentinel = sentinel
        self.told: list[str] = []

    def terminate(self) -> None:
        self.told.append("terminate")

    def kill(self) -> None:
        self.told.append("kill")

    def join(self, timeout: float | None = None) -> None:
        assert timeout is not None


@pytest.fixture
def sentinel() -> Iterator[int]:
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


def test_a_worker_that_does_not_end_is_not_waited_for(sentinel: int) -> None:
    """It is told to end, then killed; the end is not an orderly one."""
    worker = Stuck(sentinel)
    assert workers._end([worker], 0.01, orderly=True) == 1  # type: ignore[list-item] # what is asked of a process
    assert worker.told == ["terminate", "kill"]
