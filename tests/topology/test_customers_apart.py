"""What one customer's records say and when they say it has no effect on another's commands and timers (section 4)."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Event, OverrideAction
from schemas.policy import Policy
from streams.kafka.topics import CUSTOMER_COMMANDS, LOOKUP
from tests.unit.fold.build import (
    ANY_SHARE,
    BANKS,
    CUSTOMERS,
    DAY,
    HOUR,
    MINUTE,
    PARTITION,
    START,
    World,
    agent_world,
    connected,
    deleted,
    forgotten,
    incident,
    looked,
    overridden,
    tick,
)

OURS, OTHER, *_ = CUSTOMERS
YEARS = 3650 * DAY

hours = st.integers(0, 24 * 20).map(lambda count: START + count * HOUR)
dates = st.none() | st.sampled_from([START - YEARS, START + YEARS, START + 30 * MINUTE]) | hours
codes = st.sampled_from([0, 185, 185, 103, 169, 102, 931, 777_777, None])


def of(customer: str) -> st.SearchStrategy[Event]:
    """Give any record of a customer, with any dates in it."""
    snapshots = st.builds(
        lambda code, at, account, attempt, end: looked(
            customer,
            code,
            at,
            account,
            aggregation_attempt_date=attempt,
            last_updated_date=attempt,
            authorization_end_date=end,
            authorization_expires=True,
        ),
        codes,
        hours,
        st.sampled_from(["a1", "a2"]),
        dates,
        dates,
    )
    deletions = st.builds(lambda at: deleted(customer, at), hours)
    fixes = st.builds(lambda at: connected(customer, "done", at), hours)
    silences = st.builds(
        lambda at, until: overridden(OverrideAction.SILENCE, at, customer, until=until), hours, st.none() | hours
    )
    return snapshots | snapshots | snapshots | deletions | fixes | silences


ticks = st.builds(tick, hours)
around = st.builds(
    lambda at, number, is_open: incident(at, 185, number, is_open=is_open), hours, st.integers(1, 4), st.booleans()
) | st.builds(lambda at, until: overridden(OverrideAction.SILENCE, at, all=True, until=until), hours, st.none() | hours)


def of_ours(world: World) -> list[tuple[str, bytes | None]]:
    """Give the commands and look-ups of our customer, topic by topic, in order."""
    topics = (*CUSTOMER_COMMANDS, LOOKUP)
    records = [(topic, one) for topic in topics for one in world.out.get((topic, PARTITION), [])]
    return [(topic, one.value) for topic, one in records if one.key == OURS.encode()]


def kept_of_ours(world: World) -> dict[str, bytes]:
    """Give the records of our customer in the agent's tables."""
    state = world.state()
    names = ("accounts", "logins", "customers")
    return {key: value for name in names for key, value in state[name].items() if key.partition("/")[0] == OURS}


def fold(events: list[Event]) -> tuple[list[tuple[str, bytes | None]], dict[str, bytes], datetime | None]:
    """Fold a log and give what is said, kept and due of our customer."""
    world = agent_world(Policy(dead_letter=ANY_SHARE))
    world.hear(*events)
    return of_ours(world), kept_of_ours(world), due_of_ours(world)


def due_of_ours(world: World) -> datetime | None:
    """Give the earliest timer of our customer."""
    timers = world.fold._books[PARTITION].timers
    return next((at for at, key in timers.due_by(START + 2 * YEARS) if key == OURS), None)


@settings(max_examples=30)
@given(st.lists(of(OURS) | ticks | around, min_size=1, max_size=15), st.lists(of(OTHER), max_size=15), st.data())
def test_customers_are_apart(ours: list[Event], others: list[Event], data: st.DataObject) -> None:
    """With another customer's records among them, the ticks being the same, ours are decided the same."""
    places = data.draw(st.lists(st.integers(0, len(ours)), min_size=len(others), max_size=len(others)))
    mixed = list(ours)
    for place, event in sorted(zip(places, others, strict=True), key=lambda one: -one[0]):
        mixed.insert(place, event)
    assert fold(mixed) == fold(ours)


@settings(max_examples=20)
@given(st.lists(of(OURS) | ticks, min_size=1, max_size=10), st.lists(of(OTHER), min_size=1, max_size=10))
def test_forgetting_another(ours: list[Event], others: list[Event]) -> None:
    """A customer who is forgotten leaves nothing that would concern another."""
    gone = forgotten(OTHER, START + 20 * DAY + HOUR)
    assert fold([*others, gone, *ours]) == fold(ours)


def test_a_date_in_the_future() -> None:
    """A record far ahead of all others moves its own customer's clock, and fires no timer of another's."""
    world = agent_world()
    world.hear(looked(OURS, 185, START), looked(OTHER, 0, START + timedelta(days=300), institution_id=BANKS[1]))
    assert due_of_ours(world) == START + DAY
    assert len(of_ours(world)) == 1
