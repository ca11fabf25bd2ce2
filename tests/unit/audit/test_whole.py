"""What the agents have written is whole, whatever the traffic; what is missing by right is said and is no fault."""

import random

import pytest

from streams.audit import telling
from streams.history import Place
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS, contract
from streams.testing import RandomFaults, Topology
from tests.topology.inputs import Inputs, catalogue, policies
from tests.unit.audit.tape import PARTITIONS, recorded, taken, verdict

TRIALS = 40


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_decided_is_whole(seed: int) -> None:
    """Every record of both logs is proven by a decision behind it or by the state, and every message is compared."""
    tape = recorded(seed)
    found = await verdict(tape)
    assert found.faults == ()
    assert list(telling.notes(found)) == []
    rows = list(telling.rows(found))
    assert all(row["records"] == row["proven"] for row in rows)
    decisions = sum(row["decisions"] for row in rows)
    assert (sum(row["records"] for row in rows), decisions) == (
        len(tape.there(EVENTS)) + len(tape.there(SIGNALS)),
        len(tape.there(AUDIT)),
    )
    assert telling.summary(found).startswith("whole: ")


async def test_deaths_and_zombies_leave_it_whole() -> None:
    """Aborted transactions and announcements that were told twice are no faults."""
    topology = Topology(
        partitions=PARTITIONS,
        workers=2,
        seed=7,
        faults=RandomFaults(),
        policy=policies()[0],
        catalogue=catalogue(),
    )
    with topology:
        sent = Inputs(topology, random.Random(7))  # noqa: S311 - a seeded input
        for _ in range(80):
            sent.send_one()
            topology.settle()
    assert topology.happened.kills
    assert (await verdict(taken(topology))).faults == ()


async def test_what_retention_has_removed_is_no_fault() -> None:
    """Wherever any of the topics begins: what cannot be proven any more is said."""
    whole, draw = recorded(), random.Random(3)  # noqa: S311 - a seeded input
    state = {topic.name for topic in contract() if topic.name.endswith("changelog")}
    for _ in range(TRIALS):
        tape = whole.copy()
        for place, records in tape.records.items():
            if place.topic not in state and draw.random() < 0.5:
                tape.begins[place] = draw.randrange(len(records) + 1)
        found = await verdict(tape)
        assert found.faults == (), tape.begins
        assert list(telling.notes(found)) != []


async def test_a_gap_in_what_is_kept_is_a_fault() -> None:
    """Though the beginning is gone by right."""
    tape = recorded()
    place = Place(EVENTS, 0)
    tape.begins[place] = 10
    tape.remove(place, 30)
    (fault,) = (await verdict(tape)).faults
    assert str(fault).startswith("missing: aggregation.events/0 at 30: a record was removed")


async def test_what_is_not_decided_yet_is_said() -> None:
    """A record behind what the state knows waits for the agent."""
    tape = recorded()
    place, record = tape.there(EVENTS)[0]
    tape.append(place, record)
    found = await verdict(tape)
    assert found.faults == ()
    assert [row["undecided"] for row in telling.rows(found)].count(1) == 1
    assert list(telling.notes(found)) == [
        f"{place}: 1 records are behind what the agent's state knows: not decided yet",
    ]
