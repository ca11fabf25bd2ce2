"""A fold of either log with the real deciders."""

import pytest

from tests.unit.fold.build import World, agent_world, institution_world


@pytest.fixture
def agent() -> World:
    return agent_world()


@pytest.fixture
def institutions() -> World:
    return institution_world()
