"""Tells the log of decisions that failed: each kind once with its trace, then by count, however many there are."""

import logging
from collections import Counter

from streams.places import place_of

log = logging.getLogger(__name__)

KINDS = 100
"""Kinds that are told apart; what comes beyond is one kind."""
_OTHERS = "what failed in other ways"


class Failures:
    """Counts failures by kind: the error's type and the place that raised it.

    A poisoned customer fails at every event of its own, and a release perhaps at every record: a trace each would fill
    the disk, and hide the first.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def tell(self, what: str, error: Exception) -> None:
        """Say what failed: with its trace the first time, then at the 10th, 100th, 1,000th and so on."""
        kind = self._kind(error)
        self._counts[kind] += 1
        count = self._counts[kind]
        if count == 1:
            log.error("%s", what, exc_info=error)
        elif count == 10 ** (len(str(count)) - 1):
            log.error("%s: the same for the %dth time since the start (%s); the first has the trace", what, count, kind)

    def tell_timer(self, place: str, error: Exception) -> None:
        """Say that a due time of a partition could not be told."""
        self.tell(f"a timer of {place} could not be told", error)

    def _kind(self, error: Exception) -> str:
        kind = place_of(error)
        return kind if kind in self._counts or len(self._counts) < KINDS else _OTHERS
