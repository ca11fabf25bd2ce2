"""Transactions as Kafka's coordinator keeps them: an epoch per transactional id, and markers written one by one."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from streams.testing.broker.log import PartitionLog

GroupOffset = tuple[str, str, int]
"""Group, topic and partition."""


class ProducerFenced(Exception):  # noqa: N818 - Kafka's own name
    """Another producer with this transactional id has begun, or the broker has given this one up: end the process."""


class InvalidTransaction(Exception):  # noqa: N818 - the same
    """The call does not fit the state of the transaction, such as a send before `begin`."""


class Stage(Enum):
    """How far a transaction is."""

    OPEN = auto()
    COMMITTED = auto()
    ABORTED = auto()


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction; its end is decided at one moment and shows in each partition once the marker is there."""

    transactional_id: str
    began_at: float
    stage: Stage = Stage.OPEN
    logs: dict[PartitionLog, None] = field(default_factory=dict)
    offsets: dict[GroupOffset, int] = field(default_factory=dict)
    unmarked: list[PartitionLog | None] = field(default_factory=list)
    """Where the marker is still to be written; None stands for the offsets of the groups."""

    @property
    def is_committed(self) -> bool:
        """Whether it was decided to stand."""
        return self.stage is Stage.COMMITTED


class Coordinator:
    """Keeps epochs and transactions; `offsets` are those that every reader of the groups sees."""

    def __init__(self, timeout_seconds: float) -> None:
        self.offsets: dict[GroupOffset, int] = {}
        self.timed_out = 0
        self._timeout_seconds = timeout_seconds
        self._epochs: Counter[str] = Counter()
        self._open: dict[str, Transaction] = {}
        self._ending: dict[str, Transaction] = {}

    def fence(self, transactional_id: str) -> int:
        """Give a new epoch (InitProducerId): the former owner's transaction ends first, markers and all."""
        self._abort_open(transactional_id)
        self.settle(transactional_id)
        self._epochs[transactional_id] += 1
        return self._epochs[transactional_id]

    def require(self, transactional_id: str, epoch: int) -> None:
        """Refuse an owner that has been fenced; raises ProducerFenced."""
        if not self.is_current(transactional_id, epoch):
            raise ProducerFenced(f"{transactional_id} is at epoch {self._epochs[transactional_id]}, not {epoch}")

    def is_current(self, transactional_id: str, epoch: int) -> bool:
        """Tell whether nobody has begun after this epoch."""
        return self._epochs[transactional_id] == epoch

    def begin(self, transactional_id: str, now: float) -> None:
        """Open a transaction, once all markers of the one before are written."""
        if transactional_id in self._open:
            raise InvalidTransaction(f"{transactional_id} has a transaction already")
        self.settle(transactional_id)
        self._open[transactional_id] = Transaction(transactional_id, now)

    def current(self, transactional_id: str) -> Transaction:
        """Give the open transaction; raises InvalidTransaction where there is none."""
        if transactional_id not in self._open:
            raise InvalidTransaction(f"{transactional_id} has no transaction: begin one")
        return self._open[transactional_id]

    def end(self, transactional_id: str, stage: Stage) -> None:
        """Decide a transaction; readers hear of it marker by marker."""
        transaction = self.current(transactional_id)
        del self._open[transactional_id]
        transaction.stage = stage
        transaction.unmarked = [*transaction.logs, *([None] if transaction.offsets else [])]
        if transaction.unmarked:
            self._ending[transactional_id] = transaction

    def _abort_open(self, transactional_id: str) -> None:
        if transactional_id in self._open:
            self.end(transactional_id, Stage.ABORTED)

    @property
    def unmarked(self) -> list[tuple[Transaction, int]]:
        """Every marker that is still to be written: the transaction, and the index in its `unmarked`."""
        return [(one, index) for one in self._ending.values() for index in range(len(one.unmarked))]

    @property
    def is_settled(self) -> bool:
        """Whether every marker is written."""
        return not self._ending

    def mark(self, transaction: Transaction, index: int) -> None:
        """Write one marker."""
        log = transaction.unmarked.pop(index)
        if log is not None:
            log.mark(transaction)
        elif transaction.is_committed:
            self.offsets |= transaction.offsets
        if not transaction.unmarked:
            del self._ending[transaction.transactional_id]

    def settle(self, transactional_id: str | None = None) -> None:
        """Write all markers, or all of one transactional id."""
        for transaction in list(self._ending.values()):
            if transactional_id in (None, transaction.transactional_id):
                while transaction.unmarked:
                    self.mark(transaction, 0)

    def expire(self, now: float) -> None:
        """Abort what has been open for too long; its owner is fenced."""
        for transactional_id, transaction in list(self._open.items()):
            if transaction.began_at + self._timeout_seconds <= now:
                self.end(transactional_id, Stage.ABORTED)
                self._epochs[transactional_id] += 1
                self.timed_out += 1
