"""A handful of the oracle's histories as tests: those on which project and oracle agree before anything is mutated."""

import pytest

from tests.oracle.judging import differing, differing_signals

SEEDS = range(40)
CUSTOMERS = [seed for seed in SEEDS if not differing(seed)]
INSTITUTIONS = [seed for seed in SEEDS if not differing_signals(seed)]


@pytest.mark.parametrize("seed", CUSTOMERS)
def test_customers(seed: int) -> None:
    """A history of customers comes out as the oracle says."""
    assert not differing(seed)


@pytest.mark.parametrize("seed", INSTITUTIONS)
def test_institutions(seed: int) -> None:
    """A history of an institution comes out as the oracle says."""
    assert not differing_signals(seed)
