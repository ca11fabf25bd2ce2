"""The whole product on this machine: bridge that enforces signatures, both agents, executor, sandbox on a port."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from streams.clock import WallClock
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import CUSTOMER_COMMANDS, DEAD_LETTER, EMBEDDED, HEALTH, TICKETS
from streams.kafka.view import TopicView, ViewRecord
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.server import serving
from tests.integration.whole.between import Between
from tests.integration.whole.person import Person
from tests.processes import CLI, Program, free_port, run, settings_for, started
from tests.waiting import until

PATH_TOKEN = "planted-path-token-0000"  # noqa: S105 - of these tests alone, as all that follow
CALLER_TOKEN = "planted-caller-token-0000"  # noqa: S105
PROBE_TOKEN = "planted-probe-token-0000"  # noqa: S105 - of `txpush canary`, where it is one of the parts
SEALING_KEY = "planted-sealing-key-00000000000000000"
LINK_KEY = "c0ffee" + "5a" * 29
APP_KEY = "planted-app-key"
PARTNER_SECRET = "planted-partner-secret-1"  # noqa: S105
NAMES = ("bridge", "agent", "institutions", "executor")
END_SECONDS = 20.0


@dataclass
class Whole:
    """What runs, and what has come of it so far."""

    bootstrap: str
    sandbox: Sandbox
    vendor: Between
    vendor_url: str
    bridge_port: int
    executor_port: int
    settings: dict[str, str] = field(repr=False)
    parts: dict[str, Program]
    commands: list[dict[str, Any]] = field(default_factory=list)
    health: dict[str, dict[str, Any]] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, Any]] = field(default_factory=list)
    pages: list[httpx.Response] = field(default_factory=list, repr=False)
    said: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)

    @property
    def bridge_url(self) -> str:
        """Give where the bridge is reached."""
        return f"http://127.0.0.1:{self.bridge_port}"

    def hear(self, record: ViewRecord) -> None:
        """Take what a reader of committed records sees."""
        if record.value is None:
            return
        value = json.loads(record.value)
        if record.topic == DEAD_LETTER:
            self.letters.append(value)
        elif record.topic == TICKETS:
            self.tickets.append(value)
        elif record.topic == HEALTH:
            self.health[value["account_id"]] = value
        else:
            self.commands.append(value)

    async def txpush(self, *words: str) -> str:
        """Run a command of ours, which has to end well; give what it said."""
        done = await asyncio.to_thread(run, (*CLI, *words), self.settings)
        said = done.stderr + done.stdout
        self.said.append(said)
        assert done.returncode == 0, said
        return said

    def messages(self, customer: str, kind: str | None = None) -> list[dict[str, Any]]:
        """Give the messages for a customer so far, in order."""
        return [one for one in self.commands if one["customer_id"] == customer and kind in {None, one["kind"]}]

    def actions(self, customer: str, kind: str | None = None) -> list[str]:
        """Give what they say to do."""
        return [one["action"] for one in self.messages(customer, kind)]

    async def told(self, customer: str, *actions: str, kind: str | None = None) -> dict[str, Any]:
        """Wait until a customer's messages say so, one after the other, and give the last one."""
        try:
            await until(lambda: self.actions(customer, kind) == list(actions), 30.0)
        except TimeoutError:
            raise AssertionError(f"{actions} expected, but: {self.actions(customer, kind)}") from None
        return self.messages(customer, kind)[-1]

    def codes(self, customer: str) -> set[int | None]:
        """Give the codes at which account.health has the customer's accounts."""
        return {one["code"] for one in self.health.values() if one["customer_id"] == customer}

    async def counts(self, name: str, metric: str, wanted: float) -> None:
        """Wait until a counter of a process, whatever its labels, has come so far."""
        part = self.parts[name]
        await asyncio.to_thread(part.until, lambda: part.metric(metric), lambda count: count >= wanted, 30.0)

    async def scrape(self) -> None:
        """Keep what all processes show of themselves."""
        for part in self.parts.values():
            self.metrics += [await asyncio.to_thread(part.page, page) for page in ("metrics", "readyz")]


class Api:
    """The user's own application at the vendor: what is no part of ours."""

    def __init__(self, whole: Whole, client: httpx.AsyncClient) -> None:
        self._whole = whole
        self._client = client

    async def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever is answered
        """Make a call, and give what was answered."""
        if "finicity-app-token" not in self._client.headers:
            pair = {"partnerId": self._whole.sandbox.partner.id, "partnerSecret": PARTNER_SECRET}
            answer = await self._client.post("/aggregation/v2/partners/authentication", json=pair)
            self._client.headers["finicity-app-token"] = answer.json()["token"]
        answer = await self._client.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code}"
        return answer.json()

    async def enrol(self, **details: str) -> str:
        """Enrol a customer, and give the id."""
        body = {"username": f"planted-user-{len(self._whole.sandbox.world.customers)}", **details}
        return str((await self.call("POST", "/aggregation/v2/customers/testing", body))["id"])

    async def accounts(self, customer: str) -> list[dict[str, Any]]:
        """Get Customer Accounts."""
        found: list[dict[str, Any]] = (await self.call("GET", accounts_of(customer)))["accounts"]
        return found

    async def refresh(self, customer: str) -> list[int]:
        """Refresh Customer Accounts; give their codes."""
        listed = (await self.call("POST", accounts_of(customer), {}))["accounts"]
        return [one["aggregationStatusCode"] for one in listed]

    async def link(self, kind: str, **body: object) -> str:
        """Generate a URL of Data Connect: "" for Full, "/fix"."""
        partner = {"partnerId": self._whole.sandbox.partner.id}
        return str((await self.call("POST", f"/connect/v2/generate{kind}", {**partner, **body}))["link"])


