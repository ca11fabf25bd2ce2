"""Whether a worker is alive and ready, judged by the progress of its partitions."""

import time
from collections.abc import Mapping

from streams.transport.partition import OwnedPartition

STUCK_SECONDS = 60.0
"""A partition polls every half second and commits within seconds; a minute without either is no load, it is a fault."""


def stuck(owned: Mapping[int, OwnedPartition]) -> list[str]:
    """Give the partitions that have made no progress for a minute: the process should be replaced."""
    now = time.monotonic()
    return [
        f"partition {partition.number} has made no progress for {now - partition.progressed_at:.0f} s"
        for partition in owned.values()
        if partition.is_open and not partition.paused and now - partition.progressed_at > STUCK_SECONDS
    ]


def unready(owned: Mapping[int, OwnedPartition], *, joined: bool) -> list[str]:
    """Give what keeps a worker from doing all of its work."""
    if not joined:
        return ["no partitions assigned yet"]
    opening = [f"partition {number} is being restored" for number, p in owned.items() if not p.is_open and not p.paused]
    paused = [f"partition {number} is paused: {p.paused}" for number, p in owned.items() if p.paused]
    return opening + paused + stuck(owned)
