"""A poll of a partition on its way to the agent, and the agent's answer on its way back."""

import asyncio
from collections.abc import Sequence

from streams.fold.effects import Effects, Fold, SourceRecord


class Poll:
    """The records of one poll, for as long as nobody has answered what they lead to."""

    __slots__ = ("_answer", "_fold", "_seconds", "partition", "records")

    def __init__(self, fold: Fold, partition: int, records: Sequence[SourceRecord], seconds: float) -> None:
        self._fold = fold
        self.partition = partition
        self.records = records
        self._seconds = seconds
        self._answer: asyncio.Future[Effects] = asyncio.get_running_loop().create_future()

    def decide(self) -> None:
        """Answer with the fold's decision; a poll whose partition has been given up meanwhile is not looked at."""
        if self._answer.done():
            return
        try:
            self._answer.set_result(self._fold.fold(self.partition, self.records, self._seconds))
        except Exception as error:  # noqa: BLE001 - the partition's own task decides what an error means
            self._answer.set_exception(error)

    async def effects(self) -> Effects:
        """Wait for the agent's decision."""
        return await self._answer