def accounts_of(customer: str) -> str:
    """Give the path of a customer's accounts."""
    return f"/aggregation/v1/customers/{customer}/accounts"


@dataclass
class Flow:
    """A test's own view of the whole: the user's application, and a customer."""

    whole: Whole
    api: Api
    person: Person


@asynccontextmanager
async def flow_of(whole: Whole) -> AsyncIterator[Flow]:
    """Open the connections of a test."""
    headers = {"finicity-app-key": APP_KEY, "accept": "application/json"}
    async with (
        httpx.AsyncClient(base_url=whole.vendor_url, headers=headers, timeout=30.0) as api,
        httpx.AsyncClient(timeout=60.0) as browser,
    ):
        yield Flow(whole, Api(whole, api), Person(browser, whole.settings["TXPUSH_LINK_URL"], whole.pages))


@dataclass(frozen=True)
class AtVendor:
    """The vendor's side, which outlives a cluster of ours."""

    sandbox: Sandbox
    between: Between
    url: str


@asynccontextmanager
async def at_vendor() -> AsyncIterator[AtVendor]:
    """Serve a sandbox, and all that is asked of it is noted."""
    sandbox = Sandbox(SandboxSettings(partner_secret=PARTNER_SECRET, app_key=APP_KEY), WallClock())
    between = Between(sandbox.app)
    sandbox.app = between  # type: ignore[assignment]  # served as it is
    async with serving(sandbox) as url:
        yield AtVendor(sandbox, between, url)


@asynccontextmanager
async def running(
    kafka: EmbeddedKafka, folder: Path, also: Mapping[str, str] = MappingProxyType({}), vendor: AtVendor | None = None
) -> AsyncIterator[Whole]:
    """Run everything, and `also` subcommands by name, for a vendor given or a new one; all have to end well."""
    await applied.apply(kafka.bootstrap, EMBEDDED)
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(at_vendor()) if vendor is None else vendor
        bridge_port, executor_port = free_port(), free_port()
        settings = settings_of(kafka.bootstrap, there.url, bridge_port, executor_port, _callers(folder))
        commands = {name: name for name in NAMES} | dict(also)
        parts = {name: part_of(name, command, settings, folder) for name, command in commands.items()}
        whole = Whole(
            kafka.bootstrap, there.sandbox, there.between, there.url, bridge_port, executor_port, settings, parts
        )
        view = TopicView(kafka.bootstrap, (*CUSTOMER_COMMANDS, TICKETS, HEALTH, DEAD_LETTER), whole.hear)
        await view.start()
        stack.push_async_callback(view.stop)
        stack.enter_context(started(*parts.values()))
        for part in parts.values():
            await asyncio.to_thread(part.until_ready)
        yield whole
        codes = await asyncio.gather(*(asyncio.to_thread(part.stop, END_SECONDS) for part in parts.values()))
        assert codes == [0] * len(parts), dict(zip(parts, codes, strict=True))


def part_of(name: str, command: str, settings: Mapping[str, str], folder: Path) -> Program:
    """Give a process with a name of its own, which is that of its log, too."""
    return Program((*CLI, command), {**settings, "TXPUSH_INSTANCE": name}, folder / f"{name}.log")


def _callers(folder: Path) -> Path:
    path = folder / "callers.toml"
    app, canary = (hashlib.sha256(token.encode()).hexdigest() for token in (CALLER_TOKEN, PROBE_TOKEN))
    path.write_text(
        f'[app]\ntypes = ["account.challenged", "command.reported"]\ntoken_sha256 = ["{app}"]\n'
        f'[canary]\ntypes = ["canary.sent"]\ntoken_sha256 = ["{canary}"]\n'
    )
    return path


def settings_of(bootstrap: str, vendor_url: str, bridge_port: int, executor_port: int, callers: Path) -> dict[str, str]:
    """Give what every process is told."""
    return settings_for(
        bootstrap,
        PUBLIC_URL=f"http://127.0.0.1:{bridge_port}",
        BRIDGE_PORT=str(bridge_port),
        CALLBACK_TOKENS=PATH_TOKEN,
        CALLERS_FILE=str(callers),
        SEALING_KEYS=SEALING_KEY,
        VENDOR_URL=vendor_url,
        VENDOR_INSTITUTION_PER_SECOND="100",
        VENDOR_PER_SECOND="100",
        APP_KEY=APP_KEY,
        PARTNER_ID="sandbox-partner",
        PARTNER_SECRETS=PARTNER_SECRET,
        LINK_URL=f"http://127.0.0.1:{executor_port}",
        LINK_KEYS=LINK_KEY,
        EXECUTOR_PORT=str(executor_port),
        CANARY_URL=f"http://127.0.0.1:{bridge_port}",
        CANARY_TOKEN=PROBE_TOKEN,
    )
