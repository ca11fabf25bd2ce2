"""The end of a client of aiokafka, whatever it does meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

log = logging.getLogger(__name__)

CONNECTIONS_SECONDS = 2.0

_left_behind: set[asyncio.Future[None]] = set()
"""What has not ended in its time: without a reference it might be collected in the midst of it."""


async def ended(client: Any, seconds: float) -> None:  # noqa: ANN401 - aiokafka is untyped
    """Stop a consumer or a producer, or close an admin client, within so many seconds; raises nothing of theirs.

    In a task of its own: `AIOKafkaConsumer.stop` raises the CancelledError of a fetch that it has cancelled in its
    back-off (aiokafka #647), by which whoever awaits it would end as if he had been cancelled, its connections stay
    open, and it may swallow the cancellation of a time limit and wait on.
    """
    for close in _closes(client):
        if await _over(close(), seconds):
            return
        seconds = CONNECTIONS_SECONDS


def _closes(client: Any) -> Iterator[Callable[[], Awaitable[None]]]:  # noqa: ANN401 - aiokafka is untyped
    """Give the way to end a client, and the one for its connections where that has failed."""
    yield getattr(client, "stop", None) or client.close
    connections = getattr(client, "client", None) or getattr(client, "_client", None)
    if connections is not None:
        yield connections.close


async def _over(closing: Awaitable[None], seconds: float) -> bool:
    """Tell whether it has ended in its time, and well."""
    task = asyncio.ensure_future(closing)
    _left_behind.add(task)
    task.add_done_callback(_let_go)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.cancel()
        return False
    return not task.cancelled() and task.exception() is None


def _let_go(task: asyncio.Future[None]) -> None:
    _left_behind.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("a client has ended with %r", error)
