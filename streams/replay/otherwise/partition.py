"""The commands of one partition under another policy, held against those that went out, as the replay goes on."""

from collections.abc import Iterator, Sequence

from streams.fold.application import THE_AGENT
from streams.fold.effects import SourceRecord
from streams.history import History, Place
from streams.kafka.topics import CUSTOMER_COMMANDS, TICKETS
from streams.replay.compare.difference import Difference
from streams.replay.lockstep import Keep, Outbox
from streams.replay.otherwise.commands import CommandComparison
from streams.replay.otherwise.said import Said, read
from streams.replay.recorded import MESSAGES_BEFORE_MS, Stream, begin_of
from streams.replay.task import Outcome, Task


class Otherwise:
    """Reads what went out up to the time to which the replay has come; takes the place of a Lockstep."""

    def __init__(self, history: History, task: Task, keep: Keep) -> None:
        self._history = history
        self._task = task
        self._keep = keep
        self._since = self._until = 0
        self._comparison = CommandComparison(str(task.place))
        self._topics = CUSTOMER_COMMANDS if task.application == THE_AGENT else (TICKETS,)
        self._streams: dict[str, Stream] = {}
        self._ahead: dict[str, list[Said]] = {topic: [] for topic in self._topics}

    async def begin(self, at_ms: int) -> None:
        """Begin with what went out since a time.

        Raises:
            HistoryError: something cannot be read.
        """
        self._since = 0 if self._task.is_whole else at_ms
        for topic in self._topics:
            place = Place(topic, self._task.partition)
            span = self._task.recorded[topic]
            if not self._task.is_whole:
                span = await begin_of(self._history, place, span, at_ms, MESSAGES_BEFORE_MS)
            self._streams[topic] = Stream(self._history, place, span)

    async def compare(self, outbox: Outbox, until_ms: int) -> None:
        """Hold what a poll has led to against what went out up to the time of its last record.

        Raises:
            HistoryError: something cannot be read.
        """
        self._until = max(self._until, until_ms)
        derived: list[Said] = []
        for topic in self._topics:
            for one in outbox.get((topic, self._task.partition), ()):
                derived += self._read(one.key, one.value, one.timestamp_ms or until_ms)
        self._tell(self._comparison.derive(derived))
        await self._record(self._until)
        self._tell(self._comparison.settle(self._until))

    async def _record(self, until_ms: float) -> None:
        for topic, stream in self._streams.items():
            ahead = self._ahead[topic]
            while not stream.is_over and not (ahead and ahead[-1].time > until_ms):
                ahead += self._found(await stream.more())
            taken = len(ahead)
            while taken and ahead[taken - 1].time > until_ms:
                taken -= 1
            self._tell(self._comparison.record(ahead[:taken]))
            del ahead[:taken]

    async def end(self, outcome: Outcome) -> None:
        """Compare what is left; what went out behind the time of the last record is not of it, unless that is the end.

        Raises:
            HistoryError: something cannot be read.
        """
        await self._record(float("inf") if self._task.ends else self._until)
        self._tell(self._comparison.end())
        outcome.what_if = self._comparison.what
        for (kind, _, verdict, _), count in self._comparison.what.sorts.items():
            outcome.counts[kind, verdict] += count

    async def close(self) -> None:
        """Let go of what was read with."""
        for stream in self._streams.values():
            await stream.close()

    def _found(self, records: Sequence[SourceRecord]) -> Iterator[Said]:
        for one in records:
            yield from self._read(one.key, one.value, one.timestamp)

    def _read(self, key: bytes | None, value: bytes | None, timestamp: int) -> Iterator[Said]:
        """Read a message that is compared; what is no command is for a replay under the recorded policy to tell."""
        customers = self._task.customers
        if timestamp < self._since or (customers and (key or b"").decode(errors="replace") not in customers):
            return
        try:
            yield read(key, value or b"", timestamp)
        except ValueError:
            return

    def _tell(self, differences: Iterator[Difference]) -> None:
        for difference in differences:
            self._keep(difference)
