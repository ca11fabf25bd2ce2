"""Any traffic, in any order of steps and faults: what is derived is what was recorded, and every message is told."""

import logging
from collections.abc import Iterator

import pytest

from streams.explain import Story
from streams.explain.story import Entry
from streams.kafka.topics import CUSTOMER_COMMANDS, LOOKUP
from streams.testing import Topology
from tests.topology import schedules
from tests.topology.inputs import CUSTOMERS
from tests.unit.explain.stories import screen, told

SEEDS, MANY = (0, 7), range(100)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def recorded(topology: Topology, customer: str) -> set[tuple[str, str]]:
    """Give topic and id of all messages about a customer."""
    return {
        (topic, dict(record.headers)["ce_id"].decode())
        for topic in (*CUSTOMER_COMMANDS, LOOKUP)
        for record in topology.read(topic)
        if record.key == customer.encode()
    }


def said(story: Story) -> set[tuple[str, str]]:
    """Give topic and id of all messages of a story."""
    return {(sent.topic, sent.message_id) for entry in story.entries for sent in entry.sent}


def is_of_lost_rules(entry: Entry) -> bool:
    """Tell a decision by shipped rules that no record has: an operator had put others before they were announced."""
    return any("a policy that the log does not have here" in one for one in entry.differs)


def is_forgotten(story: Story) -> bool:
    """Tell a story that names nobody, and so no command either."""
    return story.names == "hashed"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_derived_is_what_was_recorded(seed: int) -> None:
    """No entry differs, no message is left out or cannot be found, and the screen can be drawn."""
    check(seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_stories() -> None:
    """The same a hundred times."""
    for seed in MANY:
        check(seed)


def check(seed: int) -> None:
    """Compare the stories of a run's customers with what it has left."""
    topology = schedules.run(seed)
    for customer in CUSTOMERS:
        story = told(topology, customer_id=customer)
        differing = [entry.differs for entry in story.entries if entry.differs and not is_of_lost_rules(entry)]
        assert (seed, customer, differing) == (seed, customer, [])
        assert len(story.notes) == (story.differences > 0), (seed, customer)
        if not is_forgotten(story):
            assert said(story) == recorded(topology, customer), (seed, customer)
        assert len(screen(story)) >= len(story.entries)
