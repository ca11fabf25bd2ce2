"""Fixtures that tests of all kinds share."""

from collections.abc import Iterator

import pytest

from streams.kafka.embedded import EmbeddedKafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[EmbeddedKafka]:
    """One real broker for the whole session, started by the first test that asks for it; use your own topics."""
    with EmbeddedKafka() as cluster:
        yield cluster
