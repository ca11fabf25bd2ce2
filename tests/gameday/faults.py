"""What goes wrong on a game day: faults of the chaos harness, each with the alerts that it has to raise."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from schemas.times import rfc3339
from streams.kafka.topics import EVENTS
from streams.sandbox.delivery.faults import FaultName
from tests.chaos.faults.plan import Kind
from tests.gameday.day import Day
from tests.integration.whole.reading import write

POISON, POISON_SECONDS = 14, 6.0
"""Records that nobody can read: more than ten in a quarter of an hour, and too few among the others to stop at."""
DEATHS = 4
STAYS_SECONDS = 15.0
"""Between two deaths of a worker: it is scraped meanwhile."""


@dataclass(frozen=True)
class Fault:
    """A fault, which lasts until all of `alerts` fire, or for `seconds`.

    Attributes:
        kind: what it is in the chaos harness.
        what: in words.
        alerts: those that have to fire while it lasts, and no other may.
        afterwards: those that have to fire once it is over, from what it has left behind.
        make: begins it, and ends it when it is left.
        seconds: after which the alerts have to have fired.
        after_seconds: for how long no further alert may come once it is over.
    """

    kind: str
    what: str
    alerts: frozenset[str]
    make: Callable[[Day], AbstractAsyncContextManager[None]]
    afterwards: frozenset[str] = frozenset()
    seconds: float = 480.0
    after_seconds: float = 150.0


@asynccontextmanager
async def brokers_gone(day: Day) -> AsyncIterator[None]:
    """End all brokers with SIGKILL."""
    for number in day.kafka.broker_ids:
        await asyncio.to_thread(day.kafka.kill, number)
    yield
    for number in day.kafka.broker_ids:
        await asyncio.to_thread(day.kafka.start, number)


@asynccontextmanager
async def agents_asleep(day: Day) -> AsyncIterator[None]:
    """Stop all agents in their tracks."""
    for agent in day.agents():
        agent.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for agent in day.agents():
            agent.signal(signal.SIGCONT)


@asynccontextmanager
async def agent_dies_again_and_again(day: Day) -> AsyncIterator[None]:
    """End one agent with SIGKILL as often as it comes back."""
    dying = day.agents()[-1]
    for _ in range(DEATHS):
        await asyncio.to_thread(dying.until_ready)
        await asyncio.sleep(STAYS_SECONDS)
        await asyncio.to_thread(dying.kill)
        await asyncio.sleep(1.0)
    yield


@asynccontextmanager
async def bridge_gone(day: Day) -> AsyncIterator[None]:
    """End the bridge with SIGKILL, and have nobody start it again."""
    day.fallen.add("bridge")
    day.whole.parts["bridge"].kill()
    yield
    day.fallen.discard("bridge")


def vendor(name: FaultName) -> Callable[[Day], AbstractAsyncContextManager[None]]:
    """Have a fault of the vendor's happen at each call, or each webhook."""

    @asynccontextmanager
    async def made(day: Day) -> AsyncIterator[None]:
        day.whole.sandbox.set_fault(name)
        yield
        day.whole.sandbox.clear_faults()

    return made


@asynccontextmanager
async def poison(day: Day) -> AsyncIterator[None]:
    """Write records into the inbound log that nobody can read, among those of customers."""
    for number in range(POISON):
        at = rfc3339(day.whole.sandbox.clock.now())
        headers = {
            "ce_id": f"poison-{number}",
            "ce_type": "txpush.account.modified",
            "ce_source": "/remediation/bridge",
        }
        named = [(name, value.encode()) for name, value in (headers | {"ce_time": at}).items()]
        await write(day.whole.bootstrap, EVENTS, [(f"73{number:08d}", b"[1, 2", named)])
        await asyncio.sleep(POISON_SECONDS)
    yield


FAULTS = {
    "brokers-gone": Fault(
        Kind.OUTAGE,
        "all brokers are killed",
        frozenset({"TxpushCanaryOld", "TxpushNotAcceptedFast"}),
        brokers_gone,
    ),
    "agents-asleep": Fault(
        Kind.STOP,
        "all agents are stopped in their tracks",
        frozenset({"TxpushCanaryOld", "TxpushDown"}),
        agents_asleep,
        afterwards=frozenset({"TxpushCommandsLateFast"}),
        after_seconds=240.0,
    ),
    "agent-flaps": Fault(
        Kind.KILL,
        "an agent is killed as often as it comes back",
        frozenset({"TxpushWorkerFlaps"}),
        agent_dies_again_and_again,
    ),
    "bridge-gone": Fault(
        Kind.KILL,
        "the bridge is killed, and nobody starts it again",
        frozenset({"TxpushCanaryOld", "TxpushDown"}),
        bridge_gone,
    ),
    "vendor-away": Fault(
        Kind.VENDOR,
        "Mastercard answers every call with 503",
        frozenset({"TxpushVendorFails"}),
        vendor(FaultName.UNAVAILABLE),
        seconds=600.0,
    ),
    "signatures-wrong": Fault(
        Kind.VENDOR,
        "every notification has a wrong signature",
        frozenset({"TxpushSignaturesWrong"}),
        vendor(FaultName.WRONG_SIGNATURE),
        seconds=600.0,
    ),
    "poison": Fault(
        "poison",
        "records that nobody can read are in the inbound log",
        frozenset({"TxpushDeadLetters"}),
        poison,
    ),
}
