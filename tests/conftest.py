"""Fixtures that tests of all kinds share."""

import gc
import logging
import os
from collections.abc import Generator, Iterator

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


LOGGERS = ("", "streams", "schemas", "aiokafka")
"""Whose levels a process of ours sets, and so does a test that runs one in its own process."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Have no test hear less of the log than it would alone."""
    levels = [logging.getLogger(name).level for name in LOGGERS]
    try:
        return (yield)
    finally:
        for name, level in zip(LOGGERS, levels, strict=True):
            logging.getLogger(name).setLevel(level)
