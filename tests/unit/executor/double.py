"""A vendor, a log, a view and a clock in memory, and an executor's pages with all of them around."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import orjson
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from schemas.commands import Action
from schemas.events import AccountSnapshot
from schemas.times import to_epoch_ms
from streams.executor.fixing.limits import Limits
from streams.executor.fixing.rechecks import Rechecks
from streams.executor.fixing.sessions import Sessions
from streams.executor.fixing.standing import Commands
from streams.executor.lookups.answer import Answerer
from streams.executor.meters import ExecutorMeters
from streams.executor.pages.app import FixPages, Parts
from streams.executor.settings import ExecutorSettings, LinkSettings, LookupSettings
from streams.kafka.log import LogRecord
from streams.kafka.view import ViewRecord
from streams.links import FixLinks
from streams.observe.metrics import Instruments
from streams.vendor import FixRequest

AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
COMMAND = "0d0e5c3a-7c0a-4f43-9d9a-6b1c1f6e2a11"
OTHER = "1d0e5c3a-7c0a-4f43-9d9a-6b1c1f6e2a22"
CUSTOMER, LOGIN, BANK, ACCOUNT = "7000000042", "7100000007", "102105", "5900000001"
TOPIC = "remediation.connect-fix"
SESSION = "https://connect2.example.com/?customerId=7000000042&signature=cafe"
LINKS = FixLinks([b"k" * 32], "https://fix.example.com")
LINK = LinkSettings("https://hooks.example.com/secret-token/connect")
SETTINGS = ExecutorSettings(
    bootstrap="unused:1",
    links=LINKS,
    link=LINK,
    lookup=LookupSettings(),
    host="127.0.0.1",
    port=0,
    admin_host="127.0.0.1",
    admin_port=0,
    vendor_url="https://api.example.com",
)


@dataclass
class HandClock:
    """A clock that is moved by hand; `seconds` is its monotonic side."""

    at: datetime = AT
    seconds: float = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def move(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)
        self.seconds += timedelta(**span).total_seconds()


def message(command_id: str = COMMAND, sequence: int = 0, action: Action = Action.ISSUE, **more: object) -> bytes:
    """Give a command message, as far as the executor reads it, and something that it does not."""
    data = {
        "command_id": command_id,
        "sequence": sequence,
        "action": action,
        "kind": "connect-fix",
        "customer_id": CUSTOMER,
        "institution_login_id": LOGIN,
        "institution_id": BANK,
        "account_ids": [ACCOUNT],
    }
    return orjson.dumps(data | more)


def heard(value: bytes | None, at: datetime = AT, offset: int = 0) -> ViewRecord:
    """Give a record of the command topic."""
    return ViewRecord(TOPIC, 1, offset, CUSTOMER.encode(), value, to_epoch_ms(at))


def snapshot(account_id: str = ACCOUNT, login: str | None = LOGIN, customer: str = CUSTOMER) -> AccountSnapshot:
    """Give an account as the vendor has it."""
    return AccountSnapshot(
        customer_id=customer,
        account_id=account_id,
        institution_id=BANK,
        institution_login_id=login,
        aggregation_status_code=0,
        aggregation_attempt_date=AT,
    )


@dataclass
class FakeVendor:
    """Gives what it is told to: accounts by id, sessions by number, or a failure, each failure once."""

    accounts: dict[str, AccountSnapshot | Exception] = field(default_factory=dict)
    logins: dict[str, list[AccountSnapshot] | Exception] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    requests: list[FixRequest] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def fix_url(self, request: FixRequest) -> SecretStr:
        self.requests.append(request)
        await self._told()
        return SecretStr(f"{SESSION}&number={len(self.requests)}")

    async def account(self, customer_id: str, account_id: str) -> AccountSnapshot:
        return await self._given("account", customer_id, account_id, f"whole {account_id}")

    async def account_simple(self, customer_id: str, account_id: str) -> AccountSnapshot:
        return await self._given("simple", customer_id, account_id, account_id)

    async def login_accounts(self, customer_id: str, institution_login_id: str) -> list[AccountSnapshot]:
        self.asked.append(("login", customer_id, institution_login_id))
        await self._told()
        found = self.logins[institution_login_id]
        if isinstance(found, Exception):
            raise found
        return found

    async def _given(self, call: str, customer_id: str, account_id: str, name: str) -> AccountSnapshot:
        self.asked.append((call, customer_id, account_id))
        await self._told()
        found = self.accounts[name]
        if isinstance(found, Exception):
            raise found
        return found

    async def _told(self) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class FakeLog:
    """Records in memory; raises each failure once."""

    records: list[LogRecord] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        assert deadline_seconds > 0
        if self.failures:
            raise self.failures.pop(0)
        self.records += records

    def problems(self) -> list[str]:
        return []


class FakeView:
    """A view that stands at the ends, or lags."""

    lags = False

    async def settled(self, deadline_seconds: float) -> None:
        assert deadline_seconds == LINK.settle_seconds
        if self.lags:
            raise TimeoutError("remediation.connect-fix: not read within 3 s")


class Bench:
    """An executor's pages with everything around them."""

    def __init__(self, settings: ExecutorSettings = SETTINGS) -> None:
        self.clock, self.vendor, self.view = HandClock(), FakeVendor(), FakeView()
        self.registry = CollectorRegistry()
        self.meters = ExecutorMeters(Instruments("executor", self.registry))
        self.commands = Commands(self.clock, self.meters.unreadable.inc)
        self.log = FakeLog()
        answerer, limits = (
            Answerer(self.vendor, self.log, self.clock, 5.0, self.meters.observed),
            Limits.of(settings.link),
        )
        self.sessions = Sessions(self.vendor, answerer, limits, settings.link, self.clock.monotonic)
        self.rechecks = Rechecks(answerer, limits, self.clock.monotonic)
        parts = Parts(settings, self.commands, self.view, self.sessions, self.rechecks, self.clock, self.meters)
        transport = httpx.ASGITransport(FixPages(parts).application())
        self.client = httpx.AsyncClient(transport=transport, base_url="https://fix.example.com")

    def hear(self, value: bytes, at: datetime = AT) -> None:
        """Have the executor hear of a command message."""
        self.commands.hear(heard(value, at))

    def count(self, outcome: str) -> float:
        """Give how many requests came to something."""
        return self.registry.get_sample_value("txpush_executor_links_total", {"outcome": outcome}) or 0.0
