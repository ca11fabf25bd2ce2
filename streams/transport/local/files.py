"""The files of one partition's state: a lock, a head that is replaced at once, and the data that it tells of.

Changes are appended, which costs what has changed. All of it is rewritten, to a new file, when half of it is out of
date, and ten minutes after a key was dropped: what a tombstone erases from the changelog is erased here as well.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

from msgspec.structs import replace

from streams.fold.memory import apply_changes
from streams.kafka.topics import TOMBSTONES_KEPT
from streams.observe.labels import StateRefusal
from streams.transport.local.frames import (
    BrokenFileError,
    Changes,
    Contents,
    FrameWriter,
    drops_any,
    payloads,
    read_frames,
    without_drops,
)
from streams.transport.local.head import Head, Identity, decode_head, encode_head

T = TypeVar("T")

MAX_AGE_MS = TOMBSTONES_KEPT // timedelta(milliseconds=2)
"""Half the time for which a changelog keeps tombstones: an older file may miss one, as clocks differ."""
MAX_AHEAD_MS = 300_000
"""A head from further in the future tells that a clock was changed: its age is not known."""
SPARE_BYTES = 16 << 20
"""Out-of-date values that are not worth writing everything anew."""
ERASED_AFTER_MS = 600_000
"""How long a dropped value may stay in the data: as long as a changelog's own segment stays open (`segment.ms`)."""
PRIVATE = 0o600


class Interrupted(Exception):  # noqa: N818 - asked for
    """A write of all values was told to end; the files are as they were."""


