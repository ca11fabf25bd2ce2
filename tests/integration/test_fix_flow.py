"""The vendor's flow as a whole, every process as it ships: a repair, processes that are away, and what leaks."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from streams.kafka.embedded import EmbeddedKafka
from streams.sandbox import Opening
from streams.sandbox.visitor import Visitor
from tests.integration.whole.stack import Flow, Whole, flow_of, running
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

FINBANK = "101732"
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


# -- "How to Test Data Connect Fix", the vendor's page about aggregation status codes


async def generate_a_data_connect_full_url(flow: Flow, customer: str) -> str:
    """1. Generate a Data Connect Full URL."""
    return await flow.api.link("", customerId=customer)


async def use_a_tfa_profile_at_finbank(flow: Flow, link: str) -> Visitor:
    """2. Using the test bank Finbank, use one of the test profiles that begin with 'tfa' to recreate the error."""
    visitor = Visitor(flow.person.browser)
    await visitor.open(link)
    await visitor.press("choose", institution=FINBANK)
    await visitor.press("sign_in", username="tfa_multi", password="go")  # noqa: S106 - everybody knows it
    await visitor.press("answer", answer="kite")
    return visitor


async def permission_an_account(flow: Flow, visitor: Visitor, customer: str) -> None:
    """3. Permission an account. We subscribe to it."""
    await visitor.press("save", account="0")
    await visitor.press("finish")
    (account,) = await flow.api.accounts(customer)
    assert "aggregationStatusCode" not in account
    await flow.whole.txpush("subscribe", customer, account["id"])


async def run_a_refresh(flow: Flow, customer: str) -> None:
    """4. Run a refresh. Accounts will then have a 185 status."""
    assert await flow.api.refresh(customer) == [185]


async def gather_the_necessary_information_and_generate_a_fix_url(
    flow: Flow, customer: str
) -> tuple[Visitor, dict[str, object]]:
    """5. Gather the necessary information and generate a Data Connect Fix URL. The agent and the executor do."""
    command = await flow.whole.told(customer, "issue")
    assert (command["kind"], command["steps"]) == ("connect-fix", ["answer_challenge"])
    (account,) = await flow.api.accounts(customer)
    assert command["institution_login_id"] == str(account["institutionLoginId"])
    page = await flow.person.look(command["fix_url"])
    assert (page.status_code, flow.whole.vendor.made) == (200, flow.whole.vendor.made[:1])
    visitor, question = await flow.person.visit(command["fix_url"])
    assert "answer" in question.buttons
    return visitor, command


async def follow_data_connect_prompts(flow: Flow, visitor: Visitor) -> None:
    """6. Follow Data Connect prompts and finish fixing accounts. A refresh will run on the accounts after that."""
    await visitor.press("answer", answer="kite")
    left = (await visitor.press("finish")).left_to
    page = await flow.person.look(str(left))
    assert (page.status_code, "Thank you" in page.text) == (200, True)


async def gather_customer_accounts(flow: Flow, customer: str, command: dict[str, object]) -> None:
    """7. Gather customer accounts to check that accounts are in a 0 status. The command is complete."""
    done = await flow.whole.told(customer, "issue", "complete")
    assert done["command_id"] == command["command_id"]
    assert [one["aggregationStatusCode"] for one in await flow.api.accounts(customer)] == [0]
    await until(lambda: flow.whole.codes(customer) == {0})
    page = await flow.person.press(str(command["fix_url"]))
    assert (page.status_code, "Your connection works" in page.text) == (410, True)


async def test_how_to_test_data_connect_fix(flow: Flow) -> None:
    """The page's own seven steps, with our link where it says to generate one."""
    customer = await flow.api.enrol(firstName="canary-first-name", lastName="canary-last-name")
    link = await generate_a_data_connect_full_url(flow, customer)
    visitor = await use_a_tfa_profile_at_finbank(flow, link)
    await permission_an_account(flow, visitor, customer)
    await run_a_refresh(flow, customer)
    session, command = await gather_the_necessary_information_and_generate_a_fix_url(flow, customer)
    await follow_data_connect_prompts(flow, session)
    await gather_customer_accounts(flow, customer, command)


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
    pressing = asyncio.create_task(flow.person.press(link))
    await until(lambda: len(vendor.made) > before)
    executor.kill()
    with pytest.raises(httpx.TransportError):
        await pressing
    vendor.holds.set()
    vendor.holds = None
    executor.start()
    await executor.ready()
    page = await flow.person.repair(link)
    assert "Thank you" in page.text
    await flow.whole.told(customer, "issue", "complete")
    assert len(vendor.made) == before + 2


async def test_the_bridge_is_down_while_a_link_is_made(flow: Flow) -> None:
    """The vendor's ping fails, so there is no link: the customer is asked to try again, and later it works."""
    customer, command = await broken(flow)
    link, bridge, before = str(command["fix_url"]), flow.whole.parts["bridge"], len(flow.whole.vendor.made)
    assert await bridge.stop() == 0
    page = await flow.person.press(link)
    assert (page.status_code, int(page.headers["retry-after"]) > 0) == (503, True)
    assert "Please try again in a moment" in page.text
    assert len(flow.whole.vendor.made) == before
    assert flow.whole.actions(customer) == ["issue"]
    bridge.start()
    await bridge.ready()
    await flow.person.repair(link)
    await flow.whole.told(customer, "issue", "complete")
