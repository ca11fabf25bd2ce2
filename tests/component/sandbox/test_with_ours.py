"""The sandbox between our own client and our own bridge, which enforces signatures: neither finds fault with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from streams.bridge.checks import Signing
from streams.observe.metrics import Instruments
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.visitor import Visitor
from streams.signatures import Strategy
from streams.testing.clock import VirtualClock
from streams.vendor import MemoryGate, Vendor, VendorMeters, VendorSettings
from streams.vendor.errors import AggregationFailedError, GoneError, RefusedError, StaleLoginError, TryAgainError
from streams.vendor.records import FixRequest
from tests.component.sandbox.bench import START
from tests.component.vendor.double import HandTiming
from tests.unit.bridge.bench import CONNECT, SETTINGS, TXPUSH, bench_with
from tests.unit.bridge.bench import Bench as BridgeBench
from tests.unit.bridge.signed import SEALING_KEY, Known

HERE = "http://127.0.0.1:8080"


@dataclass
class Whole:
    """Client, sandbox and bridge."""

    sandbox: Sandbox
    vendor: Vendor
    bridge: BridgeBench
    keys: Known

    def stored(self) -> list[str]:
        """Give the types of the events in the log."""
        return [dict(record.headers)["ce_type"].decode() for record in self.bridge.log.records]


@asynccontextmanager
async def client_of(sandbox: Sandbox, clock: VirtualClock, secret: str) -> AsyncIterator[Vendor]:
    """Give a client of the sandbox whose waits are over at once."""
    usual = sandbox.settings
    settings = VendorSettings(
        *("http://sandbox", SecretStr(usual.app_key), usual.partner_id, SecretStr(secret)),
        per_second=1000,
        institution_per_second=1000,
    )
    meters = VendorMeters(Instruments("vendor", CollectorRegistry()))
    transport, gate = httpx.ASGITransport(sandbox.app), MemoryGate()
    async with gate, Vendor(settings, gate, clock, meters, timing=HandTiming().timing, transport=transport) as vendor:
        yield vendor


@asynccontextmanager
async def whole(strategy: Strategy = Strategy.CONCAT_HEX) -> AsyncIterator[Whole]:
    """Put everything together."""
    usual, clock, keys = SandboxSettings(signature_strategy=strategy), VirtualClock(START), Known()
    signing = Signing(
        host="127.0.0.1:8080",
        partner_secrets=(usual.partner_secret,),
        sealing_keys=(SEALING_KEY,),
        strategy=strategy,
    )
    async with bench_with(replace(SETTINGS, signing=signing), keys) as bridge:
        webhooks = httpx.AsyncClient(transport=httpx.ASGITransport(bridge.app))
        sandbox = Sandbox(usual, clock, webhooks)
        async with client_of(sandbox, clock, usual.partner_secret) as vendor:
            yield Whole(sandbox, vendor, bridge, keys)


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_the_whole_way_round(strategy: Strategy) -> None:
    """Subscribe, fail, look up, repair over the page, be healed: every event is in the bridge's log, in order."""
    async with whole(strategy) as flow:
        customer = flow.sandbox.add_customer()
        login = flow.sandbox.add_login(customer, "102105", "tfa_multi", "go").id
        account, *_ = flow.sandbox.accounts_of(login)
        subscriptions = await flow.vendor.subscribe(customer, account, HERE + TXPUSH)
        keys = {one.class_name: one.signing_key.get_secret_value() for one in subscriptions}
        flow.keys.subscribe(account, keys["account"], customer_id=customer)
        flow.sandbox.refresh(login)
        await flow.sandbox.settle()
        assert (await flow.vendor.account(customer, account)).aggregation_status_code == 185

        request = FixRequest(customer, login, webhook=HERE + CONNECT, webhook_data={"command_id": "c"})
        link = await flow.vendor.fix_url(request)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(flow.sandbox.app)) as browser:
            visitor = Visitor(browser)
            await visitor.open(link.get_secret_value())
            await visitor.press("answer", answer="kite")
            await visitor.press("finish")
        await flow.sandbox.settle()
        flow.sandbox.refresh(login)
        await flow.sandbox.settle()
        assert flow.stored() == [
            "txpush.account.modified",
            *(f"connect.{name}" for name in ("started", "mfa", "credentialsUpdated", "done")),
            "txpush.account.modified",
        ]
        accounts = await flow.vendor.login_accounts(customer, login)
        assert [one.aggregation_status_code for one in accounts] == [0, 0, 0]


async def test_a_wrong_signature_is_refused_and_comes_again() -> None:
    """The bridge keeps it out; half an hour later it comes with the right one."""
    async with whole() as flow:
        customer = flow.sandbox.add_customer()
        login = flow.sandbox.add_login(customer, "102105", "tfa_multi", "go").id
        account, *_ = flow.sandbox.accounts_of(login)
        (of_account, _) = await flow.vendor.subscribe(customer, account, HERE + TXPUSH)
        flow.keys.subscribe(account, of_account.signing_key.get_secret_value(), customer_id=customer)
        flow.sandbox.set_fault("wrong_signature")
        flow.sandbox.refresh(login)
        await flow.sandbox.settle()
        assert flow.stored() == []
        assert not flow.sandbox.tried()[-1].acknowledged
        await flow.sandbox.advance(timedelta(minutes=30))
        assert flow.stored() == ["txpush.account.modified"]


async def test_the_client_reads_every_refusal() -> None:
    """What the sandbox refuses is the error that the client has for it."""
    async with whole() as flow:
        customer = flow.sandbox.add_customer()
        login = flow.sandbox.add_login(customer, "102105", "tfa_multi", "go").id
        account, *_ = flow.sandbox.accounts_of(login)
        await flow.vendor.unsubscribe(customer, account)
        await flow.vendor.delete_subscription(customer, "1")
        assert await flow.vendor.authorization_details(login) is None
        assert (await flow.vendor.institution("102105")).status == "online"
        with pytest.raises(GoneError):
            await flow.vendor.account(customer, "1")
        with pytest.raises(StaleLoginError):
            await flow.vendor.login_accounts(customer, "1")
        flow.sandbox.set_fault("challenged", times=1)
        with pytest.raises(AggregationFailedError):
            await flow.vendor.account(customer, account)
        await flow.sandbox.advance(timedelta(hours=1))
        flow.sandbox.partner.expire_tokens()
        assert (await flow.vendor.account_simple(customer, account)).account_id == account


async def test_a_wrong_secret_is_tried_once() -> None:
    """The client does not lock the partner out."""
    async with whole() as flow:
        async with client_of(flow.sandbox, VirtualClock(START), "wrong-secret-1") as wrong:
            for _ in range(5):
                with pytest.raises(RefusedError):
                    await wrong.customer_accounts("1")
        assert (flow.sandbox.partner.attempts, flow.sandbox.partner.is_locked) == (1, False)


async def test_an_outage_is_a_reason_to_try_again() -> None:
    """503 and 429 that do not end."""
    async with whole() as flow:
        customer = flow.sandbox.add_customer()
        await flow.vendor.customer_accounts(customer)
        for name in ("unavailable", "throttled"):
            flow.sandbox.set_fault(name)
            with pytest.raises(TryAgainError):
                await flow.vendor.customer_accounts(customer)
            flow.sandbox.clear_faults()
