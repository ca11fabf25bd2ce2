"""A month at the vendor with one webhook in ten lost and one night without the bridge, and a sweep at its end."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from schemas.commands import Lookup
from schemas.events import Event
from schemas.health import AccountHealth, Phase
from schemas.times import from_epoch_ms
from streams.bridge.app import Bridge
from streams.bridge.checks import Signing
from streams.bridge.meters import BridgeMeters
from streams.executor.lookups.answer import Answerer
from streams.kafka.log import LogRecord
from streams.kafka.topics import HEALTH, LOOKUP
from streams.kafka.view import ViewRecord
from streams.observe.metrics import Instruments
from streams.sandbox import FaultName, Opening, Sandbox, SandboxSettings, Truth
from streams.sandbox.visitor import Page, Visitor
from streams.signatures import Strategy
from streams.sweep.book import Book
from streams.sweep.compare import Difference
from streams.sweep.customer import CustomerSweep
from streams.sweep.report import Report
from streams.sweep.resume import Order, State
from streams.sweep.run import Sweep
from streams.testing import Topology
from streams.vendor import FixRequest, MemoryGate, Vendor, VendorMeters, VendorSettings
from tests.unit.bridge.bench import CONNECT, SETTINGS, TXPUSH
from tests.unit.bridge.signed import SEALING_KEY, Known

HOST = "127.0.0.1:8080"
HOOKS = f"http://{HOST}"
ACK_SECONDS = 10.0
CUSTOMERS, DAYS, LOST = 60, 30, 0.1
CONTACT = ("connect-fix", "relink", "remove-duplicate", "consent-renewal")
CONTACTS = ("issue", "remind")
OPENINGS = tuple(Opening("checking", f"Account {number}", 100.0 + number) for number in range(3))
STEPS = 8


@dataclass
class InboundLog:
    """The log of bridge and executor: the topology's."""

    topology: Topology

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        """Write them now."""
        assert deadline_seconds > 0
        self.topology.write(records)

    def problems(self) -> list[str]:
        """Have none."""
        return []


