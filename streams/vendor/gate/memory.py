"""A gate without Kafka: for tests, and for commands that authenticate once and end."""

from collections.abc import Sequence

from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.vendor.gate.claims import AuthRecord, ClaimGate, Hear


class MemoryLog:
    """The records in memory; several gates may share one, as processes share a topic."""

    def __init__(self) -> None:
        self.records: list[tuple[AuthRecord, int]] = []
        self._hearing: list[Hear] = []

    async def start(self, hear: Hear) -> None:
        """Hear what was written before, and then what comes."""
        for record, at_ms in self.records:
            hear(*record, at_ms)
        self._hearing.append(hear)

    async def stop(self) -> None:
        """Nothing is held."""

    async def write(self, records: Sequence[AuthRecord]) -> None:
        """Write, and be heard at once."""
        at_ms = to_epoch_ms(WallClock().now())
        for record in records:
            self.records.append((record, at_ms))
            for hear in self._hearing:
                hear(*record, at_ms)

    async def caught_up(self, seconds: float) -> None:
        """All is heard when it is written."""
        del seconds

    def problems(self) -> list[str]:
        """Memory is always there."""
        return []


class MemoryGate(ClaimGate):
    """Remembers for as long as the process lives."""

    def __init__(self, log: MemoryLog | None = None, who: str = "memory") -> None:
        super().__init__(log or MemoryLog(), who)
