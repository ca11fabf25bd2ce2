"""The vendor's flow as a whole, every process as it ships: a repair, processes that are away, and what leaks."""

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from schemas.commands import Lookup, LookupAction
from streams.clock import WallClock
from streams.kafka.topics import EVENTS, INSTITUTIONS, changelog, contract
from streams.signatures import connect_signature
from tests.integration.whole.canaries import FREE_TEXT, found, leaks, misplaced, needles, post_all, report
from tests.integration.whole.person import heading
from tests.integration.whole.reading import everything, look_up, write
from tests.integration.whole.recipe import FINBANK, Command, broken, connected, how_to_test_data_connect_fix
from tests.integration.whole.stack import END_SECONDS, PARTNER_SECRET, PATH_TOKEN, Flow
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

INCIDENTS = {changelog(INSTITUTIONS, table) for table in ("incidents", "gatherings")}
"""Ids of logins and times alone, and it takes twenty customers to have one."""
SEARCHED = {topic.name for topic in contract()} - INCIDENTS
"""Each of them has to have records: an empty topic shows nothing."""
BY = ("--by", "ann", "--reason", "asked for it")


async def test_how_to_test_data_connect_fix(flow: Flow) -> None:
    """The vendor page's own seven steps, with our link where it says to generate one."""
    await how_to_test_data_connect_fix(flow, flow.person)


# -- processes that are away


async def test_the_executor_is_killed_before_the_redirect(flow: Flow) -> None:
    """Between the link and the redirect: the customer sees nothing come, presses again, and it works."""
    command = await broken(flow)
    customer = command["customer_id"]
    link, vendor, executor = command["fix_url"], flow.whole.vendor, flow.whole.parts["executor"]
    before, vendor.holds = len(vendor.made), asyncio.Event()
    pressing = asyncio.create_task(flow.person.post(link))
    await until(lambda: len(vendor.made) > before)
    executor.kill()
    with pytest.raises(httpx.TransportError):
        await pressing
    vendor.holds.set()
    vendor.holds = None
    executor.start()
    await asyncio.to_thread(executor.until_ready)
    assert await flow.person.repair(link) == "Thank you"
    await flow.whole.told(customer, "issue", "complete")
    assert len(vendor.made) == before + 2


@pytest.mark.slow
async def test_the_bridge_is_down_while_a_link_is_made(flow: Flow) -> None:
    """The vendor's ping fails, so there is no link: the customer is asked to try again, and later it works."""
    command = await broken(flow)
    customer = command["customer_id"]
    link, bridge, before = command["fix_url"], flow.whole.parts["bridge"], len(flow.whole.vendor.made)
    assert await asyncio.to_thread(bridge.stop, END_SECONDS) == 0
    page = await flow.person.post(link)
    assert (page.status_code, int(page.headers["retry-after"]) > 0) == (503, True)
    assert heading(page) == "Please try again in a moment"
    assert len(flow.whole.vendor.made) == before
    assert flow.whole.actions(customer) == ["issue"]
    bridge.start()
    await asyncio.to_thread(bridge.until_ready)
    assert await flow.person.repair(link) == "Thank you"
    await flow.whole.told(customer, "issue", "complete")


# -- events of Data Connect that are no repair of the command


async def fix_event(flow: Flow, customer: str, at: float, command_id: str | None = None) -> None:
    """Post a `done` of a time, signed as the vendor does; without a command it names the customer alone."""
    body = {"customerId": customer, "eventType": "done", "eventId": f"{int(at * 1000)}-{'0' * 24}", "payload": {}}
    if command_id is not None:
        body["webhookData"] = {"command_id": command_id}
    content = json.dumps(body).encode()
    url = f"{flow.whole.bridge_url}/{PATH_TOKEN}/connect"
    headers = {"content-type": "application/json", "x-finicity-signature": connect_signature(PARTNER_SECRET, content)}
    assert (await flow.person.browser.post(url, content=content, headers=headers)).status_code == httpx.codes.OK


async def another_second() -> None:
    """Wait for one: attempts have whole seconds, and the second one in a second is no news."""
    last = int(time.time())
    await until(lambda: time.time() >= last + 1)


async def closed_as(flow: Flow, command: Command, trouble: int | None) -> str:
    """Have the bank give another code; give why the command was withdrawn."""
    customer = command["customer_id"]
    await another_second()
    flow.whole.sandbox.set_login(command["institution_login_id"], trouble=trouble)
    assert await flow.api.refresh(customer) == [trouble or 0]
    return str((await flow.whole.told(customer, "issue", "withdraw", kind="connect-fix"))["withdraw_reason"])


@pytest.mark.slow
async def test_weak_late_and_superseded(flow: Flow) -> None:
    """No evidence: an event of the customer alone, one from before the last success; and one before another failure."""
    weak = await broken(flow, "demo", code=103)
    await fix_event(flow, weak["customer_id"], time.time())
    assert await closed_as(flow, weak, None) == "healed"

    customer = await connected(flow, "demo")
    before_the_success = time.time() - 60
    assert await flow.api.refresh(customer) == [0]
    (login,) = {str(one["institutionLoginId"]) for one in await flow.api.accounts(customer)}
    flow.whole.sandbox.set_login(login, trouble=103)
    await another_second()
    assert await flow.api.refresh(customer) == [103]
    late = await flow.whole.told(customer, "issue")
    await fix_event(flow, customer, before_the_success, late["command_id"])
    assert await closed_as(flow, late, None) == "healed"

    replaced = await broken(flow, "demo", code=103)
    await fix_event(flow, replaced["customer_id"], time.time(), replaced["command_id"])
    assert await closed_as(flow, replaced, 949) == "superseded"


