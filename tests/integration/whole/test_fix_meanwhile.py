"""What changed at the vendor while its webhooks were lost, and is found when a customer opens the link of a command."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from schemas.commands import Lookup, LookupAction
from streams.kafka.topics import LOOKUP
from streams.sandbox import Sandbox
from streams.sandbox.delivery.faults import FaultName
from tests.integration.whole.reading import look_up, write
from tests.integration.whole.recipe import FINBANK, broken
from tests.integration.whole.stack import Flow
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]


@asynccontextmanager
async def lost(sandbox: Sandbox) -> AsyncIterator[None]:
    """Lose every notification of what is done to an account meanwhile."""
    before = sandbox.faults.happened[FaultName.LOST]
    sandbox.set_fault(FaultName.LOST, path="/txpush")
    yield
    await sandbox.settle()
    assert sandbox.faults.happened[FaultName.LOST] > before
    sandbox.clear_faults()


async def test_a_login_that_moved(flow: Flow) -> None:
    """The link leads to a session for the present login, whose repair counts; the log hears of the move by it."""
    command = await broken(flow)
    customer, sandbox = command["customer_id"], flow.whole.sandbox
    present = sandbox.add_login(customer, FINBANK, "tfa_multi", "go", [])
    async with lost(sandbox):
        for account in command["account_ids"]:
            sandbox.move_account(account, present.id)
    await flow.person.open(command["fix_url"])
    assert await flow.person.press() == "One question from your bank"
    ended = await flow.whole.told(customer, "issue", "withdraw")
    assert (ended["command_id"], ended["withdraw_reason"]) == (command["command_id"], "superseded")
    await until(lambda: flow.whole.health[command["account_ids"][0]]["institution_login_id"] == present.id)
    await flow.person.press("answer", answer="kite")
    assert await flow.person.press("finish") == "Thank you"
    await until(lambda: flow.whole.codes(customer) == {0})


async def test_a_login_that_healed(flow: Flow) -> None:
    """The vendor says that nothing is needed: the command is withdrawn as healed, and nobody is reminded."""
    command = await broken(flow)
    customer, sandbox = command["customer_id"], flow.whole.sandbox
    failed_at = int(time.time())
    await until(lambda: time.time() >= failed_at + 1)  # attempts have whole seconds
    sandbox.set_login(command["institution_login_id"], device_until=sandbox.clock.now() + timedelta(days=60))
    async with lost(sandbox):
        assert set(await flow.api.refresh(customer)) == {0}
    assert flow.whole.actions(customer) == ["issue"]
    await flow.person.open(command["fix_url"])
    assert await flow.person.press() == "Nothing to do"
    assert await flow.person.press("exit") == "Thank you"
    ended = await flow.whole.told(customer, "issue", "withdraw")
    assert (ended["command_id"], ended["withdraw_reason"]) == (command["command_id"], "healed")


async def test_a_record_that_is_no_look_up(flow: Flow) -> None:
    """The executor sets it aside with the reason, and answers the next one."""
    whole, customer, before = flow.whole, "7000000999", len(flow.whole.letters)
    await write(whole.bootstrap, LOOKUP, [(customer, b'{"customer_id": "7000000999", "name": "Jane Doe"}', ())])
    await until(lambda: len(whole.letters) > before)
    letter = whole.letters[-1]
    assert (letter["reason"], letter["origin"].partition("/")[0]) == ("bad_data", LOOKUP)
    assert json.loads(letter["reduced"]) == {"customer_id": customer}
    asked = Lookup(action=LookupAction.VERIFY, customer_id=customer, institution_login_id="1", account_ids=())
    await look_up(whole.bootstrap, [asked])
    await whole.counts("executor", "txpush_executor_lookups_total", 1)
