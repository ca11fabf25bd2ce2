"""The canary as a process of its own, as far as it needs no broker: how it ends by itself, or without a port."""

import asyncio
import logging
import os
import signal
from dataclasses import replace

import pytest

from streams import exits
from streams.canary import process
from streams.canary.process import CanarySettings, serve
from streams.canary.rounds import Rounds
from streams.exits import EXIT_NOTHING, EXIT_OK, EXIT_OTHERWISE
from tests.processes import taken_port

SETTINGS = CanarySettings(
    url="http://127.0.0.1:1",
    token="a-token-of-this-test-alone",  # noqa: S106
    cluster="127.0.0.1:1",
    partitions=3,
    admin_host="127.0.0.1",
    admin_port=0,
    shutdown_seconds=5.0,
)


@pytest.mark.asyncio
async def test_it_says_why_it_ends_by_itself(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A canary that sends nothing any more is no canary: it ends, with the cause and what to do."""

    async def failing(_: Rounds) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Rounds, "run", failing)
    monkeypatch.setattr(process, "bound_shutdown", lambda _: None)  # it would end the process that runs this test
    assert await serve(SETTINGS) == EXIT_OTHERWISE
    (told,) = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert told.getMessage() == "canaries are not sent any more; start it again"
    assert told.exc_info is not None
    assert told.exc_info[0] is ZeroDivisionError


@pytest.mark.asyncio
async def test_it_says_that_it_is_asked_to_end_and_has(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line at the signal, one when it has ended as it was asked to; a second signal says nothing."""
    bounds = list[float]()
    monkeypatch.setattr(exits, "bound_shutdown", bounds.append)  # it would end the process that runs this test

    async def interrupted(_: Rounds) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    monkeypatch.setattr(Rounds, "run", interrupted)
    caplog.set_level(logging.INFO, "streams")
    assert await serve(SETTINGS) == EXIT_OK
    told = [one.getMessage() for one in caplog.records if one.name == "streams.exits"]
    assert (told, bounds) == (["SIGTERM: stopping within 5 s", "ended in order"], [5.0])


@pytest.mark.asyncio
async def test_it_says_that_its_port_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    """One that nobody could ask for its age does not begin: 2, for nothing was sent, with the setting to change."""
    with taken_port() as port:
        assert await serve(replace(SETTINGS, admin_port=port)) == EXIT_NOTHING
    (told,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert told.getMessage().startswith(f"the canary cannot listen on 127.0.0.1:{port}: ")
    assert "TXPUSH_ADMIN_PORT" in told.getMessage()
