"""Snapshots of the partitions that are due: marked, derived, as many at once as there are cores, announced, kept."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from schemas.times import to_epoch_ms
from streams.fold.application import APPLICATIONS
from streams.history import History, HistoryError, Origin, Place, Span
from streams.pool import done_in_pool
from streams.snapshots.announcing import Write, announcement, marks
from streams.snapshots.file import publish, read_head
from streams.snapshots.folder import draft_of, latest_before, remove_drafts, snapshots_in
from streams.snapshots.taking import Order, Taken, take, take_alone

VISIBLE_SECONDS = 60.0
"""How long a transaction that was open at the mark may hide it: brokers end it in 30."""
LOOK_SECONDS = 0.2
_BY_LOG = {application.log: application for application in APPLICATIONS}

Folded = Callable[[int, int], None]
"""Hears how many records more were folded, of how many in all."""


@dataclass(frozen=True, slots=True)
class HowTaken:
    """How snapshots are taken.

    Attributes:
        folder: where they go, and where those are that they go on from.
        write: puts records into the logs.
        now: the time of the logs' clock.
        every: younger ones are left alone; None takes all.
        jobs: processes; 1 does it in this one.
        former: names that the logs had before they were restored, `<cluster id>/<topic id>`.
    """

    folder: Path
    write: Write
    now: Callable[[], datetime]
    every: timedelta | None = None
    jobs: int = 1
    former: tuple[str, ...] = ()


async def run(origin: Origin, how: HowTaken, folded: Folded = lambda _more, _all: None) -> list[Taken]:
    """Take the snapshots that are due, and give what came of each.

    Raises:
        HistoryError: nothing can be read; what fails at one partition is in its part.
        OperateError, ClusterError, KafkaError, OSError: nothing can be written.
    """
    remove_drafts(how.folder)
    async with origin.open() as history:
        known = snapshots_in(how.folder)
        spans = await history.spans(_BY_LOG)
        due = [place for place in spans if _is_due(known.get(place, {}), how)]
        at, failed, marked = how.now(), list[Taken](), dict[Place, int]()
        for log in dict.fromkeys(place.topic for place in due):
            outcome = await how.write(marks(log, [one.partition for one in due if one.topic == log], at))
            marked |= {Place(one.topic, one.partition): one.offset for one in outcome.written}
            failed += [Taken(Place(log, one.partition or 0), error=f"no mark: {one.why}") for one in outcome.failed]
        await _until_visible(history, marked)
        orders = [
            _Planned(how, to_epoch_ms(at), known.get(place, {})).order(place, offset, spans[place])
            for place, offset in marked.items()
        ]
        total = sum(order.offset - order.begin for order in orders)
        if how.jobs == 1:
            taken = [await take(history, order, lambda more: folded(more, total)) for order in orders]
        else:
            taken = await _in_processes(origin, orders, how.jobs, lambda more: folded(more, total))
        return failed + [await _announced(one, how) for one in taken]


def _is_due(known: Mapping[int, Path], how: HowTaken) -> bool:
    if not known or how.every is None:
        return True
    return read_head(known[max(known)]).time_ms <= to_epoch_ms(how.now() - how.every)


async def _until_visible(history: History, marked: Mapping[Place, int]) -> None:
    """Wait until all marks are committed as far as readers see, and so all before them is."""
    try:
        async with asyncio.timeout(VISIBLE_SECONDS):
            while True:
                ends = await history.spans({place.topic for place in marked})
                if all(ends[place].end > offset for place, offset in marked.items()):
                    return
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise HistoryError(
            f"a mark cannot be seen for {VISIBLE_SECONDS:.0f} s: a transaction is open before it; look at the brokers "
            "and the agents, then run it again"
        ) from None


@dataclass(frozen=True, slots=True)
class _Planned:
    """How a snapshot is taken, the time of its mark, and which there are already of its partition."""

    how: HowTaken
    time_ms: int
    known: Mapping[int, Path]

    def order(self, place: Place, offset: int, span: Span) -> Order:
        start = latest_before(self.known, offset)
        if start is not None and start[0] < span.begin:  # what came behind it is not there any more
            start = None
        begin, path = (span.begin, None) if start is None else start
        folder, former = self.how.folder, self.how.former
        return Order(_BY_LOG[place.topic], place.partition, folder, offset, self.time_ms, path, begin, former)


async def _announced(taken: Taken, how: HowTaken) -> Taken:
    """Have the log say what the state was, and the draft count from then on."""
    if taken.head is None or taken.path is None:
        return taken
    outcome = await how.write(announcement(taken.place, taken.head.taken, how.now()))
    draft = draft_of(taken.path)
    if outcome.failed:
        draft.unlink()
        return Taken(taken.place, error=f"not known to be announced: {outcome.failed[0].why}; run it again")
    try:
        publish(draft, taken.path)
    except OSError as error:
        return Taken(taken.place, error=f"{taken.path} cannot be written: {error.strerror}")
    return taken


# -- in processes


async def _in_processes(
    origin: Origin, orders: Sequence[Order], jobs: int, folded: Callable[[int], None]
) -> list[Taken]:
    """Do the longest first; a process that dies is named with what it leaves undone."""
    order = sorted(orders, key=lambda one: one.begin - one.offset)
    futures = await done_in_pool(partial(take_alone, origin), order, jobs, folded)
    return [_outcome(future, one) for future, one in zip(futures, order, strict=True)]


def _outcome(future: Future[Taken], order: Order) -> Taken:
    error = future.exception()
    if error is None:
        return future.result()
    return Taken(order.place, error=f"its process has failed, for its memory perhaps: {error}; try fewer --jobs")
