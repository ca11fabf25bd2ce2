"""A bridge in memory for tests: its log can be told to fail, its counters are read by name."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry

from streams.bridge.app import Bridge
from streams.bridge.checks import Keys, Signing
from streams.bridge.meters import BridgeMeters
from streams.bridge.settings import BridgeSettings
from streams.clock import WallClock
from streams.kafka.log import LogRecord
from streams.observe.metrics import Instruments

PAYLOADS = Path(__file__).parents[2] / "payloads"
TOKEN, OTHER_TOKEN = "t" * 20, "u" * 20
COUNTED = Signing(enforce=False)
SETTINGS = BridgeSettings("unused:1", (TOKEN, OTHER_TOKEN), max_body_bytes=4096, read_seconds=0.05, signing=COUNTED)
TXPUSH, CONNECT = f"/{TOKEN}/txpush", f"/{TOKEN}/connect"


@dataclass
class FakeLog:
    """Records in memory; raises `failure` where one is set."""

    records: list[LogRecord] = field(default_factory=list)
    failure: Exception | None = None

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        assert deadline_seconds == SETTINGS.ack_deadline_seconds
        if self.failure is not None:
            raise self.failure
        self.records += records

    def problems(self) -> list[str]:
        return []


@dataclass
class Bench:
    """A bridge with everything around it."""

    log: FakeLog
    registry: CollectorRegistry
    app: Bridge
    client: httpx.AsyncClient

    def count(self, name: str, **labels: str) -> float:
        """Give the value of a counter."""
        return self.registry.get_sample_value(f"txpush_bridge_{name}_total", labels) or 0.0

    def last_stored(self) -> float:
        """Give when records were last acknowledged."""
        moment = self.registry.get_sample_value("txpush_bridge_last_stored_timestamp_seconds")
        assert moment is not None
        return moment


def bridge_with(
    log: FakeLog, registry: CollectorRegistry, settings: BridgeSettings = SETTINGS, keys: Keys | None = None
) -> Bridge:
    """Give a bridge that writes to the log in memory."""
    return Bridge(settings, log, WallClock(), BridgeMeters(Instruments("bridge", registry)), keys)


@asynccontextmanager
async def bench_with(settings: BridgeSettings = SETTINGS, keys: Keys | None = None) -> AsyncIterator[Bench]:
    """Give a bridge with everything around it."""
    log, registry = FakeLog(), CollectorRegistry()
    app = bridge_with(log, registry, settings, keys)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bridge") as client:
        yield Bench(log, registry, app, client)


def sample(name: str) -> bytes:
    """Read a sample body."""
    return (PAYLOADS / f"synthetic-{name}.json").read_bytes()
