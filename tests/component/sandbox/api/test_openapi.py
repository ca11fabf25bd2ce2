"""Every operation of the sandbox against the vendor's OpenAPI file; what differs is listed with its reason."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from streams.sandbox.visitor import Visitor
from tests.component.sandbox.api import openapi
from tests.component.sandbox.bench import CONNECT, TXPUSH, Bench

pytestmark = pytest.mark.skipif(not openapi.FILE.exists(), reason=openapi.MISSING)

V1, V2 = "/aggregation/v1/customers", "/aggregation/v2/customers"
DEVIATIONS = {
    r"\w+ 200: accountNickname is not declared": "the file requires it and does not describe it",
    r"\w+ 4\d\d: code: type 'object'": "the file says object where its own examples, and the vendor, have text",
    r"\w+: status 203 is not declared": "the vendor page: any call may meet a challenge (domain 3.5)",
    r"\w+: status 429 is not declared": "the file's body for too many requests, on any call (domain 3.3)",
    r"\w+: status (500|503) is not declared": "aggregation codes and outages come as these (domain 3.4)",
    r"\w+: status 413 is not declared": "our own limit",
}


def operations_of(bench: Bench) -> set[tuple[str, str]]:
    """Give method and path of every operation of the vendor that the sandbox answers."""
    return {
        (method, re.sub(r"\{[^}]+\}", "{}", route.path))
        for route in bench.sandbox.app.routes
        if isinstance(route, Route) and route.path not in {"/connect", "/connect/visits/{visit}"}
        for method in (route.methods or set()) - {"HEAD"}
    }


@pytest.fixture
async def judged(bench: Bench) -> AsyncIterator[list[str]]:
    """Collect what is not as the file has it, from every answer."""
    found: list[str] = []

    async def judge(response: httpx.Response) -> None:
        await response.aread()
        found.extend(openapi.read().problems(response))

    bench.api.event_hooks["response"].append(judge)
    yield found
    assert [one for one in found if not any(re.fullmatch(known, one) for known in DEVIATIONS)] == []


def test_the_judge_finds_faults() -> None:
    """A missing field, a wrong type, an unknown field, an undeclared status and an unknown path are seen."""
    request = httpx.Request("GET", f"http://sandbox{V1}/1/accounts/2/simple")
    body = {"id": 7, "surprise": True}
    faults = list(openapi.read().problems(httpx.Response(200, json=body, request=request)))
    assert "GetCustomerAccountSimple 200: id: type 'string'" in faults
    assert "GetCustomerAccountSimple 200: surprise is not declared" in faults
    assert any("required" in fault for fault in faults)
    undeclared = list(openapi.read().problems(httpx.Response(418, request=request)))
    assert undeclared == ["GetCustomerAccountSimple: status 418 is not declared"]
    nowhere = httpx.Request("GET", "http://sandbox/nowhere")
    assert list(openapi.read().problems(httpx.Response(200, request=nowhere))) == ["no operation GET /nowhere"]


def test_every_path_is_the_vendors(bench: Bench) -> None:
    """The sandbox makes up no operation."""
    assert operations_of(bench) <= {one.shape for one in openapi.read().operations}


@dataclass
class Tour:
    """Calls every operation once or more, and remembers which."""

    bench: Bench
    called: set[tuple[str, str]] = field(default_factory=set)

    async def call(self, method: str, path: str, status: int = 200, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Make a call and give the body of its answer."""
        answer = await self.bench.api.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        operation = openapi.read().operation(method, answer.request.url.path)
        assert operation is not None
        self.called.add(operation.shape)
        return answer.json() if answer.content else None

    async def partner_and_customers(self) -> str:
        """Give a customer."""
        credentials = {"partnerId": "sandbox-partner", "partnerSecret": "sandbox-secret-1"}
        authentication = "/aggregation/v2/partners/authentication"
        await self.call("POST", authentication, 200, credentials)
        await self.call("PUT", authentication, 204, {**credentials, "newPartnerSecret": "sandbox-secret-2"})
        await self.call("POST", f"{V2}/active", 201, {"username": "beatrice"})
        names = {"firstName": "Rosalind", "lastName": "Example", "email": "r@example.com", "phone": "1-801-984-4200"}
        customer = (await self.call("POST", f"{V2}/testing", 201, {"username": "rosalind", **names}))["id"]
        await self.call("GET", V1)
        await self.call("GET", f"{V1}/{customer}")
        await self.call("GET", "/institution/v2/institutions?search=fin")
        await self.call("GET", "/institution/v2/institutions/102105")
        return str(customer)

    async def accounts(self, customer: str, login: str, account: str) -> None:
        """Read accounts, before and after a refresh."""
        for refresh in (True, False):
            for path in (f"{V1}/{customer}/accounts", f"{V1}/{customer}/institutionLogins/{login}/accounts"):
                await self.call("GET", path)
                await self.call("GET", f"{path}/simple")
                if refresh:
                    await self.call("POST", path)
            await self.call("GET", f"{V2}/{customer}/accounts/{account}")
            await self.call("GET", f"{V1}/{customer}/accounts/{account}/simple")
        await self.call("GET", f"{V1}/{customer}/accounts/{account}/owner")

    async def txpush(self, path: str, customer: str) -> None:
        """Subscribe and end it."""
        made = await self.call("POST", f"{path}/txpush", 201, {"callbackUrl": TXPUSH})
        await self.call("DELETE", f"{V1}/{customer}/subscriptions/{made['subscriptions'][0]['id']}", 204)
        transaction = {"amount": -4.25, "description": "coffee", "transactionDate": 1_772_000_000}
        await self.call("POST", f"{path}/transactions", 201, transaction)
        await self.call("DELETE", f"{path}/txpush", 204)

    async def oauth(self, customer: str, login: str) -> None:
        """Move to OAuth, and repair that."""
        migrated = await self.call("PUT", f"{V2}/{customer}/institutionLogins/{login}/migration")
        assert migrated["accounts"][0]["aggregationStatusCode"] == 948
        more = {"institutionLoginId": login, "redirectUri": "https://app.example.com/", "singleUseUrl": True}
        link = {"partnerId": "sandbox-partner", "customerId": customer, "webhook": CONNECT, "webhookData": {"a": 1}}
        await self.call("POST", "/connect/v2/generate", 200, link)
        repair = (await self.call("POST", "/connect/v2/generate/fix", 200, {**link, **more}))["link"]
        async with httpx.AsyncClient(transport=self.bench.api._transport) as browser:
            visitor = Visitor(browser)
            await visitor.open(repair)
            await visitor.press("approve")
        await self.call("GET", f"/customers/institution-logins/{login}/authorization-details")
        await self.call("GET", f"{V1}/{customer}/accounts")