# -- what leaks


async def challenged_again(flow: Flow, customer: str) -> None:
    """Have the bank ask again."""
    await another_second()
    assert await flow.api.refresh(customer) == [185]


async def relapse(flow: Flow, customer: str, login: str) -> None:
    """Have the bank ask again, and the customer answer in a session that no command of ours has led to."""
    await challenged_again(flow, customer)
    await until(lambda: flow.whole.codes(customer) == {185})
    link = await flow.api.link(
        "/fix",
        customerId=customer,
        institutionLoginId=login,
        webhook=f"{flow.whole.bridge_url}/{PATH_TOKEN}/connect",
        webhookData={"planted": FREE_TEXT},
    )
    await flow.person.open(link)
    await flow.person.press("answer", answer="planted-passcode")
    await flow.person.press("finish")
    await until(lambda: flow.whole.codes(customer) == {0})


async def the_story(flow: Flow) -> None:
    """From the first challenge to the bank that asks for a passcode at every login."""
    bank = flow.whole.sandbox.add_institution("Planted Bank", otp=True)
    command = await broken(flow, bank=bank.id)
    customer = command["customer_id"]
    await flow.person.open(command["fix_url"])
    await flow.person.press()
    await flow.person.press("answer", answer="fail")
    await flow.whole.told(customer, "issue", "update")
    await flow.person.press("answer", answer="planted-passcode")
    assert await flow.person.press("finish") == "Thank you"
    await flow.whole.told(customer, "issue", "update", "complete")
    await relapse(flow, customer, command["institution_login_id"])
    await challenged_again(flow, customer)
    escalation = await flow.whole.told(customer, "issue", kind="otp-escalation")
    assert await flow.person.repair(escalation["fix_url"]) == "Thank you"


async def every_kind(flow: Flow) -> None:
    """Have a message of each kind that the story has not: link anew, a duplicate, a consent that ends, a ticket."""
    await broken(flow, code=949)
    await broken(flow, code=169)
    bank = flow.whole.sandbox.add_institution("Planted OAuth", oauth=True)
    soon = WallClock().now() + timedelta(days=5)
    customer = await connected(flow, "demo", bank.id, consent_until=soon)
    assert await flow.api.refresh(customer) == [0]
    await flow.whole.told(customer, "issue", kind="consent-renewal")
    assert await flow.api.refresh(await connected(flow, "demo", trouble=906)) == [906]
    await until(lambda: len(flow.whole.tickets) > 0)


async def unreadable_answers(flow: Flow, command: Command) -> None:
    """Ask the executor what a customer and the agent ask, with answers of the vendor that cannot be read at first."""
    customer, (account,) = command["customer_id"], command["account_ids"]
    flow.whole.vendor.spoilt = {
        "/simple": json.dumps({"id": account, "customerId": FREE_TEXT, "name": FREE_TEXT}).encode(),
        "/accounts": b'{"accounts": [{"name": "planted"',
        "/generate/fix": json.dumps({"link": "planted://link", "planted": FREE_TEXT}).encode(),
    }
    assert (await flow.person.post(command["fix_url"])).status_code == 503
    login = command["institution_login_id"]
    both = [
        Lookup(action=action, customer_id=customer, institution_login_id=login, account_ids=(account,))
        for action in LookupAction
    ]
    await look_up(flow.whole.bootstrap, both)
    await flow.whole.counts("executor", "txpush_executor_lookup_retries_total", 2)
    flow.whole.vendor.spoilt = {}
    await look_up(flow.whole.bootstrap, both)
    await flow.whole.counts("executor", "txpush_executor_observations_total", 2)


@pytest.mark.slow
async def test_nothing_secret_comes_out(flow: Flow, tmp_path: Path) -> None:
    """No secret, link, name, number or balance in logs, metrics, pages, topics or dead letters, whatever is sent."""
    await the_story(flow)
    await every_kind(flow)
    command = await broken(flow)
    customer = command["customer_id"]
    (account,), link = command["account_ids"], command["fix_url"]
    await unreadable_answers(flow, command)
    await post_all(flow.whole, flow.person.browser, customer, account)
    await report(flow.whole, flow.person.browser, customer, account)
    for forged in (f"{flow.whole.settings['TXPUSH_LINK_URL']}/fix/{FREE_TEXT}", f"{link}planted"):
        assert (await flow.person.look(forged)).status_code == 404
        assert (await flow.person.post(forged)).status_code == 404
    await flow.whole.txpush("vendor", "show")
    report_file = tmp_path / "report.json"
    await flow.whole.txpush("sweep", "--report", str(report_file))
    flow.whole.said.append(report_file.read_text())
    await flow.whole.txpush("override", "silence", "--institution", FINBANK, "--until", "1h", "--yes", *BY)
    await flow.whole.txpush("unsubscribe", customer, account)
    await flow.whole.txpush("forget", customer, "--yes", *BY)
    before, now = len(flow.whole.letters), WallClock().now()
    await write(flow.whole.bootstrap, EVENTS, strangers := misplaced(customer, now), now)
    await until(lambda: len(flow.whole.letters) == before + len(strangers))
    await flow.whole.scrape()
    redirects = "".join(page.headers.get("location", "") for page in flow.whole.pages)
    assert found(redirects.encode(), needles(flow.whole))
    stored = await everything(flow.whole.bootstrap)
    assert {record.topic for record in stored} >= SEARCHED
    assert leaks(flow.whole, stored) == []
