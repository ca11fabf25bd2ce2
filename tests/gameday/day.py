"""The set as it runs in production, with customers, and a Prometheus that watches it: what a game day is played on."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from streams.sandbox.books.profiles import Opening
from tests.integration.observe.prometheus import Prometheus, prometheus
from tests.integration.whole.stack import Flow, Whole, flow_of, running
from tests.processes import Program

ALSO = {"agent-1": "agent", "canary": "canary"}
JOBS = {
    "txpush-bridge": ("bridge",),
    "txpush-agent": ("agent", "agent-1"),
    "txpush-institutions": ("institutions",),
    "txpush-executor": ("executor",),
    "txpush-canary": ("canary",),
}
AGENTS = JOBS["txpush-agent"]
HEALTHY, FAILING, CLICKING = 6, 12, 8
"""Customers: whose accounts are well, whose fail one after the other, and who open the links of their commands."""
BANKS = 6
"""More than a failing bank makes an incident of: at most two of its logins fail."""
REFRESH_SECONDS, FAIL_SECONDS, CLICK_SECONDS = 0.8, 25.0, 8.0
"""From one notification, one failure, one click to the next; so few failures that no stop button is called for."""
RESTART_SECONDS = 0.5
LOOK_SECONDS = 1.0
THROUGH_SECONDS = 120.0
"""In which a canary of each partition has come through: one goes out in a minute."""
BAD_PASSWORD = 103
OPENINGS = (Opening("checking", "Checking", 10.0),)


@dataclass
class Day:
    """What runs. `fallen` are parts that nobody starts again, as on a machine that is lost."""

    kafka: EmbeddedKafka
    flow: Flow
    prometheus: Prometheus
    fired: dict[str, float] = field(default_factory=dict)
    fallen: set[str] = field(default_factory=set)

    @property
    def whole(self) -> Whole:
        """The set."""
        return self.flow.whole

    def agents(self) -> list[Program]:
        """Give the agents."""
        return [self.whole.parts[name] for name in AGENTS]

    async def watched(self, seconds: float) -> None:
        """Note which alerts come to fire in some time, each at monotonic seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name in await asyncio.to_thread(self.prometheus.firing):
                self.fired.setdefault(name, time.monotonic())
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def day(kafka: EmbeddedKafka, folder: Path) -> AsyncIterator[Day]:
    """Run everything under a supervisor, with customers; the first canaries are through, and Prometheus sees all."""
    async with running(kafka, folder, ALSO) as whole, flow_of(whole) as flow:
        customers = await _enrolled(flow, folder)
        healthy, failing, clicking = (
            customers[:HEALTHY],
            customers[HEALTHY : HEALTHY + FAILING],
            customers[HEALTHY + FAILING :],
        )
        links = [await _link(flow, customer, login) for customer, login in clicking]
        await _canaries_through(whole)
        ports = {job: [whole.parts[name].admin for name in names] for job, names in JOBS.items()}
        with prometheus(ports, folder / "prometheus", hurried=False) as watching:
            played = Day(kafka, flow, watching)
            tasks = [
                asyncio.create_task(one)
                for one in (_supervise(played), _refresh(flow, healthy), _fail(flow, failing), _click(flow, links))
            ]
            try:
                await asyncio.to_thread(watching.until_all_up, THROUGH_SECONDS)
                yield played
                broken = [task.exception() for task in tasks if task.done()]
                assert not broken, broken
                assert [rule for rule in watching.rules() if rule["health"] != "ok"] == []
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=THROUGH_SECONDS)
            played.fallen.clear()
            for part in whole.parts.values():
                if not part.alive:
                    part.start()
                await asyncio.to_thread(part.until_ready)


async def _enrolled(flow: Flow, folder: Path) -> list[tuple[str, str]]:
    """Give customers with a login each that we hear of: customer, login."""
    sandbox = flow.whole.sandbox
    banks = [sandbox.add_institution(f"Bank {number}").id for number in range(BANKS)]
    found, subscribed = [], ""
    for number in range(HEALTHY + FAILING + CLICKING):
        customer = await flow.api.enrol()
        login = sandbox.add_login(customer, banks[number % BANKS], "demo", "go", OPENINGS)
        subscribed += "".join(f"{customer},{account}\n" for account in sandbox.accounts_of(login.id))
        found.append((customer, login.id))
    (folder / "accounts.csv").write_text(subscribed)
    await flow.whole.txpush("subscribe", "--file", str(folder / "accounts.csv"))
    return found


async def _link(flow: Flow, customer: str, login: str) -> str:
    """Have a login fail, and give the link of the command that comes of it."""
    _set(flow, login, BAD_PASSWORD)
    return str((await flow.whole.told(customer, "issue"))["fix_url"])


def _set(flow: Flow, login: str, code: int | None) -> None:
    flow.whole.sandbox.set_login(login, trouble=code)
    flow.whole.sandbox.refresh(login)


async def _canaries_through(whole: Whole) -> None:
    canary = whole.parts["canary"]
    wanted = EMBEDDED.partitions
    await asyncio.to_thread(
        canary.until, lambda: canary.metric("txpush_canary_round_trip_seconds_count") >= wanted, bool, THROUGH_SECONDS
    )


async def _supervise(played: Day) -> None:
    """Start again whatever ends, as systemd and Kubernetes do."""
    while True:
        for name, part in played.whole.parts.items():
            if name not in played.fallen and not part.alive:
                await asyncio.to_thread(part.start)
        await asyncio.sleep(RESTART_SECONDS)


async def _refresh(flow: Flow, logins: list[tuple[str, str]]) -> None:
    for _, login in itertools.cycle(logins):
        flow.whole.sandbox.refresh(login)
        await asyncio.sleep(REFRESH_SECONDS)


async def _fail(flow: Flow, logins: list[tuple[str, str]]) -> None:
    for _, login in logins:
        _set(flow, login, BAD_PASSWORD)
        await asyncio.sleep(FAIL_SECONDS)
    await asyncio.Event().wait()


async def _click(flow: Flow, links: list[str]) -> None:
    """Open links and press the button, as customers do who come back and back; what is answered is theirs to read."""
    for link in itertools.cycle(links):
        with suppress(Exception):
            await flow.person.post(link)
        await asyncio.sleep(CLICK_SECONDS)