class StateRefused(Exception):  # noqa: N818 - the answer to a question, not a fault
    """The state on disk is not used, and why."""

    def __init__(self, reason: StateRefusal, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class PartitionFiles:
    """Reads and writes them; blocks, so it belongs into a thread, and into one at a time.

    Whatever raises OSError leaves the head, and so the state, as it was before.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder = folder
        self._identity = identity
        self._name = str(identity.partition)
        self._lock: int | None = None
        self._is_interrupted = False
        self.head: Head | None = None
        """What the files hold; None where they hold nothing that can be used."""

    # -- whose they are

    @property
    def is_locked(self) -> bool:
        """Tell whether the files belong to this process."""
        return self._lock is not None

    def lock(self) -> None:
        """Take the files for this process; raises StateRefused where another one has them, OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / f"{self._name}.lock", os.O_RDWR | os.O_CREAT, PRIVATE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StateRefused(StateRefusal.LOCKED, "another process has it") from None
        self._lock = lock

    def unlock(self) -> None:
        """Let go of the files."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # -- reading

    def examine(self, now_ms: int) -> Head:
        """Read the head and give it if the data can be used as far as it tells.

        Raises:
            StateRefused: there is none, or it is broken, too old, or of something else.
        """
        head = self._read_head()
        if head.identity != self._identity:
            raise StateRefused(StateRefusal.FOREIGN, _difference(head.identity, self._identity))
        if head.offsets.keys() != self._identity.topic_ids.keys() or head.data.partition(".")[0] != self._name:
            raise StateRefused(
                StateRefusal.BROKEN, f"{self._head_path}: it tells of other changelogs, or another's data"
            )
        age_ms = now_ms - head.proven_ms
        if not -MAX_AHEAD_MS <= age_ms <= MAX_AGE_MS:
            raise StateRefused(
                StateRefusal.TOO_OLD, f"it is {age_ms / 3_600_000:.1f} h old, and tombstones may be gone by now"
            )
        return head

    def load(self, head: Head) -> Contents:
        """Read the data of a head, which is what counts from then on; raises StateRefused."""
        contents: Contents = {topic: {} for topic in head.offsets}
        try:
            for frame in self._frames(head):
                for topic, entries in frame.items():
                    apply_changes(contents[topic], entries)
        except (BrokenFileError, KeyError, OSError) as error:
            raise StateRefused(StateRefusal.BROKEN, f"{self._folder / head.data}: {error}") from error
        self.head = head
        with suppress(OSError):
            self._remove_data()
        return contents

    def resume(self, head: Head) -> bool:
        """Go on with what this process has written before; False if it is no longer there."""
        try:
            is_same = self._read_head() == head
        except StateRefused:
            return False
        self.head = head if is_same else None
        return is_same

    def _read_head(self) -> Head:
        path = self._head_path
        try:
            return decode_head(path.read_bytes())
        except FileNotFoundError:
            raise StateRefused(StateRefusal.MISSING, "there is none") from None
        except (BrokenFileError, OSError) as error:
            raise StateRefused(StateRefusal.BROKEN, f"{path}: {error}") from error

    def _frames(self, head: Head) -> Iterator[Changes]:
        with (self._folder / head.data).open("rb") as file:
            yield from read_frames(file, head.length, head.digest)

    # -- writing

    def interrupt(self) -> None:
        """Have a write of all values end at its next frame, from any thread, and none begin any more."""
        self._is_interrupted = True

    def write(self, changes: Changes, offsets: Mapping[str, int], proven_ms: int) -> int:
        """Keep what has changed since the last time, all values if there was none; gives the bytes written.

        Raises:
            OSError, Interrupted: the files are as they were before.
        """
        head = self.head
        if head is None:
            return self._write_whole(payloads(without_drops(changes)), offsets, proven_ms)
        with (self._folder / head.data).open("r+b") as file:
            file.truncate(head.length)
            file.seek(head.length)
            writer = FrameWriter(file, head.length, head.digest)
            writer.write(payloads(changes))
            _to_disk(file)
        self._replace_head(
            replace(
                head,
                offsets=dict(offsets),
                proven_ms=proven_ms,
                length=writer.length,
                digest=writer.digest,
                dropped_ms=head.dropped_ms or (proven_ms if drops_any(changes) else 0),
            )
        )
        return writer.length - head.length

    def is_worth_rewriting(self, now_ms: int) -> bool:
        """Tell whether half of it is out of date, or a dropped value is in it for too long."""
        head = self.head
        if head is None:
            return False
        keeps_dropped = head.dropped_ms > 0 and not 0 <= now_ms - head.dropped_ms < ERASED_AFTER_MS
        return keeps_dropped or head.length > 2 * head.whole_length + SPARE_BYTES

    def rewrite(self) -> int:
        """Write what is there anew, without what was replaced or dropped; gives the bytes written.

        Raises:
            OSError, BrokenFileError, Interrupted: the files are as they were before.
        """
        head = self.head
        if head is None:
            return 0
        return self._write_whole(self._standing(head), head.offsets, head.proven_ms)

    def _write_whole(self, values: Iterable[bytes], offsets: Mapping[str, int], proven_ms: int) -> int:
        name = self._next_name()
        try:
            with _new(self._folder / name) as file:
                writer = FrameWriter(file)
                writer.write(self._until_interrupted(values))
                _to_disk(file)
            length = writer.length
            self._replace_head(Head(self._identity, dict(offsets), proven_ms, name, length, writer.digest, length))
        finally:
            self._remove_data()
        return length

    def _until_interrupted(self, parts: Iterable[T]) -> Iterator[T]:
        for part in parts:
            if self._is_interrupted:
                raise Interrupted
            yield part

    def _standing(self, head: Head) -> Iterator[bytes]:
        """Give the values of a head, encoded, that nothing later in its data has replaced or dropped."""
        latest: dict[str, dict[str, int]] = {topic: {} for topic in head.offsets}
        for number, frame in enumerate(self._until_interrupted(self._frames(head))):
            for topic, entries in frame.items():
                latest[topic].update(dict.fromkeys(entries, number))
        for number, frame in enumerate(self._frames(head)):
            for topic, entries in frame.items():
                last = latest[topic]
                yield from payloads({topic: {k: v for k, v in entries.items() if v is not None and last[k] == number}})

    def _next_name(self) -> str:
        """Name a data file that does not exist: leftovers of a crash are removed first."""
        self._remove_data()
        number = 0 if self.head is None else int(self.head.data.split(".")[1]) + 1
        return f"{self._name}.{number}.data"

    def _replace_head(self, head: Head) -> None:
        new = self._folder / f"{self._name}.head.new"
        with _new(new) as file:
            file.write(encode_head(head))
            _to_disk(file)
        new.replace(self._head_path)
        self.head = head

    # -- removing

    def remove(self) -> None:
        """Leave nothing of the state here; raises OSError."""
        self.head = None
        self._head_path.unlink(missing_ok=True)
        self._remove_data()

    def _remove_data(self) -> None:
        """Remove the data files that no head tells of."""
        for path in self._folder.glob(f"{self._name}.*.data"):
            if self.head is None or path.name != self.head.data:
                path.unlink()

    @property
    def _head_path(self) -> Path:
        return self._folder / f"{self._name}.head"


def _difference(found: Identity, expected: Identity) -> str:
    fields = [name for name in Identity.__struct_fields__ if getattr(found, name) != getattr(expected, name)]
    return f"it is of another {', '.join(fields)}"


def _to_disk(file: BinaryIO) -> None:
    """Have the disk hold it before a head tells of it: after a power failure the state is then there as well."""
    file.flush()
    os.fdatasync(file.fileno())


def _new(path: Path) -> BinaryIO:
    """Make a file that is for this user alone: the state names customers."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb")
