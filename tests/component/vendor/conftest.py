"""Fixtures of the tests of the vendor client."""

from collections.abc import AsyncIterator

import pytest

from tests.component.vendor.double import Client, Upstream, client_of, serving


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with serving() as vendor:
        yield vendor


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[Client]:
    async with client_of(upstream) as made:
        yield made