class Door(httpx.ASGITransport):
    """The way to the bridge; while it is away nobody answers."""

    away = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Hand a webhook on."""
        if self.away:
            raise httpx.ConnectError("nobody listens", request=request)
        return await super().handle_async_request(request)


@dataclass
class Month:
    """Vendor, agents, customers and banks on one clock."""

    topology: Topology
    sandbox: Sandbox
    bridge: Door
    keys: Known
    vendor: Vendor
    answerer: Answerer
    pages: httpx.AsyncClient
    draw: Random
    customers: list[str] = field(default_factory=list)
    visits: dict[datetime, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _read: int = 0
    _asked: int = 0

    # -- the customers and their banks

    async def enrol(self) -> None:
        """Connect everybody: one login or two, one to three accounts, at banks that treat devices differently."""
        banks = ["101732", "102105"]
        banks += [self.sandbox.add_institution(f"Bank {days}", challenges=True, device_days=days).id for days in (3, 9)]
        banks.append(self.sandbox.add_institution("Passcode Bank", otp=True).id)
        for number in range(CUSTOMERS):
            customer = self.sandbox.add_customer()
            for bank in {banks[number % len(banks)], banks[number % 7 % len(banks)]}:
                openings = OPENINGS[: self.draw.randint(1, 3)]
                login = self.sandbox.add_login(customer, bank, "demo", "go", openings)
                for account in self.sandbox.accounts_of(login.id):
                    granted = await self.vendor.subscribe(customer, account, f"{HOOKS}{TXPUSH}")
                    (key,) = [one.signing_key for one in granted if one.class_name == "account"]
                    self.keys.subscribe(account, key.get_secret_value(), customer_id=customer)
            self.customers.append(customer)

    async def live(self, days: int) -> None:
        """Let days pass, hour by hour: timers fire, the vendor tells, customers do what they said they would."""
        for hour in range(24 * days):
            if hour % 24 == 0:
                self._happen()
            self.topology.advance(hours=1)
            self._hear()
            await self._answer()
            for command in self.visits.pop(self.topology.now, []):
                await self._visit(command)
            await self.sandbox.settle()

    def _happen(self) -> None:
        """Have something of everything happen at the banks today."""
        draw, logins = self.draw, list(self.sandbox.world.logins.values())
        for login in draw.sample(logins, 2):
            self.sandbox.set_login(login.id, bank_password=f"go{draw.randrange(100)}")
        self.sandbox.set_login(draw.choice(logins).id, trouble=draw.choice((108, 109, 906, None)))
        self.sandbox.set_institution("101732", trouble=draw.choice((None, None, None, 102)))
        accounts = [one.account_id for one in self.sandbox.truth()]
        if draw.random() < 0.3:
            self.sandbox.delete_account(draw.choice(accounts))
        if draw.random() < 0.1:
            self.sandbox.duplicate(draw.choice(accounts))

    def happen_unheard(self) -> None:
        """Have a bank move, a customer leave, an account closed, and one opened that nobody has subscribed to."""
        world = self.sandbox.world
        self.sandbox.migrate("102105")
        leaving, *others = self.draw.sample(sorted({one.customer_id for one in self.sandbox.truth()}), 3)
        world.delete_customer(leaving, self.topology.now)
        self.sandbox.delete_account(min(world.of_customer(others[0]), key=lambda one: one.id).id)
        account = max(world.of_customer(others[1]), key=lambda one: one.id)
        world.open_account(world.logins[account.login_id], OPENINGS[0], self.topology.now)

    def _hear(self) -> None:
        """Have customers hear of new commands: half of them repair their login some hours later."""
        said = self.contacts()
        for _, command in said[self._read :]:
            if command["kind"] == "connect-fix" and self.draw.random() < 0.5:
                self.visits[self.topology.now + timedelta(hours=self.draw.randint(1, 20))].append(command)
        self._read = len(said)

    async def _answer(self) -> None:
        """Answer the agent's look-ups."""
        asked = list(self.topology.read(LOOKUP))
        for one in asked[self._asked :]:
            await self.answerer.answer(Lookup.model_validate_json(one.value or b""))
        self._asked = len(asked)

    async def _visit(self, command: Mapping[str, Any]) -> None:
        """Repair a login; without the bridge the vendor makes no link, and the customer tries again an hour later."""
        if str(command["institution_login_id"]) not in self.sandbox.world.logins:
            return
        if self.bridge.away:
            self.visits[self.topology.now + timedelta(hours=1)].append(command)
            return
        login_id = str(command["institution_login_id"])
        link = await self.vendor.fix_url(
            FixRequest(
                str(command["customer_id"]),
                login_id,
                webhook=f"{HOOKS}{CONNECT}",
                webhook_data={"command_id": str(command["command_id"])},
                redirect_uri="https://app.example.com/back",
            )
        )
        visitor, login = Visitor(self.pages), self.sandbox.world.logins[login_id]
        page = await visitor.open(link.get_secret_value())
        for _ in range(STEPS):
            if page.left_to is not None:
                return
            page = await _step(visitor, page, login.profile.username, login.bank_password)

    # -- what is known, and what is so

    def contacts(self) -> list[tuple[datetime, Mapping[str, Any]]]:
        """Give every message that has a customer contacted, with its time, in order."""
        read = [one for kind in CONTACT for one in self.topology.read(f"remediation.{kind}")]
        said = [(from_epoch_ms(one.timestamp), orjson.loads(one.value or b"null")) for one in read]
        return sorted((one for one in said if one[1]["action"] in CONTACTS), key=lambda one: one[0])

    def health(self) -> dict[str, AccountHealth]:
        """Give the last word on each account."""
        words = {one.key: one.value for one in self.topology.read(HEALTH) if one.value is not None}
        known = [AccountHealth.model_validate_json(value) for value in words.values()]
        return {one.account_id: one for one in known}

    def wrong(self) -> list[str]:
        """Give every account on which account.health and the vendor do not agree."""
        truth, health = {one.account_id: one for one in self.sandbox.truth()}, self.health()
        return sorted(one for one in {*truth, *health} if not _agree(truth.get(one), health.get(one)))

    async def sweep(self) -> Report:
        """Sweep all customers, those of whom nobody has heard included."""
        book, report = Book(), Report()

        async def settled() -> None:
            self.topology.settle()
            for one in self.topology.read(HEALTH):
                book.hear(ViewRecord(HEALTH, 0, one.offset, one.key, one.value, one.timestamp))

        async def publish(events: Sequence[Event]) -> None:
            for event in events:
                self.topology.send(event)

        await settled()
        named = frozenset(self.customers)
        customer = CustomerSweep(self.vendor, book, settled, publish, self.topology.clock, named)
        await Sweep(Order({*named, *book.customers()}, State("month")), customer.sweep, report).run()
        return report


