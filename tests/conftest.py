"""Fixtures that tests of all kinds share."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from streams.kafka.embedded import EmbeddedKafka

settings.register_profile("quick", max_examples=30, derandomize=bool(os.environ.get("CI")), deadline=None)
settings.register_profile("thorough", max_examples=2000, derandomize=bool(os.environ.get("CI")), deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

gc.set_threshold(50_000)
"""Thousands of collected tests are walked by every full collection: a third of the unit tests' time."""

for _name in [name for name in os.environ if name.startswith("TXPUSH_") and name != "TXPUSH_CACHE_DIR"]:
    del os.environ[_name]  # settings of whoever runs the tests are not the tests' own


@pytest.fixture(scope="session")
def kafka() -> Iterator[EmbeddedKafka]:
    """One real broker for the whole session, started by the first test that asks for it; use your own topics."""
    with EmbeddedKafka() as cluster:
        yield cluster


def pytest_collection_finish() -> None:
    """Have the garbage collector pass by what was collected."""
    gc.freeze()
