"""The partner's app and the person at the pages, against a sandbox in memory and an executor that is made up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from streams.demo.stage.partner import APP_KEY, PARTNER_ID, SECRET, Partner
from streams.demo.stage.person import FINBANK, connect, repair
from streams.demo.stage.processes import DemoError
from streams.sandbox import Sandbox, SandboxSettings
from streams.testing.clock import VirtualClock

VENDOR, EXECUTOR = "http://vendor.example.com", "https://fix.example.com"
LINK = f"{EXECUTOR}/fix/token"


class Executor(httpx.AsyncBaseTransport):
    """Answers for our links, and hands all else to the sandbox and a listener that takes everything."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._vendor = httpx.ASGITransport(sandbox.app)
        self.button = "<button>Go on</button>"
        self.leads_to: str | None = None
        self.thanks = 200

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "vendor.example.com":
            return await self._vendor.handle_async_request(request)
        if request.url.host != "fix.example.com":
            return httpx.Response(200)
        if request.url.path.endswith("/done"):
            return httpx.Response(self.thanks)
        if request.method == "GET":
            return httpx.Response(200, text=self.button)
        return (
            httpx.Response(410) if self.leads_to is None else httpx.Response(303, headers={"location": self.leads_to})
        )


@pytest.fixture
def sandbox() -> Sandbox:
    settings = SandboxSettings(partner_id=PARTNER_ID, partner_secret=SECRET, app_key=APP_KEY)
    listener = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    return Sandbox(settings, VirtualClock(datetime(2026, 11, 1, tzinfo=UTC)), listener)


@pytest.fixture
def executor(sandbox: Sandbox) -> Executor:
    return Executor(sandbox)


@pytest.fixture
async def client(executor: Executor) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=executor) as client:
        yield client


@pytest.fixture
def partner(client: httpx.AsyncClient) -> Partner:
    return Partner(client, VENDOR)


async def challenged(partner: Partner, client: httpx.AsyncClient) -> str:
    """Connect a FinBank customer and refresh: 185."""
    customer = await partner.enrol("customer-of-finbank")
    await connect(client, await partner.connect_link(customer, "http://hooks.example.com/connect"))
    records = await partner.refresh(customer)
    assert [one["aggregationStatusCode"] for one in records] == [185, 185, 185]
    return customer


async def fix_link(client: httpx.AsyncClient, sandbox: Sandbox, customer: str) -> str:
    """Make the vendor's Fix link as our executor does."""
    sandbox_token = sandbox.partner.authenticate(PARTNER_ID, SECRET, sandbox.clock.now())
    (login,) = {one.institution_login_id for one in sandbox.truth()}
    body = {"partnerId": PARTNER_ID, "customerId": customer, "institutionLoginId": login, "redirectUri": f"{LINK}/done"}
    headers = {"finicity-app-key": APP_KEY, "finicity-app-token": sandbox_token}
    answer = await client.post(f"{VENDOR}/connect/v2/generate/fix", json=body, headers=headers)
    return str(answer.json()["link"])


async def test_a_person_connects_and_repairs(
    sandbox: Sandbox, executor: Executor, partner: Partner, client: httpx.AsyncClient
) -> None:
    """Every button of both pages is pressed, and the accounts work again after the refresh that follows."""
    customer = await challenged(partner, client)
    executor.leads_to = await fix_link(client, sandbox, customer)
    await repair(client, LINK)
    assert isinstance(sandbox.clock, VirtualClock)
    sandbox.clock.move_to(datetime(2026, 11, 1, 1, tzinfo=UTC))
    await sandbox.settle()
    assert set((await partner.codes(customer)).values()) == {0}
    assert {one["institutionId"] for one in await partner.accounts(customer)} == {FINBANK}


@pytest.mark.parametrize(
    ("button", "is_open", "thanks", "says"),
    [
        ("", True, 200, "The executor answered 200 to GET and 303 to POST of a link."),
        ("<button>", False, 200, "The executor answered 200 to GET and 410 to POST of a link."),
        ("<button>", True, 503, "did not lead back to a page of the executor"),
    ],
    ids=["no button", "not open", "no way back"],
)
async def test_a_page_that_is_not_as_it_should_be_ends_the_demo(  # noqa: PLR0917 - fixtures and cases
    sandbox: Sandbox,
    executor: Executor,
    partner: Partner,
    client: httpx.AsyncClient,
    button: str,
    is_open: bool,  # noqa: FBT001 - a case
    thanks: int,
    says: str,
) -> None:
    """It says which page, and how it answered."""
    customer = await challenged(partner, client)
    executor.button, executor.thanks = button, thanks
    executor.leads_to = await fix_link(client, sandbox, customer) if is_open else None
    with pytest.raises(DemoError, match=says):
        await repair(client, LINK)


async def test_a_page_without_the_button_ends_the_demo(
    sandbox: Sandbox, executor: Executor, partner: Partner, client: httpx.AsyncClient
) -> None:
    """The bank is in trouble, so the page asks nothing: the error says what the page has."""
    customer = await challenged(partner, client)
    executor.leads_to = await fix_link(client, sandbox, customer)
    sandbox.set_institution(FINBANK, trouble=102)
    with pytest.raises(DemoError, match="not as the story has it") as raised:
        await repair(client, LINK)
    assert "This cannot be done now" in raised.value.details


async def test_what_the_sandbox_refuses_ends_the_demo(partner: Partner) -> None:
    """With the call and the answer."""
    await partner.enrol("customer-of-finbank")
    with pytest.raises(DemoError, match="The sandbox answered 409 to POST /aggregation/v2/customers/testing") as raised:
        await partner.enrol("customer-of-finbank")
    assert "Username is not available" in raised.value.details


async def test_the_controls_are_asked_for(sandbox: Sandbox, partner: Partner) -> None:
    """A bank, a login with accounts, a code of one of them, a device's days and a fault."""
    bank = await partner.add_bank("Bank of the Demo")
    customer = await partner.enrol("customer-1")
    (account,) = await partner.add_login(customer, bank, [{"name": "Checking", "number": "40001", "balance": 1.5}])
    await partner.set_trouble(account, 103)
    assert [one["aggregationStatusCode"] for one in await partner.refresh(customer)] == [103]
    await partner.set_trouble(account, 0)
    assert [one["aggregationStatusCode"] for one in await partner.refresh(customer)] == [0]
    await partner.set_device_days(FINBANK, 2.0)
    await partner.set_fault("lost", times=3)
    assert sandbox.world.institutions.get(FINBANK).device_days == 2.0
    assert (sandbox.faults.wanted["lost"].times, sandbox.faults.wanted["lost"].path) == (3, "/txpush")  # type: ignore[index] # a StrEnum is its text