def _agree(truth: Truth | None, health: AccountHealth | None) -> bool:
    """Whether an account stands as the vendor has it; one that is deleted may still be known as such."""
    if truth is None or health is None or health.phase is Phase.DELETED:
        return truth is None and (health is None or health.phase is Phase.DELETED)
    known = (health.code, health.attempted_at, health.institution_login_id, health.institution_id)
    return known == (truth.code, truth.attempted_at, truth.institution_login_id, truth.institution_id)


async def _step(visitor: Visitor, page: Page, username: str, password: str) -> Page:
    """Do what the page asks for."""
    if "sign_in" in page.buttons and not page.problem:
        return await visitor.press("sign_in", username=username, password=password)
    if "answer" in page.buttons and not page.problem:
        choices = page.options["answer"]
        return await visitor.press("answer", answer=choices[0] if choices else "blue")
    for button in ("approve", "finish", "exit"):
        if button in page.buttons:
            return await visitor.press(button)
    raise AssertionError(f"nothing to do on {page}")


@asynccontextmanager
async def month(seed: str) -> AsyncIterator[Month]:
    """Give a month that begins; the run is held against a plain fold of its log at the end."""
    with Topology(partitions=3) as topology:
        usual, log, keys = (
            SandboxSettings(seed=seed, signature_strategy=Strategy.CONCAT_HEX),
            InboundLog(topology),
            Known(),
        )
        signing = Signing(host=HOST, partner_secrets=(usual.partner_secret,), sealing_keys=(SEALING_KEY,))
        settings_here = replace(SETTINGS, signing=signing)
        meters_here = BridgeMeters(Instruments("bridge", CollectorRegistry()))
        door = Door(Bridge(settings_here, log, topology.clock, meters_here, keys))
        hooks = httpx.AsyncClient(transport=door)
        sandbox = Sandbox(usual, topology.clock, hooks)
        api = httpx.ASGITransport(sandbox.app)
        settings = VendorSettings(
            "http://sandbox",
            SecretStr(sandbox.settings.app_key),
            sandbox.settings.partner_id,
            SecretStr(sandbox.settings.partner_secret),
            per_second=1e6,
            institution_per_second=1e6,
        )
        meters = VendorMeters(Instruments("vendor", CollectorRegistry()))
        async with (
            MemoryGate() as gate,
            Vendor(settings, gate, topology.clock, meters, transport=api) as vendor,
            httpx.AsyncClient(transport=api, base_url="http://sandbox") as pages,
            hooks,
        ):
            answerer = Answerer(vendor, log, topology.clock, ACK_SECONDS)
            draw = Random(seed)  # noqa: S311 - the same month each time
            yield Month(topology, sandbox, door, keys, vendor, answerer, pages, draw)


def closest(contacts: Sequence[tuple[datetime, Mapping[str, Any]]]) -> timedelta:
    """Give the shortest time between two contacts of one customer about one login."""
    last: dict[tuple[str, str], datetime] = {}
    shortest = timedelta.max
    for at, command in contacts:
        login = str(command["customer_id"]), str(command["institution_login_id"])
        shortest = min(shortest, at - last.get(login, datetime.min.replace(tzinfo=UTC)))
        last[login] = at
    return shortest


@pytest.mark.slow
async def test_a_sweep_mends_what_a_month_of_losses_has_left() -> None:
    """Then account.health is the vendor's truth for every account, and nobody was contacted twice in a day.

    A customer with two logins that fail at two banks is told of each: what is counted is contacts about a login.
    """
    async with month("a month") as one:
        await one.enrol()
        one.sandbox.set_fault(FaultName.LOST, share=LOST)
        await one.live(DAYS - 1)
        one.bridge.away = True
        one.happen_unheard()
        await one.live(1)
        one.bridge.away = False
        await one.live(1)
        assert one.sandbox.faults.happened[FaultName.LOST] > 100
        before = one.wrong()
        assert len(before) >= 10

        report = await one.sweep()
        assert (report.failed, report.stopped, report.customers, report.findings.gone) == ({}, None, CUSTOMERS, 1)
        assert one.wrong() == []
        assert report.findings.differing.keys() >= {*Difference} - {Difference.RETURNED, Difference.LOGIN}

        again = await one.sweep()
        assert (again.findings.observed, again.findings.deleted) == (0, 0)
        assert one.wrong() == []

        one.sandbox.clear_faults()
        await one.live(3)
        contacts = one.contacts()
        assert len(contacts) > CUSTOMERS
        assert len({str(command["customer_id"]) for _, command in contacts}) > CUSTOMERS / 2
        assert closest(contacts) >= timedelta(hours=24)