async def test_the_whole_api_in_one_tour(bench: Bench, judged: list[str]) -> None:
    """Each operation with success, in an order that makes sense: requests and answers are as the file has them."""
    tour = Tour(bench)
    customer = await tour.partner_and_customers()
    login = bench.sandbox.add_login(customer, "102105", "demo", "go").id
    first, second, _ = bench.sandbox.accounts_of(login)
    await tour.accounts(customer, login, first)
    await tour.txpush(f"{V1}/{customer}/accounts/{first}", customer)
    await tour.oauth(customer, login)
    await tour.call("DELETE", f"{V1}/{customer}/accounts/{second}", 204)
    await tour.call("DELETE", f"{V1}/{customer}/institutionLogins/{login}", 204)
    await tour.call("DELETE", f"{V1}/{customer}", 204)
    assert tour.called == operations_of(bench)
    assert judged


async def test_refusals_are_as_declared(bench: Bench, judged: list[str]) -> None:
    """Every sort of refusal has a declared status and body, but for what is listed."""
    customer, login = await bench.connected("demo")
    account = bench.sandbox.accounts_of(login)[0]
    api = bench.api
    for method, path, body in [
        ("POST", f"{V2}/testing", {}),
        ("POST", f"{V2}/testing", {"username": "x"}),
        ("POST", f"{V2}/testing", {"username": bench.sandbox.world.customers[customer].username}),
        ("GET", f"{V1}/1", None),
        ("GET", f"{V2}/{customer}/accounts/1", None),
        ("GET", f"{V1}/{customer}/institutionLogins/1/accounts", None),
        ("DELETE", f"{V1}/{customer}/subscriptions/1", None),
        ("POST", f"{V1}/{customer}/accounts/{account}/txpush", {"callbackUrl": "x"}),
        ("POST", f"{V1}/{customer}/accounts/{account}/transactions", {}),
        ("POST", "/connect/v2/generate/fix", {}),
        ("GET", "/institution/v2/institutions/1", None),
        ("GET", "/customers/institution-logins/1/authorization-details", None),
        ("POST", "/aggregation/v2/partners/authentication", {"partnerId": "x", "partnerSecret": "x"}),
    ]:
        answer = await api.request(method, path, json=body)
        assert answer.is_client_error, (method, path)
    for headers in ({"finicity-app-key": "x"}, {"finicity-app-token": "x"}):
        assert (await api.get(V1, headers=headers)).status_code == 401
    bench.sandbox.partner.expire_tokens()
    assert (await api.get(V1)).status_code == 401
    assert judged
    await bench.authenticate()


async def test_deviations_are_needed(bench: Bench) -> None:
    """A deviation that no answer shows any more comes off the list."""
    found: list[str] = []
    customer, login = await bench.connected("tfa_text")
    account = bench.sandbox.accounts_of(login)[0]
    answers = [
        await bench.api.get(f"{V1}/{customer}/accounts/{account}/owner"),
        await bench.api.get(f"{V1}/1"),
        await bench.api.get(f"{V1}/{customer}/accounts"),
    ]
    answers.append(await bench.api.post(f"{V2}/testing", content=b"x" * 100_000))
    for name in ("challenged", "throttled", "unavailable"):
        bench.sandbox.set_fault(name, times=1)
        answers.append(await bench.api.get(f"{V1}/{customer}/accounts"))
    for answer in answers:
        found += openapi.read().problems(answer)
    assert [known for known in DEVIATIONS if not any(re.fullmatch(known, one) for one in found)] == []
