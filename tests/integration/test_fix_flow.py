"""The vendor's flow as a whole, every process as it ships: a repair, processes that are away, and what leaks."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from streams.kafka.embedded import EmbeddedKafka
from streams.sandbox import Opening
from tests.integration.whole.person import heading
from tests.integration.whole.recipe import FINBANK, how_to_test_data_connect_fix
from tests.integration.whole.stack import Flow, Whole, flow_of, running
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

OPENINGS = (Opening("checking", "canary-account-name", 987654321.25, "canary-account-number-QzXyWv"),)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    with EmbeddedKafka() as kafka:
        async with running(kafka, tmp_path_factory.mktemp("whole")) as parts:
            yield parts


@pytest_asyncio.fixture(loop_scope="module")
async def flow(whole: Whole) -> AsyncIterator[Flow]:
    async with flow_of(whole) as opened:
        yield opened


async def test_how_to_test_data_connect_fix(flow: Flow) -> None:
    """The vendor page's own seven steps, with our link where it says to generate one."""
    await how_to_test_data_connect_fix(flow, flow.person)


# -- processes that are away


async def broken(flow: Flow, institution: str = FINBANK) -> tuple[str, dict[str, object]]:
    """Enrol a customer whose login fails with 185; give the customer and the command."""
    customer = await flow.api.enrol()
    login = flow.whole.sandbox.add_login(customer, institution, "tfa_multi", "go", OPENINGS)
    for account in flow.whole.sandbox.accounts_of(login.id):
        await flow.whole.txpush("subscribe", customer, account)
    assert set(await flow.api.refresh(customer)) == {185}
    return customer, await flow.whole.told(customer, "issue")


async def test_the_executor_is_killed_before_the_redirect(flow: Flow) -> None:
    """Between the link and the redirect: the customer sees nothing come, presses again, and it works."""
    customer, command = await broken(flow)
    link, vendor, executor = str(command["fix_url"]), flow.whole.vendor, flow.whole.parts["executor"]
    before, vendor.holds = len(vendor.made), asyncio.Event()
    pressing = asyncio.create_task(flow.person.post(link))
    await until(lambda: len(vendor.made) > before)
    executor.kill()
    with pytest.raises(httpx.TransportError):
        await pressing
    vendor.holds.set()
    vendor.holds = None
    executor.start()
    await executor.ready()
    assert await flow.person.repair(link) == "Thank you"
    await flow.whole.told(customer, "issue", "complete")
    assert len(vendor.made) == before + 2


async def test_the_bridge_is_down_while_a_link_is_made(flow: Flow) -> None:
    """The vendor's ping fails, so there is no link: the customer is asked to try again, and later it works."""
    customer, command = await broken(flow)
    link, bridge, before = str(command["fix_url"]), flow.whole.parts["bridge"], len(flow.whole.vendor.made)
    assert await bridge.stop() == 0
    page = await flow.person.post(link)
    assert (page.status_code, int(page.headers["retry-after"]) > 0) == (503, True)
    assert heading(page) == "Please try again in a moment"
    assert len(flow.whole.vendor.made) == before
    assert flow.whole.actions(customer) == ["issue"]
    bridge.start()
    await bridge.ready()
    assert await flow.person.repair(link) == "Thank you"
    await flow.whole.told(customer, "issue", "complete")
