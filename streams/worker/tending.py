"""Removes state files that grow too old while nobody works with them."""

from mode import Service

from streams.observe.logs import INHERITED
from streams.transport.local.state import LocalState

FIRST_SECONDS = 60.0
"""After the partitions of a start have found their own files, and said what is wrong with them."""
EVERY_SECONDS = 3600.0


def tending(local: LocalState) -> type[Service]:
    """Give it as a part of the worker: in files of a partition that moved away is what was forgotten since."""

    class Tending(Service):  # type: ignore[misc] # untyped library
        """Looks at the folder soon after the start and every hour."""

        logger = INHERITED

        async def on_start(self) -> None:
            self.add_future(self._tend())

        async def _tend(self) -> None:
            await self.sleep(FIRST_SECONDS)
            while not self.should_stop:
                await local.run(local.remove_stale)
                await self.sleep(EVERY_SECONDS)

    return Tending
