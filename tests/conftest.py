"""Fixtures that tests of all kinds share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from streams.kafka.embedded import EmbeddedKafka

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):  # a change must not fail, or pass, by chance
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def kafka() -> Iterator[EmbeddedKafka]:
    """One real broker for the whole session, started by the first test that asks for it; use your own topics."""
    with EmbeddedKafka() as cluster:
        yield cluster
