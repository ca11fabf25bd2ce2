"""Fixtures of the state on disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.transport.local.keeper import StateKeeper
from tests.component.transport.local.build import ACCOUNTS, LOGINS, OFFSETS, STATE, written
from tests.component.transport.local.keeping import NOW_MS, STARTS, Heard, fresh, local


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the state, written twice."""
    written(tmp_path, STATE, {ACCOUNTS: {"3/c": b"three"}, LOGINS: {}})
    return tmp_path


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def kept(tmp_path: Path, heard: Heard) -> AsyncIterator[StateKeeper]:
    """A keeper that has found nothing and begun with the state."""
    made = StateKeeper(local(tmp_path, heard), 3)
    assert await made.find(STARTS, OFFSETS) is None
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    yield made
    await made.close()
