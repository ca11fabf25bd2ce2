"""What a gate is: whoever wants to authenticate claims the right to try first, and tells what came of it."""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from streams.observe.labels import Authentication as Outcome

__all__ = ["LEASE_SECONDS", "Claim", "Gate", "Outcome"]

LEASE_SECONDS = 60.0
"""How long a claim holds others off; the attempt has to be over before."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to try a pair once, until `expires_at` of the monotonic clock.

    `is_doubtful`: attempts before it have no known end, so its holder makes sure first that the vendor answers at all.
    """

    id: str
    pair: str
    expires_at: float
    is_doubtful: bool = False

    def seconds_left(self) -> float:
        """Give how long the attempt may still take."""
        return self.expires_at - time.monotonic()


class Gate(Protocol):
    """Decides, for all processes that share it, whether a pair may be tried; a context manager."""

    async def __aenter__(self) -> Self:
        """Begin to follow what is known; returns at once."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is still owed, within seconds, and let go of everything."""

    async def claim(self, pair: str) -> Claim:
        """Wait for the right to try.

        Raises:
            RefusedError: the pair was refused, or may have been too often.
            TryAgainError: another process tries for long, or what is known cannot be read.
        """

    async def settle(self, claim: Claim, outcome: Outcome, code: int | None = None) -> None:
        """Tell what came of the attempt, with the vendor's code of a refusal.

        Raises:
            TryAgainError: it could not be written; this gate remembers it all the same.
        """

    def closed(self, pair: str) -> str | None:
        """Say in words why the pair is not tried any more; None where it may be."""

    def problems(self) -> list[str]:
        """Say in words why nothing can be decided now; nothing when it can."""
