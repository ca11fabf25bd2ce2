"""The bridge as a process that refuses what is not signed, on a real Kafka, and what became of what was sent to it."""

import hashlib
import pickle
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.bridge.services.callers import Caller, Callers
from streams.bridge.settings import BridgeSettings
from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing
from tests.integration.bridge.hostile.wire import Reply, Wire, request
from tests.processes import ROOT, Program, free_port, started
from tests.unit.bridge.signed import CUSTOMER, KEYS, SEALING_KEY, SIGNING, txpush
from tests.waiting import wait_until

PAYLOADS = ROOT / "tests" / "payloads"
BODY = (PAYLOADS / "synthetic-txpush-account-modified-185.json").read_bytes()
DONE = (PAYLOADS / "synthetic-dataconnect-done.json").read_bytes()
KEY = KEYS["5900000001"]
TOKEN = "t" * 20
TXPUSH, CONNECT, EVENTS = f"/{TOKEN}/txpush", f"/{TOKEN}/connect", "/v1/events"
SERVICE_TOKEN = "s" * 32
PROXY_SECRET = "p" * 20
CERTIFICATE = "CN=app,O=Example"
MAILER, APP = Caller("mailer", frozenset({"command.reported"})), Caller("app", frozenset({"command.reported"}))
CLOUD_EVENT = {"Content-Type": "application/cloudevents+json"}
SERVICE = CLOUD_EVENT | {"Authorization": f"Bearer {SERVICE_TOKEN}"}
REPORT = orjson.dumps(
    {
        "specversion": "1.0",
        "id": "report-1",
        "source": "/services/mailer",
        "type": "command.reported",
        "data": {
            "command_id": "5b0c1111-0000-5000-8000-000000000000",
            "customerId": "7000000042",
            "report": "delivered",
        },
    }
)
PARTITIONS = 3
MAX_BODY = 100_000
READ_SECONDS = 1.0
HEADER_SECONDS = 1.5
MAX_MEGABYTES = 300
"""Resident memory of the bridge at its highest: about 100 at the start, and the limits add the rest."""
LAUNCH = """
import logging, pickle, sys
from streams.bridge.command import run_bridge
logging.basicConfig(level=logging.INFO)
sys.exit(run_bridge(pickle.loads(bytes.fromhex(sys.argv[1]))))
"""


class Record(NamedTuple):
    """A record that was written; its value was JSON."""

    key: bytes | None
    value: dict[str, Any]
    headers: dict[str, bytes]
    timestamp_ms: int


@dataclass
class Written:
    """What came to the topics of a bridge meanwhile, in the order of each partition."""

    events: list[Record] = field(default_factory=list)
    letters: list[Record] = field(default_factory=list)

    @property
    def values(self) -> list[dict[str, Any]]:
        """What the events say; fails where anything was set aside."""
        assert self.letters == []
        return [event.value for event in self.events]

    @property
    def letter(self) -> dict[str, Any]:
        """What the only dead letter says; fails where there is anything else."""
        assert (len(self.letters), self.events) == (1, [])
        return self.letters[0].value


