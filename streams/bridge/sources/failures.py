"""Who fails at the door: how often within a minute, and from when on a source is not looked at any more."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60.0
TRUSTED_SECONDS = 3600.0
"""How long a source is not limited once something good came from it."""
MAX_SOURCES = 4096
MAX_TRUSTED = 1024


class Failures:
    """Counts refused requests by source; a source that something good came from lately is never limited.

    So the vendor, whose notifications may fail for single accounts, is not held back in the middle of a night's burst.

    Args:
        per_minute: refused requests of one source within a minute, past which it is refused unseen.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = per_minute
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """Start of the window and failures in it, the source heard of last at the end."""
        self._trusted: OrderedDict[str, float] = OrderedDict()
        self._told_at = float("-inf")

    def seconds_left(self, source: str) -> float:
        """Give how long the source is not to be looked at; 0 where it may go on."""
        since, count = self._counts.get(source, (0.0, 0))
        if count < self._limit:
            return 0.0
        now = self._clock()
        if now - self._trusted.get(source, float("-inf")) < TRUSTED_SECONDS:
            return 0.0
        return max(0.0, since + WINDOW_SECONDS - now)

    def failed(self, source: str) -> None:
        """Count a refused request."""
        now = self._clock()
        since, count = self._counts.pop(source, (now, 0))
        if now - since >= WINDOW_SECONDS:
            since, count = now, 0
        self._counts[source] = since, count + 1
        _bound(self._counts, MAX_SOURCES)
        if count + 1 == self._limit:
            self._tell(source, now)

    def succeeded(self, source: str) -> None:
        """Note that something good came from there."""
        self._trusted[source] = self._clock()
        self._trusted.move_to_end(source)
        _bound(self._trusted, MAX_TRUSTED)

    def _tell(self, source: str, now: float) -> None:
        if now - self._told_at >= WINDOW_SECONDS:
            self._told_at = now
            log.warning("%d requests from %s were refused within a minute: look who that is", self._limit, source)


def _bound(sources: OrderedDict[str, tuple[float, int]] | OrderedDict[str, float], most: int) -> None:
    if len(sources) > most:
        sources.popitem(last=False)
