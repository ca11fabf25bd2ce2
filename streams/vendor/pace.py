"""How fast the vendor is asked: token buckets for the app key and for each institution, and pauses it asks for."""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from streams.vendor.answers import INSTITUTION_LIMIT_CODE
from streams.vendor.errors import TryAgainError

MAX_INSTITUTIONS = 10_000
"""Institutions whose bucket is remembered; one not asked for longest is full again by then."""
LONGEST_SECONDS = 10.0
"""How far ahead moments are given away: below every deadline, or they go to calls that are not made any more."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The event loop's time, in seconds, and chance; tests put their own here."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


REAL = Timing()


class Bucket:
    """A token bucket that hands out moments: so many a second, one second's worth at once after a rest."""

    __slots__ = ("_gap", "_next", "_slack", "paused_until")

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._slack = max(1.0 - self._gap, 0.0)
        self._next = 0.0
        self.paused_until = 0.0

    def ahead(self, now: float) -> float:
        """Give how long it is until the next moment, and take none."""
        return max(self._next - now, 0.0)

    def wait_seconds(self, now: float) -> float:
        """Take the next moment, and give how long it is until then."""
        self._next = max(self._next, now - self._slack)
        wait = max(self._next - now, 0.0)
        self._next += self._gap
        return wait


class Pace:
    """Gives each call its turn.

    Args:
        per_second: calls a second with the app key.
        institution_per_second: calls a second that concern one institution.
        max_waiting: calls that may wait for their turn at once.
    """

    def __init__(
        self, per_second: float, institution_per_second: float, max_waiting: int = 1000, timing: Timing = REAL
    ) -> None:
        self._timing = timing
        self._all = Bucket(per_second)
        self._institution_per_second = institution_per_second
        self._institutions: OrderedDict[str, Bucket] = OrderedDict()
        self._max_waiting = max_waiting
        self._waiting = 0

    async def turn(self, institution_id: str | None = None, rests_with: Collection[str] = ()) -> None:
        """Wait for the turn of a call.

        Args:
            institution_id: counts it with those of this institution.
            rests_with: institutions that it may concern: while one of them rests, it is not made.

        Raises:
            TryAgainError: the vendor asked to wait, with 977 where with these institutions alone; or too many wait
                already. No moment is taken.
        """
        buckets = self._buckets(institution_id)
        now = self._timing.now()
        if (paused := self._all.paused_until - now) > 0:
            raise TryAgainError("the vendor asked to wait", after_seconds=paused, is_of_all=True)
        if (paused := self._rest_of({*rests_with, *([institution_id] if institution_id else [])}) - now) > 0:
            text = "the vendor asked to wait with this institution"
            raise TryAgainError(text, after_seconds=paused, code=INSTITUTION_LIMIT_CODE)
        if self._waiting >= self._max_waiting:
            text = f"{self._waiting} calls wait for their turn already"
            raise TryAgainError(text, after_seconds=1.0, is_of_all=True)
        if (longest := max(bucket.ahead(now) for bucket in buckets)) > LONGEST_SECONDS:
            text = "too many calls wait for their turn already"
            raise TryAgainError(text, after_seconds=longest, is_of_all=self._all.ahead(now) > LONGEST_SECONDS)
        wait = max(bucket.wait_seconds(now) for bucket in buckets)
        if wait > 0:
            await self._rest(wait)

    def pause(self, seconds: float, institution_id: str | None = None) -> None:
        """Make no calls for so long: to one institution, or at all."""
        bucket = self._all if institution_id is None else self._bucket(institution_id)
        bucket.paused_until = max(bucket.paused_until, self._timing.now() + seconds)

    def _rest_of(self, institution_ids: Collection[str]) -> float:
        """Give until when the last of some institutions rests."""
        known = (self._institutions.get(one) for one in institution_ids)
        return max((bucket.paused_until for bucket in known if bucket is not None), default=0.0)

    async def _rest(self, seconds: float) -> None:
        self._waiting += 1
        try:
            await self._timing.sleep(seconds)
        finally:
            self._waiting -= 1

    def _buckets(self, institution_id: str | None) -> list[Bucket]:
        return [self._all] if institution_id is None else [self._all, self._bucket(institution_id)]

    def _bucket(self, institution_id: str) -> Bucket:
        bucket = self._institutions.setdefault(institution_id, Bucket(self._institution_per_second))
        self._institutions.move_to_end(institution_id)
        if len(self._institutions) > MAX_INSTITUTIONS:
            self._institutions.popitem(last=False)
        return bucket
