"""What the reference loops share: the agent's own fold on plain tables, and records written in hand-built batches."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from aiokafka import AIOKafkaConsumer

from schemas.catalogue import Catalogue
from schemas.events import PolicyActivated, Source
from schemas.policy import Policy
from schemas.state import encode
from streams.agent.decider import AgentDecider
from streams.agent.tables import AgentTables
from streams.clock import WallClock
from streams.fold import Effects, SourceRecord
from streams.fold.effects import OutRecord
from streams.fold.inforce import InForce
from streams.fold.intake import EVENT_SOURCES, Intake
from streams.fold.logfold import LogFold, LogSettings
from streams.kafka.identity import log_identity
from streams.kafka.topics import AGENT, EVENTS, changelog
from streams.settings import Settings
from streams.transport.tables import StateTable
from streams.worker.app import collect_rarely

MAX_POLL_RECORDS = 4000
MAX_BATCH_BYTES = 1 << 20
MAX_REQUEST_BYTES = 1 << 23


class PlainTable:
    """Values by partition, as the fold reads them: no Faust, and never restored."""

    def __init__(self, name: str, write: Callable[[Any], bytes] = encode) -> None:
        self.topic = changelog(AGENT, name)
        self.encode = write
        self._parts: dict[int, dict[str, Any]] = {}

    def partition(self, partition: int) -> dict[str, Any]:
        """Give the values of one partition."""
        return self._parts.setdefault(partition, {})

    def apply(self, partition: int, changes: Mapping[str, Any]) -> None:
        """Keep what has been written."""
        part = self.partition(partition)
        for key, value in changes.items():
            if value is None:
                part.pop(key, None)
            else:
                part[key] = value


def write_activation(activation: PolicyActivated) -> bytes:
    """Write rules in force as the agent does."""
    return activation.model_dump_json().encode()


async def fold_on(settings: Settings, table: Callable[..., Any]) -> LogFold:
    """Give the agent's fold on tables that `table` makes from a name, and how their values are written."""
    collect_rarely()
    log_settings = LogSettings(
        log=EVENTS,
        identity=await log_identity(settings.bootstrap, EVENTS),
        source=Source.AGENT,
        intake=Intake(EVENT_SOURCES, settings.partitions),
        shipped=InForce.of(Policy.load(), Catalogue.load()),
        clock=WallClock(),
    )
    tables = AgentTables(table("accounts"), table("logins"), table("customers"), table("surroundings"))
    decider = AgentDecider(tables, settings.partitions)
    return LogFold(log_settings, decider, table("control"), table("policies", write_activation), lambda _tally: None)


def plain_table(name: str, write: Callable[[Any], bytes] = encode) -> StateTable:
    """Give a plain table in the place of the fold's own."""
    return cast("StateTable", PlainTable(name, write))


class PlainFold:
    """Polls in, records to write out; the tables follow once those are acknowledged."""

    def __init__(self, fold: LogFold) -> None:
        self._fold = fold
        self._opened: set[int] = set()

    def decide(self, partition: int, records: Sequence[SourceRecord]) -> Effects:
        """Decide on a poll and give all that it leads to, changed state included."""
        if partition not in self._opened:
            self._opened.add(partition)
            self._fold.opened(partition)
        effects = self._fold.fold(partition, records)
        for table, changes in effects.changes.items():
            if changes:
                write = table.encode
                effects.outbox.records[table.topic, partition].extend(
                    OutRecord(key.encode(), None if value is None else write(value)) for key, value in changes.items()
                )
        return effects

    def acknowledged(self, partition: int, effects: Effects) -> None:
        """Go on from the new state."""
        for table, changes in effects.changes.items():
            table.apply(partition, changes)
        self._fold.committed(partition, effects)


def consumer(settings: Settings) -> AIOKafkaConsumer:
    """Give a member of the agent's group that reads as the agent does."""
    return AIOKafkaConsumer(
        EVENTS,
        bootstrap_servers=settings.bootstrap,
        group_id=AGENT,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_bytes=16 << 20,
        fetch_max_wait_ms=100,
    )


async def send_batches(producer: Any, effects: Effects) -> list[Any]:  # noqa: ANN401 - untyped library
    """Send the records in batches filled by hand and give the futures of their acknowledgements."""
    sent = []
    for (topic, partition), records in effects.outbox.records.items():
        batch = producer.create_batch()
        for record in records:
            fields = {
                "key": record.key,
                "value": record.value,
                "timestamp": record.timestamp_ms,
                "headers": list(record.headers),
            }
            if batch.append(**fields) is None:
                sent.append(await _closed(producer, batch, topic, partition))
                batch = producer.create_batch()
                batch.append(**fields)
        sent.append(await _closed(producer, batch, topic, partition))
    return sent


async def _closed(producer: Any, batch: Any, topic: str, partition: int) -> Any:  # noqa: ANN401 - the same
    batch.close()
    return await producer.send_batch(batch, topic, partition=partition)
