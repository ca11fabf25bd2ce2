"""What a worker says of its readiness in its log: one line each time that it has come to all of its work."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextvars import Context

log = logging.getLogger(__name__)

SLOW_SECONDS = 10.0
"""A start that takes longer says what it waits for: a large state is being restored, or a partition is paused."""


class Readiness:
    """Says that a worker is ready, with which partitions, and where its metrics are.

    Args:
        name: the worker.
        source: topic of the partitions.
        unready: gives what keeps it from doing all of its work.
        owned: gives the numbers of its partitions.
    """

    def __init__(
        self, name: str, source: str, unready: Callable[[], list[str]], owned: Callable[[], Iterable[int]]
    ) -> None:
        self._name = name
        self._source = source
        self._unready = unready
        self._owned = owned
        self._metrics = ""
        self._said: list[int] | None = None
        self._slow: asyncio.TimerHandle | None = None

    def listening(self, metrics: str) -> None:
        """Hear the address of the metrics: from here on there is something to say."""
        self._metrics = metrics
        self._slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._say_slow)
        self.changed()

    def changed(self) -> None:
        """Hear that the group has assigned partitions, perhaps the same again, or that one of them is open."""
        if not self._metrics:
            return
        owned = None if self._unready() else sorted(self._owned())
        if owned is not None and owned != self._said:
            self.stop()
            _say("%s is ready: %s; metrics at %s", self._name, self._of(owned), self._metrics)
        self._said = owned

    def stop(self) -> None:
        """Wait no longer for a start that takes long."""
        if self._slow is not None:
            self._slow.cancel()

    def _of(self, owned: list[int]) -> str:
        numbers = ", ".join(map(str, owned))
        return f"partitions {numbers} of {self._source}" if owned else f"others have all partitions of {self._source}"

    def _say_slow(self) -> None:
        _say("%s is not ready yet: %s; metrics at %s", self._name, "; ".join(self._unready()), self._metrics)


def _say(line: str, *told: str) -> None:
    """Log what holds for the worker, whichever partition's task it was that came last."""
    Context().run(log.info, line, *told)
