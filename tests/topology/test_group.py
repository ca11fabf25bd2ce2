"""A consumer group: eager rebalances, static members, sessions."""

from dataclasses import dataclass

from streams.testing.broker import Group, Word


@dataclass(eq=False)
class Stub:
    """A worker, as far as a group can tell."""

    instance: str
    silent_since: float | None = None


def joined(*names: str) -> tuple[Group, list[Stub]]:
    """Give a group of three partitions that has settled."""
    group, workers = Group(3, session_seconds=10), [Stub(name) for name in names]
    settle(group, workers)
    return group, workers


def settle(group: Group, workers: list[Stub]) -> None:
    """Let everybody join until there is nothing to hear; those that are silent hear nothing."""
    while told := [one for one in workers if one.silent_since is None and group.word(one) is not Word.FINE]:
        for worker in told:
            if group.word(worker) is Word.REJOIN:
                group.join(worker)
            elif group.word(worker) is Word.ASSIGNED:
                group.assignment(worker)


def test_partitions_are_dealt_out_in_turn() -> None:
    """Each to one member."""
    group, (a, b) = joined("a", "b")
    assert (group.assignment(a), group.assignment(b)) == ((0, 2), (1,))


def test_a_rebalance_waits_for_every_member() -> None:
    """Nobody gets a partition before all have given theirs up."""
    group, (a, b) = joined("a", "b")
    group.rebalance()
    assert (group.word(a), group.word(b)) == (Word.REJOIN, Word.REJOIN)
    group.join(a)
    assert group.word(a) is Word.FINE
    group.join(b)
    assert (group.word(a), group.word(b)) == (Word.ASSIGNED, Word.ASSIGNED)


def test_a_restarted_static_member_takes_up_its_own() -> None:
    """Nobody else hears of it, and its former self is fenced."""
    group, (a, b) = joined("a", "b")
    again = Stub("a")
    group.join(again)
    assert (group.word(again), group.word(b), group.word(a)) == (Word.ASSIGNED, Word.FINE, Word.FENCED)
    assert group.assignment(again) == (0, 2)
    assert not group.knows(a)


def test_a_silent_member_is_dropped_after_its_session() -> None:
    """Not before; then the others share its partitions, and it has to join anew when it wakes."""
    group, (a, b) = joined("a", "b")
    a.silent_since = 5.0
    group.expire(14.9)
    assert group.word(b) is Word.FINE
    group.expire(15.0)
    settle(group, [b])
    assert group.assignment(b) == (0, 1, 2)
    a.silent_since = None
    assert group.word(a) is Word.REJOIN


def test_a_rebalance_under_way_ends_when_the_silent_one_is_dropped() -> None:
    """The others do not wait for it for ever."""
    group, (a, b) = joined("a", "b")
    group.rebalance()
    a.silent_since = 0.0
    settle(group, [b])
    assert group.word(b) is Word.FINE
    group.expire(10.0)
    assert group.word(b) is Word.ASSIGNED
