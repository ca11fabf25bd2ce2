"""How processes end: what has to be said is said, and nothing keeps them."""

import asyncio
import io
import logging
import os
import signal

import pytest

from streams import exits
from streams.exits import EXIT_CRASH, STOP_SIGNALS, asked_by_signals, exit_now, listening_to_signals, repeated


class Gone(io.StringIO):
    """A stream whose file is full or gone."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [None, Gone()], ids=["closed", "full"])
def test_a_crash_ends_whatever_its_output_is(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    """A worker that was started with its streams closed, or whose disk is full, goes all the same."""
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        patch.setattr("sys.stderr", stream)
        exit_now("so it is")
    assert ended == [EXIT_CRASH]


@pytest.mark.asyncio
@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_what_may_take_its_time_is_only_asked_to_end(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round under way goes on to its end: no time is set for it."""
    bounds = list[float]()
    monkeypatch.setattr(exits, "bound_shutdown", bounds.append)
    asked = asked_by_signals()
    assert not asked.is_set()
    os.kill(os.getpid(), number)
    async with asyncio.timeout(10):
        await asked.wait()
    assert not bounds


@pytest.mark.asyncio
@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_what_goes_on_by_itself_ends_in_the_midst_of_it(number: signal.Signals) -> None:
    """It is done as often as it says; the time that is in hand when a signal comes is cancelled, and ends in order."""
    times, ended = list[int](), asyncio.Event()

    async def one() -> float:
        times.append(len(times))
        if len(times) == 3:
            os.kill(os.getpid(), number)
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return 0.0

    async with asyncio.timeout(10):
        await repeated(one)
    assert (times, ended.is_set()) == ([0, 1, 2], True)


@pytest.mark.asyncio
@pytest.mark.parametrize("pause", [0.0, 3600.0])
async def test_what_goes_on_by_itself_can_be_cancelled(pause: float) -> None:
    """In the midst of it and in between, as whatever else waits."""

    async def one() -> float:
        await asyncio.sleep(0 if pause else 3600)
        return pause

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await repeated(one)


@pytest.mark.asyncio
async def test_what_fails_goes_on_no_more() -> None:
    """Its error is that of who repeats it."""

    async def one() -> float:
        raise ValueError("no more")

    async with asyncio.timeout(10):
        with pytest.raises(ValueError, match="no more"):
            await repeated(one)


@pytest.mark.asyncio
async def test_each_signal_is_named_as_long_as_it_is_listened_to() -> None:
    """Both by their names, the second as the first; after that they do again what they do by themselves."""
    names, both = list[str](), asyncio.Event()

    def ask(name: str) -> None:
        names.append(name)
        if len(names) == len(STOP_SIGNALS):
            both.set()

    with listening_to_signals(ask):
        for number in STOP_SIGNALS:
            os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await both.wait()
    assert sorted(names) == ["SIGINT", "SIGTERM"]
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == [signal.SIG_DFL, signal.default_int_handler]
