"""A vendor that refuses us: what is said of it, and how seldom it is asked whether it still does."""

import asyncio
import logging

from streams.vendor.errors import VendorError

log = logging.getLogger(__name__)


class Refusal:
    """Stands from the first refusal to the next success; in between one try a pause may go out."""

    def __init__(self, pause_seconds: float) -> None:
        self.why = ""
        self._pause_seconds = pause_seconds
        self._until = 0.0
        self._turn = asyncio.Lock()

    @property
    def stands(self) -> bool:
        """Whether we are refused."""
        return bool(self.why)

    def declare(self, error: VendorError) -> None:
        """Note a refusal."""
        if not self.why:
            log.error("look-ups wait, the vendor refuses us: %s", error)
        self.why = f"the vendor refuses us: {error}"
        self._until = asyncio.get_running_loop().time() + self._pause_seconds

    def lift(self) -> None:
        """Note a success."""
        if self.why:
            log.info("the vendor takes us again")
        self.why = ""
        self._until = 0.0

    async def wait(self) -> None:
        """Return at once where we are not refused, else when it is one's turn to try."""
        if not self.why:
            return
        async with self._turn:
            await asyncio.sleep(max(0.0, self._until - asyncio.get_running_loop().time()))
            if self.why:
                self._until = asyncio.get_running_loop().time() + self._pause_seconds
