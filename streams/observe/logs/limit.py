"""How often the log says the same: a fault that happens a thousand times a second must not fill a disk."""

import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

BURST = 20
"""Lines of a kind that may come at once: one for each of twelve partitions, and more."""
EVERY_SECONDS = 10.0
"""After those, one line in so many seconds."""
KINDS = 200
"""Kinds that are told apart; what comes beyond is one kind of its logger and level, until one was long silent."""
OTHERS = "what is of other kinds"

Kind = tuple[str, int, str]
"""Logger, level, and the message without its values."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines of a kind that were suppressed, and when the first and the last of them came, as a Unix time."""

    lines: int
    since: float
    until: float

    def words(self, template: str) -> str:
        """Say it as what is past: whoever finds it far behind an outage, or at an end, looks for no new fault."""
        since, until = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (self.since, self.until))
        until = until if since[:10] != until[:10] else until[11:]
        return f"not written, as it came too often: {self.lines} of {template!r} from {since} to {until}"


@dataclass(slots=True)
class _Bucket:
    lines: float
    at: float
    heard_at: float
    suppressed: int = 0
    since: float = 0.0
    until: float = 0.0

    def suppress(self, at: float) -> None:
        """Count a line that came at a Unix time."""
        self.since = self.since if self.suppressed else at
        self.suppressed, self.until = self.suppressed + 1, at

    def told(self) -> Gap:
        """Give what was counted, and count anew."""
        gap = Gap(self.suppressed, self.since, self.until)
        self.suppressed = 0
        return gap

    def fill(self, now: float) -> None:
        """Let it have what has come by now."""
        self.lines = min(BURST, self.lines + (now - self.at) / EVERY_SECONDS)
        self.at = now


class Limiter:
    """A token bucket for each kind of warnings and errors; what is less, or ends the process, is always let through.

    `monotonic` gives seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: OrderedDict[Kind, _Bucket] = OrderedDict()
        """The kind that was heard longest ago first."""
        self._others: dict[Kind, _Bucket] = {}
        self._owed: dict[Kind, _Bucket] = {}
        """Those of which lines were suppressed since their last one."""
        self._lock = threading.RLock()
        """The garbage collector runs anywhere, here as well, and what it finishes off may have asyncio say so."""

    def take(self, record: logging.LogRecord) -> int | None:
        """Give how many of the kind were suppressed before this line; None to suppress it, too."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return 0
        with self._lock:
            kind, bucket = self._bucket(_kind(record))
            if bucket.lines < 1:
                bucket.suppress(record.created)
                self._owed[kind] = bucket
                return None
            bucket.lines -= 1
            owed = self._owed.pop(kind, None)
            return 0 if owed is None else owed.told().lines

    def _bucket(self, kind: Kind) -> tuple[Kind, _Bucket]:
        now = self._monotonic()
        if kind in self._buckets or len(self._buckets) < KINDS or self._has_forgotten(now):
            bucket = self._buckets.setdefault(kind, _Bucket(BURST, now, now))
            self._buckets.move_to_end(kind)
        else:
            kind = (*kind[:2], OTHERS)
            bucket = self._others.setdefault(kind, _Bucket(BURST, now, now))
        bucket.fill(now)
        bucket.heard_at = now
        return kind, bucket

    def _has_forgotten(self, now: float) -> bool:
        """Make room for a kind, if there is one that may say as much as if it had never said anything."""
        kind, bucket = next(iter(self._buckets.items()))
        bucket.fill(now)
        if bucket.lines < BURST:
            return False
        self._buckets.pop(kind, None)  # what it owes is told by the next line, or at the end
        return True

    def left(self, silent_seconds: float = 0.0) -> list[tuple[Kind, Gap]]:
        """Give what was suppressed of kinds since their last line, of those that are silent so long; count anew."""
        if not self._owed:
            return []
        with self._lock:
            silent_since = self._monotonic() - silent_seconds
            found = list[tuple[Kind, Gap]]()
            for kind in list(self._owed):  # what the garbage collector has said meanwhile may have told of some
                bucket = self._owed.get(kind)
                if bucket is not None and bucket.heard_at <= silent_since and self._owed.pop(kind, None) is bucket:
                    found.append((kind, bucket.told()))
            return found


def _kind(record: logging.LogRecord) -> Kind:
    """Tell lines apart by what they are made from; one that is nothing but its value, by that."""
    template = record.getMessage() if record.msg == "%s" else str(record.msg)
    return record.name, record.levelno, template


class LimitedHandler(logging.StreamHandler[TextIO]):
    """Writes lines within the limit; the next of a kind has the number of those before it in `suppressed`."""

    def __init__(self, stream: TextIO, limiter: Limiter | None = None) -> None:
        super().__init__(stream)
        self._limiter = limiter or Limiter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it."""
        try:
            suppressed = self._limiter.take(record)
            if suppressed is not None:
                self._tell(EVERY_SECONDS)
        except Exception:  # noqa: BLE001 - of an argument that is no text; whoever writes a line goes on
            self.handleError(record)
            return
        if suppressed is None:
            return
        if suppressed:
            record = logging.makeLogRecord(record.__dict__ | {"suppressed": suppressed})
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say which line could not be written, and nothing of it: Python would show its arguments."""
        failed = "a line of %s:%d could not be written: %r"
        told = (record.pathname, record.lineno, sys.exc_info()[1])
        line = logging.LogRecord(record.name, logging.ERROR, record.pathname, record.lineno, failed, told, None)
        with suppress(Exception):  # it may be the stream itself
            self.stream.write(self.format(line) + self.terminator)

    def close(self) -> None:
        """Say what was suppressed and had no next line to say it."""
        self._tell()
        super().close()

    def _tell(self, silent_seconds: float = 0.0) -> None:
        """Say what was suppressed of kinds that are silent so long; no fault of now, whatever the kind is."""
        for (name, _level, template), gap in self._limiter.left(silent_seconds):
            record = logging.LogRecord(name, logging.INFO, "", 0, gap.words(template), (), None)
            super().emit(logging.makeLogRecord(record.__dict__ | {"suppressed": gap.lines, "template": template}))
