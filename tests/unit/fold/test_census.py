"""The count of what stands where, kept while it is made, against counting everything afresh."""

from collections import Counter
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from streams.domain import Rules
from streams.fold.census import Census, Standings
from streams.fold.memory import MemoryTable
from streams.observe.parts.business import AGENT_ACCOUNTS
from tests.unit.domain.build import RULES
from tests.unit.fold.build import CUSTOMERS, HOUR, PARTITION, START, agent_world, looked
from tests.unit.fold.standing import standing

KEYS = "abcdefgh"


def standings(record: bytes, _rules: Rules) -> Standings:
    """Have a record counted by each of its bytes: as several things, as nothing where it is empty."""
    return tuple((name,) for name in record.decode())


def table_of(values: dict[str, bytes]) -> MemoryTable:
    """Give a table with these records."""
    table = MemoryTable("records", "records-changelog")
    table.take(PARTITION, values)
    return table


def counted(table: MemoryTable) -> Counter[Any]:
    """Count afresh."""
    return Counter(one for value in table.partition(PARTITION).values() for one in standings(value, RULES))


records = st.sampled_from([b"", b"x", b"y", b"xy"])
looks = st.integers(0, 3)
polls = st.tuples(looks, st.dictionaries(st.sampled_from(KEYS), st.none() | records, max_size=4), looks)


@given(st.dictionaries(st.sampled_from(KEYS), records), st.lists(polls, max_size=12))
@example({"a": b"x"}, [(0, {"a": b"y"}, 0), (0, {"a": b"xy"}, 0)])  # moved twice before it is looked at
def test_it_is_the_same_however_it_is_made(
    values: dict[str, bytes], polls: list[tuple[int, dict[str, bytes | None], int]]
) -> None:
    """Whatever polls change before, while and after records are looked at, between decision and commit, too."""
    table = table_of(dict(values))
    census = Census({table: standings}, PARTITION, RULES)
    for before, changes, between in polls:
        census.look(before)
        moves = census.moves({table: changes})
        census.look(between)
        table.apply(PARTITION, changes)
        census.accept(moves)
    while not census.look(2):
        pass
    assert +census.counts == counted(table)


def test_it_is_made_in_slices() -> None:
    """So many records at a time, and it says when there are no more."""
    census = Census({table_of(dict.fromkeys(KEYS, b"x")): standings}, PARTITION, RULES)
    assert [(census.look(3), census.counts["x",]) for _ in range(4)] == [(False, 3), (False, 6), (True, 8), (True, 8)]


def test_a_poll_that_does_not_stand_counts_for_nothing() -> None:
    """Moves are only looked at; what moves nothing is none."""
    table = table_of({"a": b"x", "b": b"y"})
    census = Census({table: standings}, PARTITION, RULES)
    census.look(9)
    moves = census.moves({table: {"a": b"y", "b": b"y", "c": None}})
    assert [move[1:] for move in moves] == [("a", (("x",),), (("y",),))]
    assert census.counts == Counter({("x",): 1, ("y",): 1})
    assert census.moves({}) == []


def test_nothing_is_kept_of_where_nobody_stands_any_more() -> None:
    """Labels that others choose, institutions for one, do not pile up as long as the process runs."""
    table = table_of({})
    census = Census({table: standings}, PARTITION, RULES)
    for place in (b"x", b"y", b"z", None):
        moves = census.moves({table: {"a": place}})
        table.apply(PARTITION, {"a": place})
        census.accept(moves)
    assert list(census.counts) == []


def test_no_count_is_below_zero_while_a_partition_is_opened() -> None:
    """A record that moves before it is looked at is missing where it stood, and no more than that."""
    world = agent_world()
    world.hear(looked(CUSTOMERS[0], 185, START))
    world.restart()
    world.hear(looked(CUSTOMERS[0], 0, START + HOUR))
    assert [world.fold.standing(AGENT_ACCOUNTS.name, phase) for phase in ("customer_action", "healthy")] == [0, 1]
    assert [standing(world, "accounts", phase) for phase in ("customer_action", "healthy")] == [0, 1]
