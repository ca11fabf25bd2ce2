"""Waiting for other processes, up to a time: a schedule goes on in any case."""

import asyncio
import time
from collections.abc import Callable

POLL_SECONDS = 0.05


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition holds, or the time is over."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # noqa: ASYNC110 - other processes are waited for
        await asyncio.sleep(POLL_SECONDS)
