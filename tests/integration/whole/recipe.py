"""A login that fails; and "How to Test Data Connect Fix" of the vendor's page: its seven steps in its words."""

from typing import Any, Protocol

from tests.integration.whole.canaries import OPENINGS
from tests.integration.whole.stack import Flow
from tests.waiting import until

FINBANK = "101732"
CHALLENGED = 185
ANSWER = "kite"
"""What the bank takes for the right picture."""

Command = dict[str, Any]


class Walk(Protocol):
    """Somebody who opens links, fills in forms and presses buttons, at our pages and at the vendor's."""

    async def open(self, link: str) -> str:
        """Open a link; gives the heading of the page."""

    async def press(self, button: str = "", **fields: str) -> str:
        """Fill fields in and press a button by its value, ours by none; gives the heading of the page then."""


async def connected(flow: Flow, username: str, bank: str = FINBANK, **changes: object) -> str:
    """Enrol a customer with a login that is subscribed to, changed as the sandbox can; give the customer."""
    customer, sandbox = await flow.api.enrol(), flow.whole.sandbox
    login = sandbox.add_login(customer, bank, username, "go", OPENINGS)
    sandbox.set_login(login.id, **changes)
    for account in sandbox.accounts_of(login.id):
        await flow.whole.txpush("subscribe", customer, account)
    return customer


async def broken(flow: Flow, username: str = "tfa_multi", *, bank: str = FINBANK, code: int = CHALLENGED) -> Command:
    """Enrol a customer with a login that fails; give the command that follows."""
    customer = await connected(flow, username, bank, **({} if code == CHALLENGED else {"trouble": code}))
    assert set(await flow.api.refresh(customer)) == {code}
    return await flow.whole.told(customer, "issue")


async def generate_a_data_connect_full_url(flow: Flow, customer: str) -> str:
    """1. Generate a Data Connect Full URL."""
    return await flow.api.link("", customerId=customer)


async def use_a_tfa_profile_at_finbank(walk: Walk, link: str) -> None:
    """2. Using the test bank Finbank, use one of the test profiles that begin with 'tfa' to recreate the error."""
    assert await walk.open(link) == "Connect your bank"
    assert await walk.press("choose", institution=FINBANK) == "Sign in to FinBank"
    await walk.press("sign_in", username="tfa_multi", password="go")  # noqa: S106 - everybody knows it
    assert await walk.press("answer", answer=ANSWER) == "Choose your accounts"


async def permission_an_account(flow: Flow, walk: Walk, customer: str) -> None:
    """3. Permission an account. We subscribe to it."""
    assert await walk.press("save") == "That worked"
    assert await walk.press("finish") == "You can close this window"
    accounts = await flow.api.accounts(customer)
    assert {one.get("aggregationStatusCode") for one in accounts} == {None}
    for account in accounts:
        await flow.whole.txpush("subscribe", customer, account["id"])


async def run_a_refresh(flow: Flow, customer: str) -> None:
    """4. Run a refresh. Accounts will then have a 185 status."""
    assert set(await flow.api.refresh(customer)) == {CHALLENGED}


async def gather_the_necessary_information_and_generate_a_fix_url(flow: Flow, walk: Walk, customer: str) -> Command:
    """5. Gather the necessary information and generate a Data Connect Fix URL: what the agent and the executor do."""
    command = await flow.whole.told(customer, "issue")
    assert (command["kind"], command["steps"]) == ("connect-fix", ["answer_challenge"])
    logins = {str(one["institutionLoginId"]) for one in await flow.api.accounts(customer)}
    assert {command["institution_login_id"]} == logins
    made = len(flow.whole.vendor.made)
    assert await walk.open(command["fix_url"]) == "Reconnect your bank account"
    assert len(flow.whole.vendor.made) == made
    assert await walk.press() == "One question from your bank"
    assert len(flow.whole.vendor.made) == made + 1
    return command


async def follow_data_connect_prompts(walk: Walk) -> None:
    """6. Follow Data Connect prompts and finish fixing accounts. A refresh will run on the accounts after that."""
    assert await walk.press("answer", answer=ANSWER) == "That worked"
    assert await walk.press("finish") == "Thank you"


async def gather_customer_accounts(flow: Flow, walk: Walk, customer: str, command: Command) -> None:
    """7. Gather customer accounts to check that accounts are in a 0 status. The command is complete."""
    done = await flow.whole.told(customer, "issue", "complete")
    assert done["command_id"] == command["command_id"]
    assert {one["aggregationStatusCode"] for one in await flow.api.accounts(customer)} == {0}
    await until(lambda: flow.whole.codes(customer) == {0})
    assert await walk.open(command["fix_url"]) == "Your connection works"


async def how_to_test_data_connect_fix(flow: Flow, walk: Walk) -> None:
    """Do all seven."""
    customer = await flow.api.enrol(firstName="planted-first-name", lastName="planted-last-name")
    link = await generate_a_data_connect_full_url(flow, customer)
    await use_a_tfa_profile_at_finbank(walk, link)
    await permission_an_account(flow, walk, customer)
    await run_a_refresh(flow, customer)
    command = await gather_the_necessary_information_and_generate_a_fix_url(flow, walk, customer)
    await follow_data_connect_prompts(walk)
    await gather_customer_accounts(flow, walk, customer, command)
