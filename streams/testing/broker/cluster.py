"""Topics, transactional producers and readers of a cluster in memory; nothing waits, and no thread runs."""

from collections.abc import Iterable
from enum import Enum

from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.fold.effects import OutRecord
from streams.testing.broker.log import PartitionLog, Record
from streams.testing.broker.transactions import Coordinator, Stage

Place = tuple[str, int]
TRANSACTION_SECONDS = 10.0


class Isolation(Enum):
    """What a reader may see."""

    READ_COMMITTED = True
    READ_UNCOMMITTED = False


class UnknownTopic(LookupError):  # noqa: N818 - the broker's words
    """There is no such topic or partition: create it first, topics never make themselves."""


class Cluster:
    """A cluster; `clock` stamps records that bring no time, `elapsed` is what sessions and transactions run by."""

    def __init__(self, clock: Clock, transaction_seconds: float = TRANSACTION_SECONDS) -> None:
        self.clock = clock
        self.elapsed = 0.0
        self.transactions = Coordinator(transaction_seconds)
        self._logs: dict[Place, PartitionLog] = {}

    def create(self, topics: Iterable[str], partitions: int) -> None:
        """Make topics; those that exist stay as they are."""
        for topic in topics:
            for partition in range(partitions):
                self._logs.setdefault((topic, partition), PartitionLog())

    def log(self, topic: str, partition: int) -> PartitionLog:
        """Give a partition; raises UnknownTopic."""
        try:
            return self._logs[topic, partition]
        except KeyError:
            raise UnknownTopic(f"{topic}/{partition} does not exist") from None

    def partitions(self, topic: str) -> list[PartitionLog]:
        """Give the partitions of a topic in order; none for a topic that does not exist."""
        return [log for (name, _), log in self._logs.items() if name == topic]

    @property
    def places(self) -> Iterable[Place]:
        """Every topic and partition."""
        return self._logs.keys()

    def append(self, topic: str, partition: int, record: OutRecord) -> int:
        """Write a record outside of transactions, as an idempotent producer does, and give its offset."""
        return self.log(topic, partition).append(record, self.timestamp(record))

    def timestamp(self, record: OutRecord) -> int:
        """Give the CreateTime of a record."""
        return to_epoch_ms(self.clock.now()) if record.timestamp_ms is None else record.timestamp_ms

    def read(
        self, topic: str, partition: int, isolation: Isolation = Isolation.READ_COMMITTED, position: int = 0
    ) -> list[Record]:
        """Give all that a reader sees of a partition."""
        log = self.log(topic, partition)
        return log.read(position, log.end, committed=isolation.value)[0]

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Give the offset that a group has committed, None for none; never that of a transaction without its marker."""
        return self.transactions.offsets.get((group, topic, partition))

    def producer(self, transactional_id: str) -> "TransactionalProducer":
        """Start a transactional producer: the former one of this id is fenced and its open transaction aborted."""
        return TransactionalProducer(self, transactional_id, self.transactions.fence(transactional_id))

    def wait(self, seconds: float) -> None:
        """Let the broker's time pass: transactions that stay open too long are aborted."""
        self.elapsed += seconds
        self.transactions.expire(self.elapsed)


class TransactionalProducer:
    """The producer of one epoch; every call raises ProducerFenced once there is a newer one."""

    __slots__ = ("_cluster", "_epoch", "_id")

    def __init__(self, cluster: Cluster, transactional_id: str, epoch: int) -> None:
        self._cluster = cluster
        self._id = transactional_id
        self._epoch = epoch

    def begin(self) -> None:
        """Open a transaction. As in aiokafka the broker hears of it with the first record; nobody is fenced here."""
        if self._is_current():
            self._cluster.transactions.begin(self._id, self._cluster.elapsed)

    def send(self, topic: str, partition: int, records: Iterable[OutRecord]) -> None:
        """Write records in the transaction."""
        self._require()
        cluster = self._cluster
        transaction, log = cluster.transactions.current(self._id), cluster.log(topic, partition)
        transaction.logs[log] = None
        for record in records:
            log.append(record, cluster.timestamp(record), transaction)

    def send_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Add the offset of a group to the transaction."""
        self._require()
        self._cluster.transactions.current(self._id).offsets[group, topic, partition] = offset

    def commit(self) -> None:
        """Decide that the transaction stands; its markers are still to be written."""
        self._require()
        self._cluster.transactions.end(self._id, Stage.COMMITTED)

    def _require(self) -> None:
        self._cluster.transactions.require(self._id, self._epoch)

    def _is_current(self) -> bool:
        return self._cluster.transactions.is_current(self._id, self._epoch)
