"""A snapshot of one partition derived: its log is folded up to the mark, and held against what was decided live."""

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.contract import VERSION
from schemas.state.partitions import STATE_VERSION
from streams.domain import ENGINE_VERSION
from streams.fold.application import Application
from streams.fold.effects import PartitionPaused
from streams.history import History, HistoryError, Origin, Place, Span
from streams.history.chains import begun_as
from streams.replay.fold import Made, PartitionFold, polls
from streams.replay.partition import shipped
from streams.replay.work import folded_alone
from streams.snapshots.checking import held, links_around
from streams.snapshots.file import FORMAT, Head, write_draft
from streams.snapshots.folder import draft_of, path_of
from streams.snapshots.state import control_of, digest_of, lines_of

Progress = Callable[[int], None]
"""Hears how many records more were folded."""


@dataclass(frozen=True, slots=True)
class Order:
    """A snapshot to take.

    Attributes:
        application: whose log it is.
        partition: its number.
        folder: where it goes.
        offset: of the mark.
        time_ms: of the mark, milliseconds since 1970.
        start: the snapshot to go on from; None for the beginning.
        begin: the first offset to fold.
        former: names that the log had before it was restored.
    """

    application: Application
    partition: int
    folder: Path
    offset: int
    time_ms: int
    start: Path | None
    begin: int
    former: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """The partition."""
        return Place(self.application.log, self.partition)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an order.

    Attributes:
        place: the partition.
        head: of the draft that was written; None where there is none.
        path: where the draft goes once it is announced.
        folded: how many records were folded for it.
        seconds: how long that took.
        differs: how the state is not the one that was decided on; None where it is.
        error: why it could not be derived; None where it was.
    """

    place: Place
    head: Head | None = None
    path: Path | None = None
    folded: int = 0
    seconds: float = 0.0
    differs: str | None = None
    error: str | None = None


async def take(history: History, order: Order, progress: Progress = lambda _: None) -> Taken:
    """Derive a state and write its draft; what keeps it from being taken is in what it gives."""
    try:
        return await _Taking(history, order, progress).take()
    except (HistoryError, PartitionPaused, OSError) as error:
        return Taken(order.place, error=str(error))


class _Taking:
    def __init__(self, history: History, order: Order, progress: Progress) -> None:
        self._history = history
        self._order = order
        self._progress = progress
        self._folded = 0
        self._name = ""
        """What the chain began with."""

    async def take(self) -> Taken:
        """Fold up to the last recorded decision, where the chain's hash says that all is as live had it, then on."""
        began, order = time.monotonic(), self._order
        fold = await self._opened()
        before, _ = await links_around(self._history, order.place, order.offset, order.time_ms)
        decided = order.begin if before is None else max(order.begin, before.offset + 1)
        await self._fold(fold, Span(order.begin, decided))
        if (
            before is not None
            and (derived := control_of(fold.fold.tables, order.partition).audit_head) != before.sha256
        ):
            differs = (
                f"{order.place}: up to offset {before.offset} the log leads to decision {derived or 'none'}, and "
                f"{before.sha256} is recorded: no snapshot was taken; `txpush replay` says what differs, and a "
                "restored cluster needs --former, as for `txpush audit verify`"
            )
            return Taken(order.place, differs=differs)
        await self._fold(fold, Span(decided, order.offset))
        head = self._head(fold)
        path = path_of(order.folder, order.place, order.offset)
        write_draft(draft_of(path), head, lines_of(fold.fold.tables, order.partition))
        return Taken(order.place, head, path, self._folded, time.monotonic() - began)

    async def _opened(self) -> PartitionFold:
        history, order = self._history, self._order
        application, start = order.application, None
        if order.start is not None:
            start = await held(history, order.place, order.start, order.former)
        elif order.begin:
            raise HistoryError(
                f"the first records of {order.place} are not there any more (it begins at offset {order.begin}), and "
                "there is no snapshot to go on from: name the folder that has the others"
            )
        identity = await begun_as(history, order.place, order.former) if start is None else start.head.log
        self._name = identity
        span = Span(order.begin, order.offset)
        rules = await shipped(history, application, order.place, span, start)
        made = Made(application, identity, history.partitions, rules)
        return PartitionFold(made.fold(), order.partition, None if start is None else start.tables)

    async def _fold(self, fold: PartitionFold, span: Span) -> None:
        if not span.offsets:
            return
        chunks: Any = self._history.read(self._order.place, span)
        cut: Any = polls(chunks, span.end)
        async with aclosing(chunks), aclosing(cut):
            async for poll in cut:
                fold.take(poll)
                self._folded += len(poll)
                self._progress(len(poll))

    def _head(self, fold: PartitionFold) -> Head:
        order = self._order
        digest = digest_of(lines_of(fold.fold.tables, order.partition))
        return Head(
            format=FORMAT,
            log=self._name,
            topic=order.place.topic,
            partition=order.partition,
            partitions=self._history.partitions,
            offset=order.offset,
            time_ms=order.time_ms,
            state_sha256=digest.sha256,
            records=digest.records,
            state_version=STATE_VERSION,
            audit_head=control_of(fold.fold.tables, order.partition).audit_head,
            release=VERSION,
            engine_version=ENGINE_VERSION,
        )


def take_alone(origin: Origin, order: Order, progress: Progress) -> Taken:
    """Do it in a process of its own; what keeps it from being taken is in what it gives."""
    try:
        return folded_alone(origin, lambda history: take(history, order, progress))
    except HistoryError as error:
        return Taken(order.place, error=str(error))
