"""A sandbox, a real Kafka, and `txpush sweep` between them as it ships."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.events import AccountSnapshot, Event
from schemas.health import AccountHealth, Phase
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.clock import WallClock
from streams.fold.intake import EVENT_SOURCES, Intake, partition_of
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, EVENTS, HEALTH
from streams.sandbox import FaultName, Opening, Sandbox, Truth
from tests.processes import CLI, environment, settings_for
from tests.waiting import until

SECONDS = 60.0
PLACES = [TopicPartition(EVENTS, number) for number in range(EMBEDDED.partitions)]
ONE = (Opening("checking", "canary-name", 987654.32, "canary-number"),)
CANARIES = ("canary", "987654", "sandbox-secret", "sandbox-app-key")


@dataclass
class Ended:
    """How a sweep ended, and what the log has of it."""

    code: int
    out: str
    err: str
    events: list[Event] = field(default_factory=list)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Give type and account of every event, in order of accounts."""
        data = [(event.type, event.data) for event in self.events]
        return sorted((kind, one.account_id) for kind, one in data if isinstance(one, AccountSnapshot))


@dataclass
class Bench:
    """A sandbox, a Kafka, and the command between them."""

    kafka: EmbeddedKafka
    sandbox: Sandbox
    url: str
    folder: Path
    secret: str = "sandbox-secret-1"  # noqa: S105 - everybody knows it
    customers: list[str] = field(default_factory=list)

    def enrol(self, code: int | None = None) -> Truth:
        """Have a customer with one account, aggregated once; gives how it stands."""
        customer = self.sandbox.add_customer()
        login = self.sandbox.add_login(customer, "102105", "demo", "go", ONE)
        if code:
            self.sandbox.set_login(login.id, trouble=code)
        self.sandbox.refresh(login.id)
        self.customers.append(customer)
        return next(one for one in self.sandbox.truth() if one.customer_id == customer)

    async def know(self, truth: Truth, **fields: Any) -> None:  # noqa: ANN401 - fields of the health
        """Have an account known as it stands, but for these fields; heard of an hour ago."""
        told = {
            "customer_id": truth.customer_id,
            "account_id": truth.account_id,
            "institution_id": truth.institution_id,
            "institution_login_id": truth.institution_login_id,
            "phase": Phase.HEALTHY,
            "code": truth.code,
            "attempted_at": from_epoch_ms(to_epoch_ms(truth.attempted_at or WallClock().now()) // 1000 * 1000),
            "heard_at": WallClock().now() - timedelta(hours=1),
            "healthy_at": None,
            "commands": (),
        }
        health = AccountHealth(**{**told, **fields})
        key = f"{truth.customer_id}/{truth.account_id}".encode()
        partition = partition_of(truth.customer_id, EMBEDDED.partitions)
        async with self._producer() as producer:
            await producer.send_and_wait(HEALTH, health.model_dump_json().encode(), key=key, partition=partition)

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[Any]:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def begin(self, *words: str, bootstrap: str | None = None) -> Process:
        """Start the command."""
        settings = settings_for(
            bootstrap or self.kafka.bootstrap,
            VENDOR_URL=self.url,
            APP_KEY="sandbox-app-key",
            PARTNER_ID="sandbox-partner",
            PARTNER_SECRETS=self.secret,
            VENDOR_PER_SECOND="1000",
        )
        command = [sys.executable, *CLI, "sweep", *words]
        return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment(settings))

    async def end(self, process: Process, ends: dict[TopicPartition, int]) -> Ended:
        """Wait for its end, and read what it has written."""
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
        assert process.returncode is not None
        ended = Ended(process.returncode, out.decode(), err.decode(), await self.written(ends))
        for canary in CANARIES:
            assert canary not in f"{ended.out}{ended.err}{ended.events}"
        return ended

    async def sweep(self, *words: str) -> Ended:
        """Run the command to its end."""
        ends = await self.ends()
        return await self.end(await self.begin(*words), ends)

    async def ends(self) -> dict[TopicPartition, int]:
        """Give where the log ends now."""
        async with self._consumer() as consumer:
            found: dict[TopicPartition, int] = await consumer.end_offsets(PLACES)
            return found

    async def written(self, since: dict[TopicPartition, int]) -> list[Event]:
        """Give what was written into the log since, as the agent lets it in."""
        intake, events = Intake(EVENT_SOURCES, EMBEDDED.partitions), list[Event]()
        async with self._consumer() as consumer:
            ends = await consumer.end_offsets(PLACES)
            consumer.assign(PLACES)
            for place in PLACES:
                consumer.seek(place, since[place])
            while any([await consumer.position(place) < ends[place] for place in PLACES]):
                for place, records in (await consumer.getmany(timeout_ms=100)).items():
                    events += [intake.read(record, place.partition, lambda _key: False) for record in records]
        return events

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    def file(self, name: str) -> str:
        """Give a path in a folder of the test."""
        return str(self.folder / name)

    def slow_sweep(self, customers: int) -> tuple[str, ...]:
        """Enrol customers of whom nobody has heard, and give the words of a sweep that takes its time with them."""
        for _ in range(customers):
            self.enrol()
        self.sandbox.set_fault("slow", seconds=0.2)
        return "--customers", self.listed(), "--state", self.file("state.json"), "--at-once", "2"

    async def until_called(self, times: int) -> None:
        """Wait until the sandbox was called so often, and was slow."""
        await until(lambda: self.sandbox.faults.happened[FaultName.SLOW] >= times)

    def listed(self) -> str:
        """Write the customers of this test into a file, and give its path."""
        (self.folder / "customers.txt").write_text("\n".join(self.customers))
        return self.file("customers.txt")
