"""Where the events go: records of the log, tried again while Kafka is away, or lines of a dry run."""

import io
import json
from collections.abc import Sequence

import pytest

from schemas.cloudevents import from_record
from schemas.events import Source
from schemas.observations import missed, observed
from streams.kafka.log import LogRecord, LogUnavailable
from streams.sweep.publish import PAUSES_SECONDS, LogPublisher, Printer
from tests.unit.sweep.double import CUSTOMER, NOW, shown

EVENTS = [observed(shown(), NOW, Source.SWEEP, baseline=True), missed(shown("2"), NOW, Source.SWEEP)]


class LogDouble:
    """Keeps records, after so many failures."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[list[LogRecord]] = []
        self.pauses: list[float] = []

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        assert deadline_seconds > 0
        self.calls.append(list(records))
        if len(self.calls) <= self.failures:
            raise LogUnavailable("Kafka is away")

    def problems(self) -> list[str]:
        return []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_records_are_events_of_the_log() -> None:
    """They read as they were written: binary mode, keyed by the customer, at the event time, in order."""
    log = LogDouble()
    await LogPublisher(log, log.sleep).publish(EVENTS)
    (records,) = log.calls
    read = [from_record(one.headers, one.key, one.value, one.timestamp_ms or 0) for one in records]
    assert read == EVENTS
    assert {(one.topic, one.key) for one in records} == {("aggregation.events", CUSTOMER.encode())}


async def test_while_kafka_is_away_the_same_records_are_tried_again() -> None:
    """With the same ids: one that got in all the same is one event (R1)."""
    log = LogDouble(failures=3)
    await LogPublisher(log, log.sleep).publish(EVENTS)
    assert log.pauses == list(PAUSES_SECONDS[:3])
    assert all(call == log.calls[0] for call in log.calls)


async def test_there_is_an_end_to_trying() -> None:
    """Then it is said."""
    log = LogDouble(failures=99)
    with pytest.raises(LogUnavailable):
        await LogPublisher(log, log.sleep).publish(EVENTS)
    assert (log.pauses, len(log.calls)) == (list(PAUSES_SECONDS), len(PAUSES_SECONDS) + 1)


async def test_a_dry_run_prints_one_event_a_line() -> None:
    """In structured mode, as `txpush simulate` reads them."""
    out = io.StringIO()
    await Printer(out).publish(EVENTS)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == ["account.observed", "txpush.account.deleted"]
    assert [line["id"] for line in lines] == [event.id for event in EVENTS]
    assert (lines[0]["partitionkey"], lines[0]["data"]["baseline"]) == (CUSTOMER, True)
