"""The end of a worker, once all that it does has stopped: nothing is waited for, and no task is left."""

import asyncio
from collections.abc import Iterator
from typing import NoReturn

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.clock import WallClock
from streams.exits import EXIT_CRASH
from streams.kafka.topics import AGENT, EVENTS
from streams.transport.consumer import FoldTransport
from streams.transport.settings import FoldSettings
from streams.worker.app import FoldWorker, new_app


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Give a loop that runs nothing yet."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def worker(loop: asyncio.AbstractEventLoop) -> FoldWorker:
    """Give a worker that was never started."""
    app = new_app(FoldSettings("127.0.0.1:1", AGENT, EVENTS, 1, WallClock()))
    app.transport = FoldTransport(app, None)  # type: ignore[arg-type] # nothing of it is asked for
    return FoldWorker(app, loop=loop)


def test_what_is_left_is_ended_without_a_wait(
    worker: FoldWorker, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those two seconds of mode's were a third of what a deploy of the agents takes."""
    left = loop.create_task(asyncio.Event().wait())
    monkeypatch.setattr(asyncio, "sleep", _refuse)
    worker._shutdown_loop()
    assert left.cancelled()
    assert loop.is_closed()


def test_a_crash_is_not_swallowed(worker: FoldWorker, loop: asyncio.AbstractEventLoop) -> None:
    """Whatever ended it is what the process ends with."""
    worker.crash_reason = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        worker._shutdown_loop()
    assert loop.is_closed()


@pytest.mark.parametrize("crashes_later", [False, True])
def test_what_cannot_start_or_crashes_ends_with_the_code_that_has_it_started_again(
    worker: FoldWorker, monkeypatch: pytest.MonkeyPatch, *, crashes_later: bool
) -> None:
    """As when the brokers go between the check of the cluster and the first request of the group's."""

    async def start() -> None:
        gone = KafkaConnectionError("the brokers have gone")
        if not crashes_later:
            raise gone
        worker.crash_reason = gone

    monkeypatch.setattr(worker, "start", start)
    with pytest.raises(SystemExit) as end:
        worker.execute_from_commandline()
    assert end.value.code == EXIT_CRASH


def _refuse(_seconds: float) -> NoReturn:
    raise AssertionError("nobody has to sleep here")
