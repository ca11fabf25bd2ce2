"""How often the log says the same: a fault that happens a thousand times a second must not fill a disk."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

BURST = 20
"""Lines of a kind that may come at once: one for each of twelve partitions, and more."""
EVERY_SECONDS = 10.0
"""After those, one line in so many seconds."""
KINDS = 1000
"""Kinds that are told apart; of more, the one that was heard longest ago begins anew."""

Kind = tuple[str, int, str]
"""Logger, level, and the message without its values."""


@dataclass(slots=True)
class _Bucket:
    lines: float
    at: float
    suppressed: int = 0


class Limiter:
    """A token bucket for each kind of warnings and errors; what is less, or ends the process, is always let through.

    `monotonic` gives seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: OrderedDict[Kind, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, record: logging.LogRecord) -> int | None:
        """Give how many of the kind were suppressed before this line; None to suppress it, too."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return 0
        with self._lock:
            bucket = self._bucket(_kind(record))
            if bucket.lines < 1:
                bucket.suppressed += 1
                return None
            bucket.lines -= 1
            suppressed, bucket.suppressed = bucket.suppressed, 0
            return suppressed

    def _bucket(self, kind: Kind) -> _Bucket:
        now = self._monotonic()
        bucket = self._buckets.setdefault(kind, _Bucket(BURST, now))
        bucket.lines = min(BURST, bucket.lines + (now - bucket.at) / EVERY_SECONDS)
        bucket.at = now
        self._buckets.move_to_end(kind)
        if len(self._buckets) > KINDS:
            self._buckets.popitem(last=False)
        return bucket

    def left(self) -> list[tuple[Kind, int]]:
        """Give kinds with how many were suppressed since their last line, and count anew."""
        with self._lock:
            found = [(kind, bucket.suppressed) for kind, bucket in self._buckets.items() if bucket.suppressed]
            for kind, _ in found:
                self._buckets[kind].suppressed = 0
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
        suppressed = self._limiter.take(record)
        if suppressed is None:
            return
        if suppressed:
            record = logging.makeLogRecord(record.__dict__ | {"suppressed": suppressed})
        super().emit(record)

    def close(self) -> None:
        """Say what was suppressed and had no next line to say it."""
        for (name, level, template), suppressed in self._limiter.left():
            extra = {"suppressed": suppressed, "template": template}
            record = logging.LogRecord(name, level, "", 0, "more of the same were not written", (), None)
            super().emit(logging.makeLogRecord(record.__dict__ | extra))
        super().close()