@dataclass
class Target:
    """A bridge that runs, and the topics of its own."""

    settings: BridgeSettings
    bridge: Program

    def wire(self, source: str = "127.0.0.1") -> Wire:
        """Connect."""
        return Wire(self.settings.port, source)

    def say(self, *parts: bytes, method: str = "POST", source: str = "127.0.0.1") -> Reply | None:
        """Write to a connection of its own and give the first answer."""
        with self.wire(source) as wire:
            return wire.send(*parts).reply(method)

    def status(self, *parts: bytes) -> int | None:
        """Give the status of the first answer; None where the connection was closed without one."""
        reply = self.say(*parts)
        return None if reply is None else reply.status

    def post(self, body: bytes = BODY, headers: Mapping[str, str] | None = None, target: str = TXPUSH) -> Reply:
        """Send a body, signed as it should be unless told otherwise."""
        reply = self.say(request(target, body, txpush(body, KEY) if headers is None else headers))
        assert reply is not None
        return reply

    def ends(self, topic: str) -> list[int]:
        """Give how many records each partition of a topic has."""
        consumer = Consumer({"bootstrap.servers": self.settings.bootstrap, "group.id": "counting"})
        try:
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            return [consumer.get_watermark_offsets(place, timeout=20)[1] for place in places]
        finally:
            consumer.close()

    def written(self) -> int:
        """Give how many records there are, events and dead letters."""
        return sum(sum(self.ends(topic)) for topic in self._topics)

    def records(self, topic: str, after: Sequence[int] = (0,) * PARTITIONS) -> list[Any]:
        """Give the records of a topic behind so many of each partition."""
        consumer = Consumer({"bootstrap.servers": self.settings.bootstrap, "group.id": "reading"})
        try:
            consumer.assign([TopicPartition(topic, number, offset) for number, offset in enumerate(after)])
            wanted = sum(self.ends(topic)) - sum(after)
            found: list[Any] = []
            while len(found) < wanted:
                found += consumer.consume(wanted - len(found), timeout=20)
            return found
        finally:
            consumer.close()

    @contextmanager
    def writing(self) -> Iterator[Written]:
        """Give, at the end of the block, all that was written in it."""
        before = [self.ends(topic) for topic in self._topics]
        written = Written()
        yield written
        written.events, written.letters = (
            [_read(record) for record in self.records(topic, after)]
            for topic, after in zip(self._topics, before, strict=True)
        )

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        """Hold that what is done meanwhile leaves no record anywhere."""
        before = self.written()
        yield
        assert self.written() == before

    @property
    def _topics(self) -> tuple[str, str]:
        return self.settings.events_topic, self.settings.dead_letter_topic

    def outcomes(self, outcome: str) -> float:
        """Give how many requests came to this, whatever their route."""
        return self.bridge.metric(f'txpush_bridge_requests_total{{outcome="{outcome}",')

    def megabytes(self) -> float:
        """Give the resident memory of the bridge at its highest until now."""
        status = Path(f"/proc/{self.bridge.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def subscribe(self, account_id: str, *keys: str, sealing_key: str = SEALING_KEY) -> None:
        """Have keys of an account on the topic, one after the other, as `txpush subscribe` writes them."""
        held, name = None, record_key(CUSTOMER, account_id)
        for key in keys:
            grants = [Grant("1", "account", key), Grant("2", "transaction", f"{key}-transaction")]
            held = renewed(held, grants, "https://callback", "2026-11-01T03:00:00Z")
        assert held is not None
        producer = Producer({"bootstrap.servers": self.settings.bootstrap, "partitioner": "murmur2_random"})
        producer.produce(self.settings.subscriptions_topic, Sealing([sealing_key]).seal(name, held), name)
        assert producer.flush(20) == 0

    def is_unhurt(self) -> bool:
        """Hold what holds whatever was sent: it runs, takes what is signed, and neither failed nor grew."""
        assert self.bridge.alive
        assert self.post().status == 200
        words = self.bridge.said()
        assert "Traceback" not in words
        assert "a request failed" not in words
        assert self.outcomes("failed") == 0
        assert self.megabytes() < MAX_MEGABYTES
        return True


def _read(record: Any) -> Record:  # noqa: ANN401 - confluent_kafka has no types
    headers = dict(record.headers() or ())
    return Record(record.key(), orjson.loads(record.value()), headers, record.timestamp()[1])


def digest(token: str) -> str:
    """Give what is known of a service's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def settings_on(bootstrap: str) -> BridgeSettings:
    """Give the settings of a bridge with topics of its own and short waits."""
    name = uuid.uuid4().hex[:8]
    return BridgeSettings(
        bootstrap,
        (TOKEN,),
        port=free_port(),
        admin_port=free_port(),
        events_topic=f"events-{name}",
        dead_letter_topic=f"letters-{name}",
        subscriptions_topic=f"subscriptions-{name}",
        max_body_bytes=MAX_BODY,
        read_seconds=READ_SECONDS,
        header_seconds=HEADER_SECONDS,
        signing=SIGNING,
        callers=Callers(((digest(SERVICE_TOKEN).encode(), MAILER),), {CERTIFICATE.encode(): APP}, (PROXY_SECRET,)),
    )


def create_topics(settings: BridgeSettings) -> None:
    """Create the topics that the settings name."""
    create(settings, settings.events_topic, settings.dead_letter_topic, settings.subscriptions_topic)


def create(settings: BridgeSettings, *names: str) -> None:
    """Create topics."""
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    for created in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
        created.result(20)


@contextmanager
def target_with(settings: BridgeSettings, log: Path) -> Iterator[Target]:
    """Run a bridge that takes notifications and knows the signing keys; it is killed at the end."""
    command = ("-c", LAUNCH, pickle.dumps(settings).hex())
    bridge = Program(command, {}, log, settings.admin_port)
    with started(bridge):
        bridge.until_ready()
        yield Target(settings, bridge)


@contextmanager
def another(target: Target, log: Path, **changed: Any) -> Iterator[Target]:  # noqa: ANN401 - settings by name
    """Run a second bridge on the same topics, with other settings."""
    settings = replace(target.settings, port=free_port(), admin_port=free_port(), **changed)
    with target_with(settings, log) as other:
        yield other


def until(condition: Callable[[], object]) -> None:
    """Wait for something that other processes do."""
    wait_until(condition, seconds=20)
