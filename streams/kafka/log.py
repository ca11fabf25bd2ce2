"""What it means to write durably: the records, who writes them, and how that can fail."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class LogError(Exception):
    """The records are not known to be in the log."""


class LogUnavailable(LogError):  # noqa: N818 - says how the log is
    """Kafka did not acknowledge in time, or is away: try the same again later. The records may still get in."""


class LogFull(LogError):  # noqa: N818 - the same
    """Too much waits for Kafka already: try the same again later. Nothing was sent."""


class LogRecord(NamedTuple):
    """One record to be; `timestamp_ms` becomes its CreateTime, None the time of sending."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int | None = None


class Log(Protocol):
    """What writes records durably."""

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        """Write the records in order and return once all are acknowledged.

        Raises:
            LogUnavailable: not acknowledged within the deadline, or refused.
            LogFull: too many calls wait already.
        """

    def problems(self) -> list[str]:
        """Say in words why records cannot be written now; nothing when they can."""
