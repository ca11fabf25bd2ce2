"""Waiting for what other processes or tasks do: a condition with a deadline, never a sleep."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS = 60.0
BETWEEN_SECONDS = 0.02


def wait_until(
    what: Callable[[], T],
    found: Callable[[T], object] = bool,
    *,
    seconds: float = SECONDS,
    said: Callable[[], str] = str,
) -> T:
    """Ask until the answer fits and give it; fail with the last one, and what was `said`, when the time is over."""
    end = time.monotonic() + seconds
    while not found(answer := what()):
        assert time.monotonic() < end, f"still not so after {seconds:g} s: {answer}\n{said()}"
        time.sleep(BETWEEN_SECONDS)
    return answer


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Fail when the condition does not come true in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(BETWEEN_SECONDS)
