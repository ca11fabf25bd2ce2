"""What has been committed and is not on this machine's disk yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.transport.local.frames import ENTRY_BYTES, Changes

LIMIT_BYTES = 256 << 20
"""What a disk that does not keep up may cost in memory, for each partition."""


@dataclass(slots=True)
class Pending:
    """Changes up to some offsets, of committed transactions only."""

    changes: Changes
    offsets: dict[str, int]
    proven_ms: int
    """When the latest of these transactions began to commit: at that time the partition was ours."""
    is_news: bool = True
    """Whether it says anything that the files do not."""
    counted_bytes: int = 0

    def add(self, changes: Mapping[str, Mapping[str, bytes | None]], ends: Mapping[str, int], proven_ms: int) -> None:
        """Add the changes of a transaction and where their changelogs end now."""
        for topic, entries in changes.items():
            self.changes.setdefault(topic, {}).update(entries)
            self.counted_bytes += sum([len(value) for value in entries.values() if value])
        self.offsets.update(ends)
        self.proven_ms = proven_ms
        self.is_news = True

    def is_too_large(self) -> bool:
        """Tell whether the limit is passed; values of one key count once, which is looked at only when it matters."""
        if self.counted_bytes > LIMIT_BYTES:
            self.counted_bytes = sum(
                len(key) + len(value or b"") + ENTRY_BYTES
                for entries in self.changes.values()
                for key, value in entries.items()
            )
        return self.counted_bytes > LIMIT_BYTES

    def take(self) -> "Pending":
        """Give what is pending, and begin anew behind it."""
        taken = Pending(self.changes, dict(self.offsets), self.proven_ms, self.is_news)
        self.changes, self.counted_bytes, self.is_news = {}, 0, False
        return taken
