"""What is in hand: the group's offset stays before the first record that is not done."""

from streams.executor.lookups.hand import Hand
from streams.subscribe.core import Partition

ONE, TWO = Partition("remediation.lookup", 0), Partition("remediation.lookup", 1)


def hand_with(*offsets: int) -> Hand:
    """Give a hand with records of one partition."""
    hand = Hand()
    for offset in offsets:
        hand.take(ONE, offset)
    return hand


def test_done_in_order() -> None:
    """Each that is done moves the position on."""
    hand = hand_with(5, 6)
    assert hand.positions() == {ONE: 5}
    hand.done(ONE, 5)
    assert hand.positions() == {ONE: 6}
    hand.done(ONE, 6)
    assert hand.positions() == {ONE: 7}
    assert len(hand) == 0


def test_done_out_of_order() -> None:
    """What is done behind an open one is told once that one is done."""
    hand = hand_with(5, 6, 9)
    hand.done(ONE, 9)
    hand.done(ONE, 6)
    assert (hand.positions(), len(hand)) == ({ONE: 5}, 1)
    hand.done(ONE, 5)
    assert hand.positions() == {ONE: 10}


def test_partitions_are_apart() -> None:
    """An open record holds up its own partition only; one that is given up has no position."""
    hand = hand_with(5)
    hand.take(TWO, 3)
    hand.done(TWO, 3)
    assert hand.positions() == {ONE: 5, TWO: 4}
    hand.forget([ONE])
    assert hand.positions() == {TWO: 4}


def test_what_is_not_in_hand() -> None:
    """Being done with something given up changes nothing."""
    hand = hand_with(5)
    hand.forget([ONE, TWO])
    hand.done(ONE, 5)
    assert (hand.positions(), len(hand)) == ({}, 0)
