"""A part of a log is compared as the whole is: what lies before leads up to it, what lies behind is not of it."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest

from schemas.times import from_epoch_ms
from streams.fold.intake import partition_of
from streams.history import HistoryError, Place, Span
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS
from streams.replay.compare import messages
from streams.replay.compare.difference import DECISION, Cause, Verdict
from streams.replay.plan import Asked
from streams.replay.recorded import BEFORE_MS
from streams.testing import Topology
from streams.testing.broker import Record
from tests.component.replay.stage import Tampered, audits, lived, replayed
from tests.topology.inputs import CUSTOMERS

FIX = "remediation.connect-fix"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def offset_of(audit: Record) -> int:
    offset: int = orjson.loads(audit.value or b"")["offset"]
    return offset


@pytest.mark.parametrize("part", [(0.0, 0.5), (0.3, 0.8), (0.6, 1.0), (0.97, 1.0)])
async def test_a_time_range(part: tuple[float, float]) -> None:
    """Both logs, from the first record of a time to the last before another."""
    times = [record.timestamp for record in lived().read(EVENTS)]
    since, until = (from_epoch_ms(times[min(len(times) - 1, int(one * len(times)))]) for one in part)
    asked = Asked(since=since, until=until if part[1] < 1 else None)
    summary = await replayed(lived(), asked=asked)
    assert (summary.differences, summary.exit_code, summary.undecided) == (0, 0, 0)
    assert 0 < summary.counts[DECISION, Verdict.SAME] < len(lived().read(AUDIT))
    assert {outcome.place.topic for outcome in summary.outcomes} == {EVENTS, SIGNALS}


async def test_offsets() -> None:
    """Of one partition: exactly its decisions on those records, and their commands."""
    mine = audits(lived(), EVENTS, 1)
    span = Span(offset_of(mine[9]), offset_of(mine[19]))
    summary = await replayed(lived(), asked=Asked(offsets={1: span}))
    inside = [one for one in mine if span.begin <= offset_of(one) < span.end]
    assert summary.differences == 0
    assert summary.counts[DECISION, Verdict.SAME] == len(inside) >= 10
    named = [message for one in inside for message in orjson.loads(one.value or b"")["messages"]]
    fixes = [message for message in named if message["topic"] == FIX]
    assert summary.counts[FIX, Verdict.SAME] == len(fixes)


async def test_a_difference_is_found_inside_a_range_only() -> None:
    """The decision that was taken away lies in one range and not in the other."""
    target = audits(lived(), EVENTS, 0)[15]
    edits = {Place(AUDIT, 0): lambda records: [one for one in records if one.offset != target.offset]}
    offset = offset_of(target)
    inside = await replayed(lived(), edits, Asked(offsets={0: Span(offset - 3, offset + 3)}))
    assert [one.cause for outcome in inside.outcomes for one in outcome.first] == [Cause.NO_DECISION]
    for span in (Span(offset + 1, 10_000), Span(0, offset)):
        assert (await replayed(lived(), edits, Asked(offsets={0: span}))).differences == 0


async def test_customers() -> None:
    """Their decisions alone, whoever else is in the partition."""
    chosen = frozenset(CUSTOMERS[:2])
    summary = await replayed(lived(), asked=Asked(customers=chosen))
    keyed = [one for one in lived().read(AUDIT) if one.key and one.key.decode() in chosen]
    mine = [one for one in keyed if orjson.loads(one.value or b"")["topic"] == EVENTS]
    assert summary.differences == 0
    assert summary.counts[DECISION, Verdict.SAME] == len(mine) > 0
    assert {outcome.place.partition for outcome in summary.outcomes} == {partition_of(one, 2) for one in chosen}
    edits = {Place(FIX, number): lambda records: records[:0] for number in range(2)}
    found = [
        one for outcome in (await replayed(lived(), edits, Asked(customers=chosen))).outcomes for one in outcome.first
    ]
    assert found
    assert {one.customer for one in found} <= chosen


async def test_decisions_long_before_a_range_are_looked_for() -> None:
    """A quiet log: nothing was decided within the time that is looked at first, so it goes further back."""
    with Topology(partitions=1) as topology:
        record = {"customerId": "7000", "id": "1", "institutionId": "10", "institutionLoginId": "7"}
        for code in (0, 103):
            body = record | {"aggregationStatusCode": code}
            topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})
            topology.advance(seconds=2 * BEFORE_MS / 1000)
        since = topology.now - timedelta(milliseconds=2 * BEFORE_MS)
    summary = await replayed(topology, asked=Asked(since=since))
    assert summary.differences == 0
    assert summary.counts[FIX, Verdict.SAME] > 0


async def test_commands_before_a_range_that_nothing_near_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than are looked through, and none decided in the time before: those of the range lie behind."""
    monkeypatch.setattr(messages, "LOOK_AHEAD", 3)
    with Topology(partitions=1) as topology:
        record = {"customerId": "7000", "id": "1", "institutionId": "10", "institutionLoginId": "7"}
        for code in (103, 0, 103, 0, 0, 0, 103):
            body = record | {"aggregationStatusCode": code, "aggregationAttemptDate": int(topology.now.timestamp())}
            topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})
            topology.advance(days=5)
        since = topology.now - timedelta(days=7)
    summary = await replayed(topology, asked=Asked(since=since))
    assert [one.cause for outcome in summary.outcomes for one in outcome.first] == []
    assert summary.counts[FIX, Verdict.SAME] > 0


async def test_what_a_topic_keeps_no_more() -> None:
    """Messages of before its first record are gone, not missing; what is missing behind that is."""
    place = Place(FIX, 0)
    commands = lived().cluster.read(*place)
    begins = {place: commands[3].offset}
    summary = await replayed(lived(), origin=Tampered(lived(), begins=begins))
    assert (summary.differences, summary.counts[FIX, Verdict.GONE]) == (0, 3)
    edits = {place: lambda records: [one for one in records if one != commands[5]]}
    holed = await replayed(lived(), origin=Tampered(lived(), edits, begins))
    assert [one.cause for outcome in holed.outcomes for one in outcome.first] == [Cause.NO_MESSAGE]


async def test_a_log_without_its_beginning_is_refused() -> None:
    """In words that say how to go on."""
    with pytest.raises(HistoryError, match=r"aggregation\.events/0 are not there any more.*snapshot"):
        await replayed(lived(), origin=Tampered(lived(), begins={Place(EVENTS, 0): 5}))


async def test_a_partition_that_is_not_there() -> None:
    """It has a number that no partition has."""
    with pytest.raises(HistoryError, match=r"no partition 9 of aggregation\.events: it has 0 to 1"):
        await replayed(lived(), asked=Asked(offsets={9: Span(0, 1)}))
