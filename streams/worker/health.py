"""Whether a worker is alive and ready, judged by the progress of its partitions and its place in the group."""

import time
from collections.abc import Mapping
from typing import Protocol

from streams.transport.partition import OwnedPartition
from streams.transport.settings import FoldSettings

STUCK_SECONDS = 60.0
"""A partition polls every half second and commits within seconds, and each step of that has its own, shorter limit: a
minute in which none is done is no load, it is a fault."""


class Membership(Protocol):
    """A worker's place in its group, and what it has by it."""

    @property
    def owned(self) -> Mapping[int, OwnedPartition]:
        """The partitions by number."""

    @property
    def away_since(self) -> float | None:
        """Since when it has had no place, by the monotonic clock; None while it has one."""

    @property
    def answered_at(self) -> float | None:
        """When a broker has answered last, by the same clock; None before any was asked."""


def stuck(member: Membership, settings: FoldSettings) -> list[str]:
    """Give why the process should be replaced: a wait that is longer than whatever it waits for may take."""
    now = time.monotonic()
    return [*_left_out(member, settings.join_seconds, now), *_without_progress(member, settings.opening_seconds, now)]


def _left_out(member: Membership, limit: float, now: float) -> list[str]:
    since = member.away_since
    if since is None or now - since <= limit:
        return []
    return [f"not in the group for {now - since:.0f} s; start the worker again, as `/healthz` asks for"]


def _without_progress(member: Membership, opening_limit: float, now: float) -> list[str]:
    going = [partition for partition in member.owned.values() if not partition.paused]
    return [
        f"partition {partition.number} has made no progress for {now - partition.progressed_at:.0f} s; start the "
        "worker again, as `/healthz` asks for"
        for partition in going
        if now - partition.progressed_at > (STUCK_SECONDS if partition.is_open else opening_limit)
    ]


def unready(member: Membership, settings: FoldSettings) -> list[str]:
    """Give what keeps a worker from doing all of its work, each with what to do next."""
    silent = _without_broker(member, settings)
    if member.away_since is not None:
        waits = f"no partitions assigned yet; wait, for {settings.join_seconds:.0f} s at most"
        return [*silent, waits, *stuck(member, settings)]
    owned = member.owned
    opening = [
        f"partition {number} is being restored; wait, for {settings.restore_seconds:.0f} s at most"
        for number, p in owned.items()
        if not p.is_open and not p.paused
    ]
    paused = [f"partition {number} is paused: {p.paused}" for number, p in owned.items() if p.paused]
    return silent + opening + paused + stuck(member, settings)


def _without_broker(member: Membership, settings: FoldSettings) -> list[str]:
    """Tell of a silence that lasts for a session: each heartbeat of a member is answered, many times in that."""
    answered_at = member.answered_at
    silent = 0.0 if answered_at is None else time.monotonic() - answered_at
    if silent <= settings.session_seconds:
        return []
    advice = "see that brokers run there, and run `txpush doctor`"
    return [f"no broker of {settings.bootstrap} has answered for {silent:.0f} s; {advice}"]
