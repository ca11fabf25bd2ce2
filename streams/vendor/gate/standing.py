"""What the records of `vendor.auth` say about one pair; pure.

Keys are `<pair>/<claim id>`, `<pair>/accepted`, `<pair>/refused` and `<pair>/reset`, all in one partition, so that all
readers see them in one order. The first claim on a free pair holds it; later ones are void until it is settled or its
lease is over. A settled claim is deleted, and its outcome stands under a key of its own, so compaction loses nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationError

from schemas.base import Model
from schemas.times import rfc3339, time_of_record
from streams.vendor.gate.gate import LEASE_SECONDS

UNPROVEN_TRIES = 2
"""Attempts on a pair that never was accepted, before it counts as refused."""
PROVEN_TRIES = 4
"""The same for one that was: one less than lock the partner, so that none of ours ever is the fifth."""
REST_MINUTES = dict(zip(range(UNPROVEN_TRIES, PROVEN_TRIES), (10, 120), strict=True))
"""How long the third and the fourth of them are waited with: what hangs at the vendor may be mended by then."""
LEASE_MS = int(LEASE_SECONDS * 1000)


class State(StrEnum):
    """What a record says."""

    CLAIMED = "claimed"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    RESET = "reset"


class Entry(Model):
    """The value of a record; `who` is a process, or an operator with a reason."""

    version: Annotated[int, Field(ge=1)] = 1
    state: State
    claim: str | None = None
    who: str = Field(max_length=200)
    why: str | None = Field(default=None, max_length=500)
    code: int | None = None


def read_entry(value: bytes) -> Entry | None:
    """Read a record; None for one that this release does not know: it must not stop the others."""
    try:
        return Entry.model_validate_json(value)
    except ValidationError:
        return None


@dataclass(slots=True)
class Told:
    """An outcome or a reset as it was told."""

    at_ms: int
    entry: Entry

    @property
    def at(self) -> datetime:
        """When."""
        return time_of_record(self.at_ms)


@dataclass(slots=True)
class Standing:
    """One pair: who holds it, what may have been refused, and what is known."""

    claims: dict[str, Told] = field(default_factory=dict)
    accepted: Told | None = None
    refused: Told | None = None
    reset: Told | None = None

    def hear(self, name: str, entry: Entry | None, at_ms: int) -> None:
        """Take the next record of the pair's partition; no entry deletes what stood under `name`."""
        if entry is None:
            self._forget(name)
            return
        told = Told(at_ms, entry)
        match entry.state:
            case State.CLAIMED:
                if self.closed(at_ms) is None and self.busy_ms(at_ms) == 0:
                    self.claims[name] = told
            case State.UNANSWERED:
                self.claims[name] = told
            case State.ACCEPTED:
                self._accept(told)
            case State.REFUSED:
                self.refused = told
                self.claims.pop(entry.claim or "", None)
            case State.RESET:
                self.reset, self.refused = told, None
                self.claims.clear()

    def holds(self, claim_id: str) -> bool:
        """Tell whether a claim was the first on a free pair."""
        return claim_id in self.claims

    def busy_ms(self, at_ms: int) -> int:
        """Give how long an attempt may still be under way."""
        ends = (one.at_ms + LEASE_MS for one in self.claims.values() if one.entry.state is State.CLAIMED)
        return max(max(ends, default=at_ms) - at_ms, 0)

    def closed(self, at_ms: int) -> str | None:
        """Say why the pair is not tried at a time: refused once, or too many attempts whose end nobody knows."""
        if self.refused is not None:
            entry = self.refused.entry
            return f"the vendor refused the credentials, {rfc3339(self.refused.at)} to {entry.who}"
        unknown = len(self.claims)
        if unknown < UNPROVEN_TRIES:
            return None
        text = f"{unknown} attempts with the credentials have no known end, and may have been refused"
        opens_ms = self.opens_ms()
        if opens_ms is None:
            return text
        return None if at_ms >= opens_ms else f"{text}; the next is made after {rfc3339(time_of_record(opens_ms))}"

    def opens_ms(self) -> int | None:
        """Give when the next attempt may be made, where attempts without a known end put it off; else None."""
        minutes = None if self.accepted is None else REST_MINUTES.get(len(self.claims))
        return None if minutes is None else max(one.at_ms for one in self.claims.values()) + minutes * 60_000

    def _accept(self, told: Told) -> None:
        """Good credentials: what was unknown is forgotten, but not who tries at this moment."""
        self.accepted, self.refused = told, None
        self.claims = {
            name: one
            for name, one in self.claims.items()
            if name != told.entry.claim and one.entry.state is State.CLAIMED and one.at_ms + LEASE_MS > told.at_ms
        }

    def _forget(self, name: str) -> None:
        self.claims.pop(name, None)
        if name == State.REFUSED:
            self.refused = None
        elif name == State.ACCEPTED:
            self.accepted = None
