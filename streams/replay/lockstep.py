"""What a partition leads to, held against what is recorded, as the replay goes on."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from streams.domain import ENGINE_VERSION
from streams.fold.effects import OutRecord, SourceRecord
from streams.history import History, Place, Span
from streams.kafka.topics import AUDIT
from streams.replay.compare.audits import Audit, AuditComparison
from streams.replay.compare.difference import Difference
from streams.replay.compare.earlier import Earlier, Named
from streams.replay.compare.message import Message, Recorded
from streams.replay.compare.messages import LOOK_AHEAD, MessageComparison
from streams.replay.recorded import BEFORE_MS, FURTHER, AuditStream, Stream, begin_of
from streams.replay.task import Outcome, Task, messages_of

Keep = Callable[[Difference], None]
"""Takes each difference as it is found."""
Outbox = dict[tuple[str, int], list[OutRecord]]


class Lockstep:
    """Compares decisions and messages of one partition; reads what is recorded as far as the replay has come."""

    def __init__(self, history: History, task: Task, keep: Keep) -> None:
        self._history = history
        self._task = task
        self._keep = keep
        place = str(task.place)
        self._decisions = AuditComparison(place, ENGINE_VERSION, of_some=bool(task.customers), decided=task.decided)
        self._audits: AuditStream | None = None
        self._before_ms = BEFORE_MS
        self._messages: list[tuple[Stream, MessageComparison]] = []

    async def begin(self, at_ms: int) -> None:
        """Find where what is compared begins among what is recorded, by the time of its first record.

        Raises:
            HistoryError: something cannot be read.
        """
        task = self._task
        self._audits, first = await self._audits_from(at_ms)
        self._take_recorded(first)
        for topic in messages_of(task.application):
            before = self._before(topic)
            stream, messages = await self._messages_from(topic, at_ms, before)
            comparison = MessageComparison(
                topic,
                str(task.place),
                with_links=task.links is not None,
                was_cut=task.recorded[topic].begin > 0,
                before=None if task.is_whole else before,
                since_ms=at_ms - self._before_ms,
            )
            comparison.record(messages)
            self._messages.append((stream, comparison))

    async def _messages_from(self, topic: str, at_ms: int, before: Sequence[Named]) -> tuple[Stream, list[Recorded]]:
        """Begin with a message that was decided before what is compared: all that is of it lies behind.

        They are read from as far back as decisions are, and so many that those before can be told by their order.
        """
        earlier, place, whole = Earlier(before), Place(topic, self._task.partition), self._task.recorded[topic]
        span, before_ms = whole, self._before_ms
        while True:
            if not self._task.is_whole:
                span = await begin_of(self._history, place, whole, at_ms, before_ms)
            stream = Stream(self._history, place, span)
            records = list(await stream.more())
            while before and not stream.is_over and len(records) < LOOK_AHEAD:
                records += await stream.more()
            known = bool(records) and Recorded.of(records[0]).message in earlier
            if known or span.begin <= whole.begin:
                return stream, list(self._found(records))
            await stream.close()
            before_ms *= FURTHER

    def _before(self, topic: str) -> Sequence[Named]:
        """Give what decisions before what is compared have named of a topic; those on nobody's are on many's."""
        found = self._opened().before
        return [one.named for one in found if one.topic == topic and (one.key is None or self._is_chosen(one.key))]

    async def _audits_from(self, at_ms: int) -> tuple[AuditStream, list[Audit]]:
        task, place, before_ms = self._task, Place(AUDIT, self._task.partition), BEFORE_MS
        compared = Span(task.compared_from, task.span.end)
        while True:
            whole = span = task.recorded[AUDIT]
            if not task.is_whole:
                span = await begin_of(self._history, place, whole, at_ms, before_ms)
            audits = AuditStream(
                Stream(self._history, place, span), task.application.log, compared, is_whole=task.is_whole
            )
            first = await audits.begin()
            if audits.reaches_back or span.begin <= whole.begin:
                self._before_ms = before_ms
                return audits, first
            await audits.stream.close()
            before_ms *= FURTHER

    async def compare(self, outbox: Outbox, until_ms: int) -> None:
        """Hold what a poll has led to against what is recorded; `until_ms` is the time of its last record.

        Raises:
            HistoryError: something cannot be read.
        """
        del until_ms  # both sides go on in step, whatever the time
        partition = self._task.partition
        written = outbox.get((AUDIT, partition), ())
        self._decisions.derive(self._chosen([(one.key, one.value) for one in written if one.value]))
        await self._settle_decisions()
        undecided = set() if self._task.decided else self._decisions.leave()
        for stream, comparison in self._messages:
            said = self._said(outbox.get((comparison.topic, partition), ()))
            comparison.derive(one for one in said if one.id not in undecided)
            self._tell(comparison.settle(is_over=stream.is_over))
            while comparison.needs_recorded and not stream.is_over:
                comparison.record(self._found(await stream.more()))
                self._tell(comparison.settle(is_over=stream.is_over))

    async def _settle_decisions(self) -> None:
        audits = self._opened()
        self._tell(self._decisions.settle(is_over=audits.is_over))
        while self._decisions.needs_recorded and not audits.is_over:
            self._take_recorded(await audits.more())
            self._tell(self._decisions.settle(is_over=audits.is_over))

    async def end(self, outcome: Outcome) -> None:
        """Compare what is left when all is derived, and count.

        Raises:
            HistoryError: something cannot be read.
        """
        audits = self._opened()
        while not audits.is_over:
            self._take_recorded(await audits.more())
            await self._settle_decisions()
        self._tell(self._decisions.end())
        await audits.rest()
        for stream, comparison in self._messages:
            comparison.skip(audits.after)
            while self._task.ends and not stream.is_over:
                comparison.record(self._found(await stream.more()))
            self._tell(comparison.end(is_all=self._task.ends))
            outcome.counts += comparison.counts
        outcome.counts += self._decisions.counts
        outcome.engines += self._decisions.engines
        outcome.undecided = self._decisions.undecided

    async def close(self) -> None:
        """Let go of what was read with."""
        if self._audits is not None:
            await self._audits.stream.close()
        for stream, _ in self._messages:
            await stream.close()

    # -- both sides

    def _opened(self) -> AuditStream:
        if self._audits is None:
            raise RuntimeError("begin first")
        return self._audits

    def _tell(self, differences: Iterator[Difference]) -> None:
        for difference in differences:
            self._keep(difference)

    def _is_chosen(self, key: bytes | None) -> bool:
        customers = self._task.customers
        return not customers or (key is not None and key.decode(errors="replace") in customers)

    def _chosen(self, audits: Sequence[Audit]) -> Sequence[Audit]:
        """Give the decisions on the customers that are asked for: all of them, as they are, where none are named."""
        return [one for one in audits if self._is_chosen(one[0])] if self._task.customers else audits

    def _take_recorded(self, audits: Sequence[Audit]) -> None:
        self._decisions.record(self._chosen(audits))

    def _said(self, records: Iterable[OutRecord]) -> Iterator[Message]:
        for one in records:
            if self._is_chosen(one.key):
                yield Message.of(one.key, one.value, one.headers, one.timestamp_ms)

    def _found(self, records: Sequence[SourceRecord]) -> Iterator[Recorded]:
        return (Recorded.of(one) for one in records if self._is_chosen(one.key))
