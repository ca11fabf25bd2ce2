"""Whether a worker is alive and ready, judged by the progress of its partitions and its place in the group."""

import time
from collections.abc import Mapping
from typing import Protocol

from streams.transport.partition import OwnedPartition
from streams.transport.settings import FoldSettings

STUCK_SECONDS = 60.0
"""A partition polls every half second and commits within seconds; a minute without either is no load, it is a fault."""


class Membership(Protocol):
    """A worker's place in its group, and what it has by it."""

    @property
    def owned(self) -> Mapping[int, OwnedPartition]:
        """The partitions by number."""

    @property
    def away_since(self) -> float | None:
        """Since when it has had no place, by the monotonic clock; None while it has one."""


def stuck(member: Membership, settings: FoldSettings) -> list[str]:
    """Give why the process should be replaced: a wait that is longer than whatever it waits for may take."""
    now = time.monotonic()
    return [*_left_out(member, settings.join_seconds, now), *_without_progress(member, settings.opening_seconds, now)]


def _left_out(member: Membership, limit: float, now: float) -> list[str]:
    since = member.away_since
    return [] if since is None or now - since <= limit else [f"not in the group for {now - since:.0f} s"]


def _without_progress(member: Membership, opening_limit: float, now: float) -> list[str]:
    going = [partition for partition in member.owned.values() if not partition.paused]
    return [
        f"partition {partition.number} has made no progress for {now - partition.progressed_at:.0f} s"
        for partition in going
        if now - partition.progressed_at > (STUCK_SECONDS if partition.is_open else opening_limit)
    ]


def unready(member: Membership, settings: FoldSettings) -> list[str]:
    """Give what keeps a worker from doing all of its work."""
    if member.away_since is not None:
        return ["no partitions assigned yet", *stuck(member, settings)]
    owned = member.owned
    opening = [f"partition {number} is being restored" for number, p in owned.items() if not p.is_open and not p.paused]
    paused = [f"partition {number} is paused: {p.paused}" for number, p in owned.items() if p.paused]
    return opening + paused + stuck(member, settings)
