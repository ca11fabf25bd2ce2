"""How often sessions may be begun: by one command, and by all together."""

from dataclasses import dataclass
from typing import Self

from streams.executor.settings import LinkSettings

MAX_BUCKETS = 100_000


class TooOftenError(Exception):
    """One link is used again and again: not before `after_seconds`."""

    def __init__(self, after_seconds: float) -> None:
        super().__init__(f"not before {after_seconds:.0f} s")
        self.after_seconds = after_seconds


class TooManyError(TooOftenError):
    """All links together are used more than the vendor shall be asked."""


@dataclass(slots=True)
class Bucket:
    """Fills up by one in `refill_seconds`, to `size`; full at first."""

    size: float
    refill_seconds: float
    filled: float
    at: float

    @classmethod
    def full(cls, size: float, refill_seconds: float, now: float) -> "Bucket":
        """Give a full one."""
        return cls(size, refill_seconds, size, now)

    def wait(self, now: float) -> float:
        """Give the seconds until one can be taken; 0 where one can be now."""
        self.filled = min(self.size, self.filled + (now - self.at) / self.refill_seconds)
        self.at = now
        return max(0.0, (1 - self.filled) * self.refill_seconds)

    def take(self) -> None:
        """Take one."""
        self.filled -= 1


class Limits:
    """A bucket for all, and one a command for those used of late."""

    def __init__(self, all_size: float, per_second: float, command_size: float, command_refill_seconds: float) -> None:
        self._all_size = all_size
        self._per_second = per_second
        self._command_size = command_size
        self._command_refill_seconds = command_refill_seconds
        self._all: Bucket | None = None
        self._commands: dict[str, Bucket] = {}

    @classmethod
    def of(cls, settings: LinkSettings) -> Self:
        """Take them from the settings."""
        all_size = max(1.0, settings.per_second * settings.burst_seconds)
        return cls(all_size, settings.per_second, settings.command_burst, settings.command_refill_seconds)

    def take(self, command_id: str, now: float) -> None:
        """Count a session of a command at a monotonic time.

        Raises:
            TooOftenError, TooManyError: it may not begin, and does not count.
        """
        self._forget(now)
        mine = self._commands.pop(command_id, None)
        mine = mine or Bucket.full(self._command_size, self._command_refill_seconds, now)
        self._commands[command_id] = mine
        self._all = self._all or Bucket.full(self._all_size, 1 / self._per_second, now)
        if (wait := mine.wait(now)) > 0:
            raise TooOftenError(wait)
        if (wait := self._all.wait(now)) > 0:
            raise TooManyError(wait)
        mine.take()
        self._all.take()

    def give_back(self, command_id: str) -> None:
        """Let a command have another session for one that came to nothing; of all together it stays one."""
        if (mine := self._commands.get(command_id)) is not None:
            mine.filled = min(mine.size, mine.filled + 1)

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, and the oldest where they are too many."""
        full_after = self._command_size * self._command_refill_seconds
        while self._commands:
            first = next(iter(self._commands))
            if now - self._commands[first].at < full_after and len(self._commands) < MAX_BUCKETS:
                return
            del self._commands[first]
