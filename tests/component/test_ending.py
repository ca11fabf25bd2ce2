"""A client of aiokafka is ended, and whoever ends it goes on, whatever the client does about it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.ending import ended
from streams.kafka import view as views
from streams.kafka.view import TopicView
from tests.waiting import until

SECONDS = 0.2


class Connections:
    """Those of a client."""

    closed = False

    async def close(self) -> None:
        """Close them."""
        self.closed = True


class Client:
    """A consumer that ends in some way."""

    def __init__(self, stop: Callable[[], Awaitable[None]]) -> None:
        self._client = Connections()
        self.stop = stop


async def well() -> None:
    """End."""


async def cancelled() -> None:
    """Let out the cancellation of a task of one's own, as aiokafka does for a fetch in its back-off."""
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def stubborn() -> None:
    """Swallow a cancellation, and wait on."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(SECONDS)


async def failing() -> None:
    """Fail."""
    raise KafkaConnectionError


@pytest.mark.parametrize(("stop", "connections"), [(well, False), (cancelled, True), (stubborn, True), (failing, True)])
async def test_who_ends_a_client_goes_on(stop: Callable[[], Awaitable[None]], connections: bool) -> None:  # noqa: FBT001 - a column
    """Nothing comes out; where it does not end well its connections are closed all the same."""
    client = Client(stop)
    async with asyncio.timeout(5):
        await ended(client, SECONDS)
    assert client._client.closed is connections


async def test_one_who_is_cancelled_meanwhile_is_cancelled() -> None:
    """Only the client's cancellations are kept from its owner, not his own."""
    ending = asyncio.create_task(ended(Client(stubborn), 60.0))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending


class Broken(Client):
    """A consumer that finds no broker, and lets a cancellation out as it is stopped."""

    made = 0

    def __init__(self, **_settings: object) -> None:
        super().__init__(cancelled)
        Broken.made += 1

    async def start(self) -> None:
        """Fail."""
        raise KafkaConnectionError


async def test_a_view_outlives_its_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It connects again, though the consumer that failed has let a cancellation out."""
    monkeypatch.setattr(views, "AIOKafkaConsumer", Broken)
    view = TopicView("127.0.0.1:1", ["topic"], lambda _record: None)
    await view.start()
    try:
        await until(lambda: Broken.made > 2, 10)
    finally:
        await view.stop()
