"""The contract of a store, and the one that forgets with its process."""

from collections.abc import Collection, Mapping
from typing import Protocol

MAX_NAMES = 500
"""The most names that one call has."""


class Store(Protocol):
    """A table of whole numbers by name; each only goes up, so that a late writer cannot undo a newer one.

    Names are ASCII, at most 320 characters; numbers are 0 to 2**63 - 1. Calls come from worker threads, one at a time
    and each with at most 500 names. Any exception counts as a failure; the call is made again, a few times.
    `streams.subscribe.testing.check_store` tells whether an implementation keeps the contract.
    """

    def claim(self, owner: str) -> str:
        """Keep `owner` if none is kept yet, and give the one that is kept from now on. Called first."""

    def read(self, names: Collection[str]) -> Mapping[str, int]:
        """Give the numbers of these names; what is not kept is left out."""

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Keep each number unless the name has a higher one; all or none of them, durable on return."""


class AsyncStore(Protocol):
    """The same contract for a store that is awaited, in the event loop of the subscription."""

    async def claim(self, owner: str) -> str:
        """As in `Store`."""

    async def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As in `Store`."""

    async def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As in `Store`."""


class MemoryStore:
    """Keeps the contract but for durability: for tests, and for readers that may act again after each start."""

    def __init__(self) -> None:
        self._owner: str | None = None
        self._numbers: dict[str, int] = {}

    def claim(self, owner: str) -> str:
        """As in `Store`."""
        self._owner = self._owner or owner
        return self._owner

    def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As in `Store`."""
        return {name: self._numbers[name] for name in names if name in self._numbers}

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As in `Store`."""
        for name, number in numbers.items():
            self._numbers[name] = max(number, self._numbers.get(name, -1))
