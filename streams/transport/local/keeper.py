"""Keeps the state of one owned partition on disk: gives it back at the start, and writes what has been committed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from streams.observe.labels import StateRefusal
from streams.transport.local.files import Interrupted, StateRefused
from streams.transport.local.frames import BrokenFileError, Changes, Contents
from streams.transport.local.head import Head
from streams.transport.local.pending import LIMIT_BYTES, Pending
from streams.transport.local.state import LocalState

log = logging.getLogger(__name__)

T = TypeVar("T")

WRITE_SECONDS = 5.0
"""From one write to the next: what a killed worker has to read of its changelogs."""
IDLE_FACTOR = 20.0
"""So many times what a write took passes before the next, and the same of rewrites: a twentieth of the time at most."""
CLOSE_SECONDS = 3.0
"""How long a partition that is given up waits for its last write, and then for a first one to leave off."""
TOO_SLOW = f"the disk takes less than is written, {LIMIT_BYTES >> 20} MB wait for it"
PROOF_MS = 3_600_000
"""How old the proof may be that the files hold all there is, before a quiet partition makes a new one."""


class StateKeeper:
    """The files of one partition while it is owned; whatever goes wrong here costs time at a restart only."""

    def __init__(self, local: LocalState, partition: int) -> None:
        self._local = local
        self._partition = partition
        self._files = local.files(partition)
        self._pending: Pending | None = None
        self._wake = asyncio.Event()
        self._is_closing = False
        self._rewrite_after = 0.0
        """The monotonic time before which nothing is rewritten."""
        self._task: asyncio.Task[None] | None = None

    # -- before the partition works

    async def find(self, starts: Mapping[str, int], ends: Mapping[str, int]) -> tuple[Contents, dict[str, int]] | None:
        """Give the state on disk and the offsets that it has come to; None where it cannot be used, which is logged.

        `starts` and `ends` are those of the changelogs.
        """
        return await self._unless_refused(self._find, dict(starts), dict(ends))

    def _find(self, starts: dict[str, int], ends: dict[str, int]) -> tuple[Contents, dict[str, int]]:
        self._files.lock()
        head = self._files.examine(self._local.now_ms())
        for topic, offset in head.offsets.items():
            if not starts[topic] <= offset <= ends[topic]:
                raise StateRefused(
                    StateRefusal.OUTSIDE_LOG,
                    f"it has come to offset {offset} of {topic}, which has {starts[topic]} to {ends[topic]}",
                )
        return self._files.load(head), head.offsets

    async def resume(self, head: Head | None) -> bool:
        """Go on with the files that this process has written up to what it holds in memory; False if they are not."""
        await self._unless_refused(self._resume, head)
        return self._files.head is not None

    def _resume(self, head: Head | None) -> None:
        self._files.lock()
        if head is None or not self._files.resume(head):
            raise StateRefused(StateRefusal.NOT_WRITTEN, "it is not what this process has in memory")

    async def _unless_refused(self, look: Callable[..., T], *arguments: object) -> T | None:
        """Look at the files in the folder's thread; None where they cannot be used, which is logged and counted."""
        try:
            return await self._local.run(look, *arguments)
        except StateRefused as refused:
            await self._refuse(refused)
        except OSError as error:
            await self._refuse(StateRefused(StateRefusal.BROKEN, f"{error}; look at TXPUSH_STATE_DIR"))
        return None

    async def _refuse(self, refused: StateRefused) -> None:
        self._local.metrics.state_refused(refused.reason)
        if refused.reason is not StateRefusal.MISSING:
            self._local.unkept[self._partition] = str(refused)
        level = logging.INFO if refused.reason is StateRefusal.MISSING else logging.WARNING
        log.log(level, "partition %d: the state on disk is not used: %s", self._partition, refused)
        if self._files.is_locked:
            with suppress(OSError):
                await self._local.run(self._files.remove)

    # -- while it works

    def begin(self, changes: Changes, ends: Mapping[str, int], proven_ms: int, *, is_all: bool) -> None:
        """Write on from here: `changes` are those since the files were written, or all values there are."""
        if not self._files.is_locked or is_all is not (self._files.head is None):
            return
        self._pending = Pending(changes, dict(ends), proven_ms)
        self._task = asyncio.create_task(self._keep())

    def committed(
        self, changes: Mapping[str, Mapping[str, bytes | None]], ends: Mapping[str, int], proven_ms: int
    ) -> None:
        """Take what a transaction has committed; costs a few dictionary updates."""
        if self._pending is None:
            return
        self._pending.add(changes, ends, proven_ms)
        if self._pending.is_too_large():  # a write that hangs would not let the task say it
            self._pending, self._local.unkept[self._partition] = None, TOO_SLOW
            self._wake.set()

    def needs_proof(self) -> bool:
        """Tell whether a quiet partition should show that it is still ours, so that the files do not grow too old."""
        return self._pending is not None and self._local.now_ms() - self._pending.proven_ms > PROOF_MS

    async def _keep(self) -> None:
        pause = WRITE_SECONDS
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                if self._pending is None:
                    await self._give_up(TOO_SLOW)
                    return
                is_last = self._is_closing
                pause = max(WRITE_SECONDS, IDLE_FACTOR * await self._write(self._pending))
                if is_last:
                    return
                await self._rewrite()
        except Interrupted:
            log.info("partition %d: its state was not on disk yet, and stays in its changelogs", self._partition)
        except (OSError, BrokenFileError) as error:
            await self._give_up(str(error))
        finally:
            await self._local.run(self._files.unlock)

    async def _rewrite(self) -> None:
        """Have the files rid of what is out of date, unless they are wanted back."""
        is_due = time.monotonic() >= self._rewrite_after and self._files.is_worth_rewriting(self._local.now_ms())
        if not is_due or self._is_closing:
            return
        with suppress(Interrupted):
            took = await self._told(self._local.run_on_all(self._files.rewrite))
            self._rewrite_after = time.monotonic() + IDLE_FACTOR * took

    async def _write(self, pending: Pending) -> float:
        if not pending.is_news:
            return 0.0
        taken = pending.take()
        run = self._local.run_on_all if self._files.head is None else self._local.run
        return await self._told(run(self._files.write, taken.changes, taken.offsets, taken.proven_ms))

    async def _told(self, writing: Awaitable[int]) -> float:
        """Tell the metrics of a write, and give the seconds that it took."""
        began = time.monotonic()
        written = await writing
        took = time.monotonic() - began
        self._local.metrics.state_written(written, took)
        if self._pending is not None and not self._is_closing:  # else it may be the next owner's word, or our own
            self._local.unkept.pop(self._partition, None)
        return took

    async def _give_up(self, why: str) -> None:
        """Write no more, and leave nothing that would grow old here: the next start reads the changelogs whole."""
        self._pending = None
        self._local.metrics.state_refused(StateRefusal.NOT_WRITTEN)
        if not self._is_closing:
            self._local.unkept[self._partition] = why
        log.warning(
            "partition %d: the state is not kept on disk any more until it is opened again: %s; look at "
            "TXPUSH_STATE_DIR",
            self._partition,
            why,
        )
        with suppress(OSError):
            await self._local.run(self._files.remove)

    async def close(self) -> Head | None:
        """Write what is left and let go of the files; gives what they hold, None past the time limit."""
        self._is_closing = True
        self._local.unkept.pop(self._partition, None)
        self._wake.set()
        if self._task is None:
            await self._local.run(self._files.unlock)
            return None
        if self._files.head is not None:  # all values are there: only their rewrite is interrupted
            self._files.interrupt()
        if await _goes_on(self._task):
            self._files.interrupt()
        if await _goes_on(self._task):
            log.warning("partition %d: its state is still being written; it is given up meanwhile", self._partition)
            return None
        return self._files.head


async def _goes_on(writing: asyncio.Task[None]) -> bool:
    """Tell whether it goes on for longer than a partition waits that is given up."""
    _, running = await asyncio.wait({writing}, timeout=CLOSE_SECONDS)
    return bool(running)
