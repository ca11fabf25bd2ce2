"""An executor as a process, and what the agent would write for it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.commands import Lookup, LookupAction
from streams.fold.intake import partition_of
from streams.kafka import topics
from streams.links import FixLinks
from tests.integration.executor.vendor import SECRET, Stand
from tests.processes import CLI, Program, free_port, settings_for, started
from tests.waiting import wait_until

KEY = "0f" * 32
TOKEN = "canary-callback-token"  # noqa: S105 - of this test
FIX = "remediation.connect-fix"
CANARIES = ("canary", "987654321", KEY, "generate/fix", "signature")
wait_for = partial(wait_until, seconds=30.0)
LINKS = FixLinks([bytes.fromhex(KEY)], "https://fix.example.com")


def new_command() -> str:
    """Give the id of a command of a test's own."""
    return str(uuid.uuid4())


@dataclass
class Executor(Program):
    """An executor, and the port that customers reach."""

    port: int = field(kw_only=True)

    def link(self, command_id: str, page: str = "") -> str:
        """Give the address of a command's link on this machine."""
        return f"http://127.0.0.1:{self.port}/fix/{LINKS.token(command_id, datetime.now(UTC))}{page}"

    def press(self, command_id: str, seconds: float = 20.0) -> httpx.Response:
        """Press the button of a command's link."""
        return httpx.post(self.link(command_id), timeout=seconds)


@contextmanager
def executor(bootstrap: str, vendor: Stand, log: Path, /, **changed: str) -> Iterator[Executor]:
    """Run an executor; at the end it is killed if it still runs."""
    port = free_port()
    settings = {
        "LINK_URL": "https://fix.example.com",
        "LINK_KEYS": KEY,
        "PUBLIC_URL": "https://hooks.example.com",
        "CALLBACK_TOKENS": TOKEN,
        "VENDOR_URL": vendor.url,
        "APP_KEY": "canary-app-key",
        "PARTNER_ID": "1",
        "PARTNER_SECRETS": SECRET,
        "EXECUTOR_PORT": str(port),
        "INSTANCE": "executor-0",
    }
    made = Executor((*CLI, "executor"), settings_for(bootstrap, **(settings | changed)), log, port=port)
    with started(made):
        made.until(lambda: made.ask("healthz")[0])
        yield made


@dataclass
class Log:
    """Writes what the agent writes, and reads what the executor does."""

    bootstrap: str
    customer: str = field(default_factory=lambda: str(uuid.uuid4().int % 10**10))

    def command(self, command_id: str, sequence: int = 0, action: str = "issue", *, commit: bool = True) -> None:
        """Write a command message, in a transaction as the agent does."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": f"test-{uuid.uuid4()}"})
        producer.init_transactions(20)
        producer.begin_transaction()
        data = {
            "command_id": command_id,
            "sequence": sequence,
            "action": action,
            "customer_id": self.customer,
            "institution_login_id": "7100000007",
            "institution_id": "102105",
        }
        self._produce(producer, FIX, json.dumps(data).encode())
        producer.flush(10)
        if commit:
            producer.commit_transaction(20)
        else:
            producer.abort_transaction(20)

    def look_up(self, action: LookupAction) -> None:
        """Write a look-up."""
        asked = Lookup(
            action=action,
            customer_id=self.customer,
            institution_login_id="7100000007" if action is LookupAction.VERIFY else None,
            account_ids=("5900000001",),
        )
        producer = Producer({"bootstrap.servers": self.bootstrap})
        self._produce(producer, topics.LOOKUP, asked.model_dump_json().encode())
        assert producer.flush(10) == 0

    def _produce(self, producer: Producer, topic: str, value: bytes) -> None:
        place = partition_of(self.customer, topics.EMBEDDED.partitions)
        producer.produce(topic, value, self.customer.encode(), partition=place)

    def observed(self) -> list[Any]:
        """Give the values of this customer's observations on the inbound log."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "test", "isolation.level": "read_committed"}
        )
        place = TopicPartition(topics.EVENTS, partition_of(self.customer, topics.EMBEDDED.partitions), 0)
        end = consumer.get_watermark_offsets(place, 10)[1]
        consumer.assign([place])
        found: list[Any] = []
        while len(found) < end:
            found += [one for one in consumer.consume(100, 1.0) if not one.error()]
        consumer.close()
        return [json.loads(one.value()) for one in found if one.key() == self.customer.encode()]
