"""Makes pytest 9 and mutmut 3.7 fit each other, and gives Hypothesis few and fixed examples; loaded with `-p`."""

import pytest
from hypothesis import settings

FEW = 15
"""Examples of a property: a mutant that a property alone would find takes hundreds of them, in every process."""


def pytest_configure() -> None:
    """Come after `tests/conftest.py`, which loads the profile of ordinary runs."""
    settings.register_profile("mutation", max_examples=FEW, derandomize=True, deadline=None)
    settings.load_profile("mutation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name each item the old way, too: mutmut reads it, pytest 9 has done without."""
    for item in items:
        vars(item)["_nodeid"] = item.nodeid
