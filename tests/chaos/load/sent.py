"""What the senders of a run know: how often each body went out, how often it was accepted, and when first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_DIRECT = "direct:"


def direct_id(number: int) -> str:
    """Name the record of that number among those that the feed writes into the log itself."""
    return f"{_DIRECT}{number}"


def is_direct(name: str) -> bool:
    """Tell whether the feed wrote it into the log itself: its own client may have doubled it there."""
    return name.startswith(_DIRECT)


@dataclass(slots=True)
class Claim:
    """One body, or one record written directly: times are seconds of the feed's clock.

    Attributes:
        indexes: which records of the body become events.
        tries: how often it was sent; whatever was answered, each try may have reached the log.
        accepted: how often the answer was 200; each of these is in the log.
    """

    indexes: tuple[int, ...]
    first_try: float
    tries: int = 0
    accepted: int = 0
    first_accepted: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than 200, at epoch seconds `at`."""

    answer: str
    at: float


@dataclass(slots=True)
class Sent:
    """All of it; a body is known by its hash, a direct record by its id."""

    claims: dict[str, Claim] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Hashes of accepted bodies with records that the bridge had to set aside."""
    answers: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    direct: int = 0

    def trying(self, name: str, indexes: Iterable[int], now: float) -> Claim:
        """Note a try."""
        claim = self.claims.setdefault(name, Claim(tuple(indexes), now))
        claim.tries += 1
        return claim

    def accept(self, claim: Claim, now: float) -> None:
        """Note that a try was accepted."""
        claim.accepted += 1
        if claim.first_accepted is None:
            claim.first_accepted = now

    @property
    def accepted(self) -> int:
        """Count the notifications behind a 200."""
        return self.answers["200"]
