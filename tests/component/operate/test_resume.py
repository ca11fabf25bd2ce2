"""`txpush override resume`: what it writes, and where."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException

from schemas.events import Override, OverrideAction
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS
from streams.operate.overrides import resume
from streams.operate.writing import OperateError
from tests.component.operate.double import NOW, SIGNED, Kafka, typed
from tests.component.operate.overrides.log import Log, Record


def test_only_the_named_partitions_are_told(kafka: Kafka) -> None:
    """One record a partition, under an id of its own; others of the log hear nothing."""
    done = typed("override", "resume", "2", "0", "2", "--yes", *SIGNED)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        f"what is in {EVENTS} 0, 2 by now is taken as it is; what comes later is judged anew",
        f"written to {EVENTS}: 0 at 5, 2 at 5",
    ]
    (act,) = kafka.acts
    assert act.event.data == Override(action=OverrideAction.RESUME, all=True, who="ann", why="asked the customer")
    assert (act.event.time, act.event.partition_key) == (NOW, None)
    placed = act.placed({EVENTS: 3})
    assert [(one.topic, one.partition) for one in placed] == [(EVENTS, 0), (EVENTS, 2)]
    assert len({one.event.id for one in placed}) == 2


def test_the_institution_agents_log_is_named(kafka: Kafka) -> None:
    """Each agent pauses on a log of its own."""
    assert typed("override", "resume", "1", "--log", SIGNALS, "--yes", *SIGNED).exit_code == 0
    assert kafka.acts[0].topics == (SIGNALS,)


def test_it_asks(kafka: Kafka) -> None:
    """The question says what is accepted; a no writes nothing."""
    done = typed("override", "resume", "1", *SIGNED, answer="n\n")
    assert (done.exit_code, kafka.acts) == (1, [])
    assert f"accept every dead letter that {EVENTS} 1 would come to by now? [y/N]" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["3", "--yes", *SIGNED], "there is no partition 3: they are 0 to 2; nothing was written"),
        (["--yes", *SIGNED], "Missing argument 'PARTITION...'"),
        (["1", "--log", "account.health", *SIGNED], "'account.health' is not one of"),
        (["1", "--yes", "--by", "ann"], "Missing option '--reason'"),
        (["1", "--yes", "--by", "", "--reason", "x"], "--by: "),
    ],
)
def test_what_makes_no_sense_is_refused(kafka: Kafka, words: list[str], told: str) -> None:
    """It ends with 2 and says what is wrong; nothing is written."""
    done = typed("override", "resume", *words)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert told in done.output


def test_what_is_read_to_its_end_is_not_paused(kafka: Kafka) -> None:
    """That is said, and nothing is written for it; the others are told."""
    kafka.read_to_end = frozenset({0, 2})
    done = typed("override", "resume", "0", "1", "2", "--yes", *SIGNED)
    assert done.stderr == f"{EVENTS} 0, 2: not paused, as {AGENT} has read it to its end\n"
    assert (done.exit_code, kafka.acts[0].only) == (0, frozenset({1}))
    alone = typed("override", "resume", "2", "--log", SIGNALS, "--yes", *SIGNED)
    assert (alone.exit_code, len(kafka.acts)) == (2, 1)
    assert alone.stderr.splitlines() == [
        f"{SIGNALS} 2: not paused, as {INSTITUTIONS} has read it to its end",
        "nothing was written: /readyz of a worker says which partitions are paused",
    ]


def reading(monkeypatch: pytest.MonkeyPatch, log: Log, read: Mapping[TopicPartition, int]) -> None:
    """Have the agent have read a log so far."""

    @asynccontextmanager
    async def admin(_bootstrap: str) -> AsyncIterator[None]:
        yield None

    async def read_by(_admin: None, group: str) -> Mapping[TopicPartition, int]:
        return read if group == AGENT else {}

    monkeypatch.setattr(resume, "operator_admin", admin)
    monkeypatch.setattr(resume, "read_by", read_by)
    monkeypatch.setattr(resume, "committed_reader", log.reader)


async def test_what_has_a_record_that_was_not_read_may_be_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """From where the agent has read to, or from the beginning where it has read nothing; an empty one is none."""
    records = [Record(EVENTS, number, offset, b"7", b"{}") for number in range(3) for offset in range(4)]
    log = Log(records)
    reading(monkeypatch, log, {TopicPartition(EVENTS, 0): 4, TopicPartition(EVENTS, 1): 3})
    assert await resume.unread("", EVENTS, [0, 1, 2, 3]) == {1, 2}


class Broken(Log):
    """Has a batch in partition 0 that no client can read."""

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, **_limits: object
    ) -> dict[TopicPartition, list[Record]]:
        if TopicPartition(EVENTS, 0) in places:
            raise CorruptRecordException
        return await super().getmany(*places, timeout_ms=timeout_ms)

    def highwater(self, _place: TopicPartition) -> int:
        return 2


async def test_what_cannot_be_read_was_not_read_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition that is paused for its dead letters may have such a batch behind them: it can go on all the same."""
    log = Broken([Record(EVENTS, number, offset, b"7", b"{}") for number in range(3) for offset in range(2)])
    reading(monkeypatch, log, {TopicPartition(EVENTS, number): number for number in range(3)})
    assert await resume.unread("", EVENTS, [0, 1, 2]) == {0, 1}


async def test_a_partition_that_nobody_leads_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to look at."""
    reading(monkeypatch, Log([Record(EVENTS, 0, 0, b"7", b"{}")], {TopicPartition(EVENTS, 0): 1}), {})
    monkeypatch.setattr(resume, "READ_SECONDS", 0.05)
    with pytest.raises(OperateError, match="has no leader; look at the brokers"):
        await resume.unread("", EVENTS, [0])
