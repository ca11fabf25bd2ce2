"""Whose timers failed within a poll: they wait for their next own event, or for other rules."""

from collections.abc import Callable, Iterable
from datetime import datetime

from streams.domain import Rules
from streams.fold.effects import PartitionPaused
from streams.fold.ledger import Ledger


class Held:
    """Keys of timers that failed, each with the rules under which it did: others may mend it."""

    __slots__ = ("_ledger", "_under")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._under: dict[str, Rules] = {}

    def add(self, key: str) -> None:
        """Hold a key under the rules in force."""
        self._under[key] = self._ledger.in_force.rules

    def due(self, key: str, due: Callable[[], datetime | None]) -> datetime | None:
        """Give when a key is due; one of which that cannot be told is held, the others go on.

        Raises:
            PartitionPaused: the state is of a later release.
        """
        try:
            return due()
        except PartitionPaused:
            raise
        except Exception as error:  # noqa: BLE001 - the others go on
            self._ledger.timer_failed(error)
            self.add(key)
            return None

    def release(self, keys: Iterable[str]) -> None:
        """Let some keys go on, held or not."""
        for key in keys:
            self._under.pop(key, None)

    def __contains__(self, key: str) -> bool:
        """Tell whether a key is held under the rules in force."""
        return self._under.get(key) is self._ledger.in_force.rules

    def no_timers(self) -> dict[str, None]:
        """Give the keys that are held, as timers that are not set."""
        return {key: None for key in self._under if key in self}
