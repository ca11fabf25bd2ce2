"""Brokers as victims: each way of losing one, some or all of them, and having them back in sync."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.kafka.embedded import EmbeddedKafka
from tests.chaos.actors.disk import SmallDisk
from tests.chaos.actors.leaders import Leaders
from tests.chaos.faults.waiting import until

BACK_SECONDS = 120.0
"""How long a cluster may take until all replicas are in sync again."""
FULL_SECONDS = 30.0
"""How long a broker may go on with a full disk; past it, it is killed."""
MOVED_SECONDS = 10.0
"""How long the brokers may take to hear of new leaders."""
ASLEEP_SECONDS, AWAKE_SECONDS = 0.4, 0.05
"""A slow broker's day: whatever it is asked waits for half a second, and is answered."""


class Brokers:
    """The brokers of an embedded cluster; every call returns when all of them are back and in sync.

    Raises:
        TimeoutError: a broker does not come back.
    """

    def __init__(self, kafka: EmbeddedKafka, disks: Mapping[int, SmallDisk]) -> None:
        self._kafka = kafka
        self._disks = disks
        self._leaders = Leaders(kafka.bootstrap)

    @property
    def numbers(self) -> Sequence[int]:
        """All brokers."""
        return list(self._kafka.broker_ids)

    @property
    def fillable(self) -> Sequence[int]:
        """The brokers with a small disk."""
        return sorted(self._disks)

    async def in_sync(self) -> None:
        """Wait until all are back."""
        await self._leaders.in_sync(BACK_SECONDS)

    async def kill(self, number: int, seconds: float) -> None:
        """End one with SIGKILL, and start it again after some time, on its port and data."""
        await asyncio.to_thread(self._kafka.kill, number)
        await asyncio.sleep(seconds)
        await self._start([number])

    async def pause(self, number: int, seconds: float) -> None:
        """Stop one in its tracks for some time: its clients and the other brokers wait for it, or give it up."""
        await self._asleep(number, seconds)
        await self.in_sync()

    async def slow(self, number: int, seconds: float) -> None:
        """Have one do everything late for some time, and leave nothing undone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self._asleep(number, ASLEEP_SECONDS)
            await asyncio.sleep(AWAKE_SECONDS)
        await self.in_sync()

    async def _asleep(self, number: int, seconds: float) -> None:
        pid = self._kafka.pid(number)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def restart(self, number: int) -> None:
        """End one in order and start it again, as one step of a rolling restart."""
        await asyncio.to_thread(self._kafka.stop, number)
        await self._start([number])

    async def outage(self, seconds: float) -> None:
        """End all with SIGKILL; none is there for some time."""
        for number in self.numbers:
            await asyncio.to_thread(self._kafka.kill, number)
        await asyncio.sleep(seconds)
        await self._start(self.numbers)

    async def fill_disk(self, number: int) -> bool:
        """Fill a broker's disk until it has given up, make room, and start it again; tell whether it gave up."""
        disk = self._disks[number]
        await asyncio.to_thread(disk.fill)
        await until(lambda: self._kafka.pid(number) is None, FULL_SECONDS)
        gave_up = self._kafka.pid(number) is None
        await asyncio.to_thread(self._kafka.kill, number)
        await asyncio.to_thread(disk.make_room)
        await self._start([number])
        return gave_up

    async def move_leaders(self, draw: random.Random) -> bool:
        """Have other replicas lead; tell whether any does."""
        before = await self._leaders.by_partition()
        await self._leaders.move(draw)
        moved = await self._leaders.are_others_than(before, MOVED_SECONDS)
        await self.in_sync()
        return moved

    def leave_files(self, folder: Path) -> None:
        """End all, and copy what each had on its disk: what a log really holds is seen nowhere else."""
        for number in self.numbers:
            self._kafka.kill(number)
        if self._kafka.spec.data_dir is not None:
            shutil.copytree(self._kafka.spec.data_dir, folder)

    async def _start(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            await asyncio.to_thread(self._kafka.start, number, wait=False)
        await self.in_sync()
