"""Keepers of a partition's state for tests: a folder, metrics that are waited for, and a clock that is moved."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from streams.clock import Clock
from streams.observe.labels import StateRefusal
from streams.transport.local.frames import Changes, Contents
from streams.transport.local.head import Identity
from streams.transport.local.keeper import StateKeeper
from streams.transport.local.state import LocalState
from tests.component.transport.local.build import ACCOUNTS, IDENTITY, LOGINS, OFFSETS
from tests.unit.fold.build import START, Fixed

NOW_MS = int(START.timestamp() * 1000)
STARTS = dict.fromkeys(OFFSETS, 0)
SECONDS = 10.0


class Heard:
    """Metrics that are waited for."""

    def __init__(self) -> None:
        self.refused: list[StateRefusal] = []
        self.writes = 0
        self.changed = asyncio.Event()

    def state_refused(self, reason: StateRefusal) -> None:
        self.refused.append(reason)
        self.changed.set()

    def state_written(self, written_bytes: int, seconds: float) -> None:
        assert written_bytes >= 0 <= seconds
        self.writes += 1
        self.changed.set()

    async def next(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.changed.wait()
        self.changed.clear()


class Later:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return START + self.passed


def identity(_partition: int) -> Identity:
    return IDENTITY


def local(folder: Path, heard: Heard, clock: Clock | None = None) -> LocalState:
    """Give the folder of an application with one partition."""
    return LocalState(folder, identity, 1, heard, clock or Fixed())


def fresh(changes: Changes) -> Changes:
    """Copy changes: a keeper goes on to change those that it is given."""
    return {topic: dict(entries) for topic, entries in changes.items()}


async def found(
    folder: Path, heard: Heard, ends: dict[str, int] | None = None
) -> tuple[Contents, dict[str, int]] | None:
    """Look as the next start does."""
    made = StateKeeper(local(folder, heard), 3)
    try:
        return await made.find(STARTS, ends or dict.fromkeys(OFFSETS, 1000))
    finally:
        await made.close()


CHANGE: Changes = {ACCOUNTS: {"3/c": b"three"}}
DROP: Changes = {ACCOUNTS: {"2/b": None}, LOGINS: {}}
