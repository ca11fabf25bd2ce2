"""A broker of a module's own."""

import asyncio
from collections.abc import Iterator

import pytest

from streams.kafka import applied, topics
from streams.kafka.embedded import EmbeddedKafka


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker with the topics of the contract: they and the agents' groups have fixed names."""
    with EmbeddedKafka() as kafka:
        asyncio.run(applied.apply(kafka.bootstrap, topics.EMBEDDED))
        yield kafka
