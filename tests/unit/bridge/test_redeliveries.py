"""What a process of the bridge remembers of the deliveries it has stored."""

import hashlib

from streams.bridge.redeliveries import Redeliveries


def _id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_only_the_last_ones_are_remembered() -> None:
    """One that came again is among the last again; the oldest is forgotten first."""
    redeliveries = Redeliveries(remembered=3)
    assert [redeliveries.stored(_id(number)) for number in (1, 2, 3, 1, 4)] == [False, False, False, True, False]
    assert redeliveries.stored(_id(1))
    assert not redeliveries.stored(_id(2))
