"""What goes on while it is proven: what is committed meanwhile is read with all that it stands on."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from streams.audit import partition
from streams.audit.plan import Ways
from streams.audit.planning import Asked
from streams.audit.verify import verified
from streams.audit.walking.cursor import Cursor
from streams.history import Place, Span
from streams.kafka.topics import AUDIT, EVENTS
from tests.unit.audit.tape import CHUNK, PARTITIONS, Tape, TapeHistory, grown


@dataclass
class Growing:
    """A cluster at work: the last decisions are just being committed as the ends are taken, and more comes later."""

    before: Tape
    now: Tape
    late: Collection[int]
    """Partitions whose last decisions are on their way."""
    asked: int = 0
    """How often where decisions end."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["GrowingHistory"]:
        """Open it."""
        yield GrowingHistory(self)


class GrowingHistory(TapeHistory):
    """Shows the ends of before until somebody asks for those of decisions again."""

    def __init__(self, origin: Growing) -> None:
        super().__init__(origin.now)
        self._origin = origin

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give them; at first the last decisions of each partition are not there."""
        wanted, origin = list(topics), self._origin
        origin.asked += AUDIT in wanted
        if origin.asked > 1:
            return await TapeHistory(origin.now).spans(wanted)
        found = await TapeHistory(origin.before).spans(wanted)
        return {place: _late(span) if self._is_late(place) else span for place, span in found.items()}

    def _is_late(self, place: Place) -> bool:
        return place.topic == AUDIT and place.partition in self._origin.late


def _late(span: Span) -> Span:
    return Span(span.begin, max(span.begin, span.end - 2))


@pytest.mark.parametrize("times", [(0, 1), (0, 3), (1, 2)], ids=str)
@pytest.mark.parametrize("late", [range(PARTITIONS), *([number] for number in range(PARTITIONS))], ids=str)
async def test_what_is_committed_while_the_last_decisions_are_waited_for(
    late: Collection[int], times: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions of then are read with their inbound records, signals and announcements: nothing of it is a fault."""
    monkeypatch.setattr(partition, "AGAIN_SECONDS", 0.0)
    before, now = (grown()[time] for time in times)
    origin = Growing(before, now, late)
    verdict = await verified(origin, Asked(), Ways(patience=5.0))
    assert origin.asked > 1
    assert verdict.faults == ()


async def test_a_later_end_leaves_nothing_out() -> None:
    """What was not read yet up to the former one comes first, and each record once."""
    tape = grown()[2]
    place = Place(EVENTS, 0)
    cursor = Cursor(TapeHistory(tape), place, Span(0, 2 * CHUNK))
    assert await cursor.peek() is not None
    cursor.extend(3 * CHUNK)
    read = []
    while await cursor.peek() is not None:
        read.append(cursor.take().offset)
    assert (read, cursor.position) == (list(range(3 * CHUNK)), 3 * CHUNK)
