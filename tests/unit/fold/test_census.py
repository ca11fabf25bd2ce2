"""The count of what stands where, kept while it is made, against counting everything afresh."""

from collections import Counter
from datetime import datetime
from typing import Any, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.commands import TicketCause
from schemas.state import (
    AccountState,
    EpisodeState,
    IncidentState,
    LoginState,
    OtpMark,
    Record,
    TicketState,
    replace,
)
from streams.agent.counting import ACCOUNTS, LOGINS
from streams.domain import Rules
from streams.fold.census import Census, Standings, Survey
from streams.fold.memory import MemoryTable
from streams.institutions.counting import INCIDENTS, TICKETS
from streams.observe.parts.business import AGENT_ACCOUNTS
from tests.unit.domain.build import RULES, SHIPPED
from tests.unit.fold.build import CUSTOMERS, HOUR, PARTITION, START, agent_world, looked
from tests.unit.fold.standing import standing

KEYS = "abcdefgh"


def standings(record: bytes, _rules: Rules) -> Standings:
    """Have a record counted by each of its bytes: as several things, as nothing where it is empty."""
    return tuple((name,) for name in record.decode())


BYTES = Survey(standings, lambda record: record)


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
    census = Census({table: BYTES}, PARTITION, RULES)
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
    census = Census({table_of(dict.fromkeys(KEYS, b"x")): BYTES}, PARTITION, RULES)
    assert [(census.look(3), census.counts["x",]) for _ in range(4)] == [(False, 3), (False, 6), (True, 8), (True, 8)]


def test_a_poll_that_does_not_stand_counts_for_nothing() -> None:
    """Moves are only looked at; what moves nothing is none."""
    table = table_of({"a": b"x", "b": b"y"})
    census = Census({table: BYTES}, PARTITION, RULES)
    census.look(9)
    moves = census.moves({table: {"a": b"y", "b": b"y", "c": None}})
    assert [move[1:] for move in moves] == [("a", (("x",),), (("y",),))]
    assert census.counts == Counter({("x",): 1, ("y",): 1})
    assert census.moves({}) == []


def test_nothing_is_kept_of_where_nobody_stands_any_more() -> None:
    """Labels that others choose, institutions for one, do not pile up as long as the process runs."""
    table = table_of({})
    census = Census({table: BYTES}, PARTITION, RULES)
    for place in (b"x", b"y", b"z", None):
        moves = census.moves({table: {"a": place}})
        table.apply(PARTITION, {"a": place})
        census.accept(moves)
    assert list(census.counts) == []


class Watched:
    """A record that notes which of its fields are looked at."""

    def __init__(self, record: object) -> None:
        self._record, self.fields = record, set[str]()

    def __getattr__(self, name: str) -> object:
        """Note it and give the field."""
        self.fields.add(name)
        return getattr(self._record, name)


AT = START
TICKET = TicketState("command", AT, AT, AT)
EPISODE = EpisodeState(AT, 1, "command", 0, 185, ("answer_challenge",), ("a1",))
UNRESPONSIVE = LoginState(episodes={"connect-fix": EPISODE}, schedule_at=AT, reminders_used=3)


@pytest.mark.parametrize(
    ("survey", "record"),
    [
        *(
            (ACCOUNTS, AccountState(AT, "102105", "L1", code, deleted_at=gone))
            for code in (None, 0, 185)
            for gone in (None, AT)
        ),
        *((LOGINS, login) for login in (LoginState(), UNRESPONSIVE, LoginState(remind_since=AT, otp=OtpMark(AT)))),
        *((TICKETS, replace(TICKET, drop_at=at)) for at in (None, AT)),
        *((INCIDENTS, IncidentState(1, AT, ticket)) for ticket in (None, TICKET)),
    ],
)
def test_nothing_else_of_a_record_is_looked_at(survey: Survey, record: Record) -> None:
    """A record that changes in other fields alone is passed by, so it must stand where it stood."""
    watched, compared = Watched(record), Watched(record)
    survey.standings(watched, SHIPPED)
    survey.seen(compared)
    assert watched.fields <= compared.fields


moments = st.sampled_from([AT, AT + HOUR])
times = st.none() | moments
episodes = st.builds(replace, st.just(EPISODE), sequence=st.integers(-1, 1), waiting_since=times, fixed_at=times)
tickets = st.builds(
    replace, st.just(TICKET), drop_at=times, cause=st.sampled_from(TicketCause), affected=st.integers(0)
)
OF_FIELDS: dict[type[Record], dict[str, st.SearchStrategy[Any]]] = {
    AccountState: {"code": st.sampled_from([None, 0, 185, 102, 169]), "deleted_at": times},
    LoginState: {
        "episodes": st.dictionaries(st.sampled_from(["connect-fix", "relink"]), episodes),
        "schedule_at": st.sampled_from([AT, AT, None]),
        "reminders_used": st.sampled_from([3, 0]),
        "remind_since": st.sampled_from([None, None, AT]),
    },
    TicketState: {"drop_at": times},
    IncidentState: {"ticket": st.none() | tickets},
}
"""What random values of a field would hardly ever come to."""


def any_of(kind: type[Record]) -> st.SearchStrategy[Any]:
    """Give records with anything in every field."""
    plain = {datetime: moments, datetime | None: times}
    hints = get_type_hints(kind).items()
    values = {name: plain[hint] if hint in plain else st.from_type(hint) for name, hint in hints}
    return st.builds(kind, **values | OF_FIELDS[kind])


@pytest.mark.parametrize(
    ("survey", "kind"),
    [(ACCOUNTS, AccountState), (LOGINS, LoginState), (TICKETS, TicketState), (INCIDENTS, IncidentState)],
    ids=["accounts", "logins", "tickets", "incidents"],
)
@given(st.data())
def test_alike_in_what_is_seen_stands_alike(survey: Survey, kind: type[Record], data: st.DataObject) -> None:
    """Whatever any other field changes to: such a record is passed by, and its place has to be where it was."""
    record, other = data.draw(any_of(kind)), data.draw(any_of(kind))
    for name in kind.__struct_fields__:
        changed = replace(record, **{name: getattr(other, name)})
        if survey.seen(changed) == survey.seen(record):
            assert survey.standings(changed, SHIPPED) == survey.standings(record, SHIPPED), name


def test_no_count_is_below_zero_while_a_partition_is_opened() -> None:
    """A record that moves before it is looked at is missing where it stood, and no more than that."""
    world = agent_world()
    world.hear(looked(CUSTOMERS[0], 185, START))
    world.restart()
    world.hear(looked(CUSTOMERS[0], 0, START + HOUR))
    assert [world.fold.standing(AGENT_ACCOUNTS.name, phase) for phase in ("customer_action", "healthy")] == [0, 1]
    assert [standing(world, "accounts", phase) for phase in ("customer_action", "healthy")] == [0, 1]
