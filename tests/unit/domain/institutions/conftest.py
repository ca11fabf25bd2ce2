"""A desk that hears signals, as every test of institutions begins."""

import pytest

from tests.unit.domain.institutions.build import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
