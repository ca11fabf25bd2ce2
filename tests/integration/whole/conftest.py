"""Everything running at once, and a test's way through it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from streams.kafka.embedded import EmbeddedKafka
from tests.integration.whole.stack import Flow, Whole, flow_of, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """Give bridge, agents, executor and a vendor, on a broker of their own."""
    with EmbeddedKafka() as kafka:
        async with running(kafka, tmp_path_factory.mktemp("whole")) as parts:
            yield parts


@pytest_asyncio.fixture(loop_scope="module")
async def flow(whole: Whole) -> AsyncIterator[Flow]:
    """Give one test its way through them."""
    async with flow_of(whole) as opened:
        yield opened
