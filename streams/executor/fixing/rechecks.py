"""Looks again at a login that needed nothing when its customer came: the event of its healing may have been lost."""

import asyncio
import logging
import time
from collections.abc import Callable

from schemas.commands import Lookup, LookupAction
from streams.executor.fixing.limits import Limits, TooOftenError
from streams.executor.fixing.sessions import Answering
from streams.executor.fixing.standing import OpenCommand
from streams.kafka.log import LogError
from streams.vendor.errors import VendorError

log = logging.getLogger(__name__)

MAX_UNDER_WAY = 100
LOOK_SECONDS = 120.0


class Rechecks:
    """Reads the accounts of a command's login and tells the log, while the customer is thanked; it decides nothing.

    Each counts as a session of its command, so that an address opened again and again asks no more of the vendor.
    """

    def __init__(self, answerer: Answering, limits: Limits, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._answerer = answerer
        self._limits = limits
        self._monotonic = monotonic
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def begin(self, command_id: str, command: OpenCommand) -> None:
        """Begin one, unless one of the command is under way or its limit is reached."""
        if command_id in self._under_way or len(self._under_way) >= MAX_UNDER_WAY:
            return
        try:
            self._limits.take(command_id, self._monotonic())
        except TooOftenError:
            return
        task = asyncio.create_task(self._look(command), name="recheck")
        self._under_way[command_id] = task
        task.add_done_callback(lambda _task: self._under_way.pop(command_id, None))

    async def stop(self) -> None:
        """End those under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    async def _look(self, command: OpenCommand) -> None:
        asked = Lookup(
            action=LookupAction.VERIFY,
            customer_id=command.customer_id,
            institution_login_id=command.institution_login_id,
            account_ids=command.account_ids,
        )
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._answerer.answer(asked)
        except (VendorError, LogError, TimeoutError) as error:
            log.warning("a login that needed nothing could not be read; its command stays open: %s", error)
