"""The whole check on a whole cluster in memory: clean as it is, and one fault made by hand is told as that fault."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson
import pytest

from streams.fold.effects import OutRecord
from streams.kafka.topics import DEAD_LETTER, EVENTS, HEALTH, SIGNALS, changelog
from streams.links import FixLinks
from streams.testing import Topology
from streams.testing.applications import CLUSTER
from streams.testing.broker import Isolation
from tests.chaos.check.export import Place, Record
from tests.chaos.check.verdict import AGENT, AUDIT, COMMANDS, LETTERS, LINK_MARK, SIDES, TICKETS, Check, Exported
from tests.chaos.load.sent import Sent
from tests.chaos.load.traffic import Post, Traffic

PARTITIONS = 2
SEED = 7
NOTIFICATIONS, MADE_UP = 400, 30
SPAN = timedelta(days=6)
FIX = "remediation.connect-fix"
ACCOUNTS, LOGINS, CUSTOMERS = (changelog(AGENT.application, name) for name in ("accounts", "logins", "customers"))
LINKS = FixLinks([b"0" * 32], "https://fix.example.com")


@dataclass
class Left:
    """What a run leaves, and what its feed knows; a test spoils one thing of it."""

    records: dict[Place, list[Record]]
    uncommitted: Mapping[Place, list[Record]]
    read: dict[str, list[int]]
    sent: Sent

    def faults(self) -> dict[str, int]:
        """Give the counters that are not 0."""
        names = {side.log: f"{CLUSTER}/{side.log}" for side in SIDES}
        check = Check(Exported(PARTITIONS, self.records, self.uncommitted, names, self.read), LINKS)
        return {name: times for name, times in check.run(self.sent).faults.items() if times}

    def place(self, topic: str) -> list[Record]:
        """Give the partition of a topic that has the most records."""
        return max((self.records[topic, number] for number in range(PARTITIONS)), key=len)


def _run() -> Left:
    topology, sent = Topology(partitions=PARTITIONS, links=LINKS), Sent()
    began = topology.now
    with topology:
        for number, one in enumerate(Traffic(SEED, NOTIFICATIONS, began, SPAN, (), MADE_UP)):
            topology.advance_to(began + SPAN * (number / NOTIFICATIONS))
            if isinstance(one, Post):
                claim = sent.trying(one.sha256, one.stored, float(number))
                {"txpush": topology.notify, "connect": topology.connect}[one.route](one.body)
                sent.accept(claim, float(number))
                sent.refused |= {one.sha256} if one.refused else set()
        topology.append(0, OutRecord(b"7000000001", b"[1, 2", ()))
        topology.settle()
    cluster = topology.cluster
    topics = {topic for side in SIDES for topic in side.topics} | {AUDIT, LETTERS}

    def all_of(topic: str, isolation: Isolation) -> dict[Place, list[Record]]:
        return {
            (topic, number): [
                Record(one.offset, one.key, one.value, tuple(one.headers), one.timestamp)
                for one in cluster.read(topic, number, isolation)
            ]
            for number in range(PARTITIONS)
        }

    return Left(
        {place: found for topic in topics for place, found in all_of(topic, Isolation.READ_COMMITTED).items()},
        {
            place: found
            for topic in (*COMMANDS, TICKETS)
            for place, found in all_of(topic, Isolation.READ_UNCOMMITTED).items()
        },
        {
            side.log: [cluster.committed(side.application, side.log, number) or 0 for number in range(PARTITIONS)]
            for side in SIDES
        },
        sent,
    )


@pytest.fixture(scope="module")
def whole() -> Left:
    """What a run leaves that nothing disturbed."""
    return _run()


@pytest.fixture
def left(whole: Left) -> Left:
    """The same, to be spoilt."""
    records = {place: list(found) for place, found in whole.records.items()}
    return Left(records, whole.uncommitted, {log: list(read) for log, read in whole.read.items()}, copy(whole.sent))


def spoilt(record: Record) -> Record:
    """Give a record with another value, JSON all the same."""
    return replace(record, value=orjson.dumps({"spoilt": 1, **orjson.loads(record.value or b"{}")}))


def dropped(records: list[Record]) -> None:
    """Lose a record in the middle."""
    del records[len(records) // 2]


def doubled(records: list[Record]) -> None:
    """Have a record in the middle once more."""
    records.insert(len(records) // 2, records[len(records) // 2])


def swapped(records: list[Record]) -> None:
    """Have two records in the other order."""
    records[:2] = records[1], records[0]


def changed(records: list[Record]) -> None:
    """Have another last record."""
    records[-1] = spoilt(records[-1])


def test_a_run_that_nothing_disturbed_is_clean(left: Left) -> None:
    """And there was something to be compared of each kind."""
    assert left.faults() == {}
    for topic in (FIX, TICKETS, SIGNALS, HEALTH, AUDIT, DEAD_LETTER, ACCOUNTS, LOGINS, CUSTOMERS):
        assert len(left.place(topic)) > 1, topic


@pytest.mark.parametrize(
    ("topic", "spoil", "fault"),
    [
        (FIX, dropped, {"lost": 1}),
        (FIX, doubled, {"doubled": 1}),
        (FIX, swapped, {"out_of_order": 2}),
        (FIX, changed, {"lost": 1, "unexpected": 1}),
        (TICKETS, dropped, {"lost": 1}),
        (HEALTH, changed, {"health_wrong": 1}),
        (ACCOUNTS, changed, {"state_wrong": 1}),
        (LOGINS, changed, {"state_wrong": 1}),
        (CUSTOMERS, changed, {"state_wrong": 1}),
    ],
)
def test_a_fault_is_told(
    left: Left, topic: str, spoil: Callable[[list[Record]], None], fault: Mapping[str, int]
) -> None:
    """As what it is, and as nothing else."""
    spoil(left.place(topic))
    assert left.faults() == fault


def test_a_signal_too_few_is_told(left: Left) -> None:
    """The agent's part is lost, and the institution agent has decided on what is not there."""
    dropped(left.place(SIGNALS))
    assert left.faults()["lost"] >= 1


def test_an_audit_record_that_was_changed_breaks_the_chain(left: Left) -> None:
    """It is wrong itself, and the one behind it does not follow."""
    records = left.place(AUDIT)
    records[1] = spoilt(records[1])
    assert left.faults()["audit_wrong"] == 1
    assert left.faults()["chain_broken"] == 1


def test_an_event_behind_a_200_that_is_not_there(left: Left) -> None:
    """It is missing first of all; what was decided on it is there without a cause."""
    records = left.place(EVENTS)
    at = next(n for n, one in enumerate(records) if one.header("ce_type").startswith("txpush"))
    del records[at]
    assert left.faults()["http_200_missing"] >= 1


@pytest.mark.parametrize("origin", ["/remediation/bridge", EVENTS])
def test_a_dead_letter_too_few(left: Left, origin: str) -> None:
    """Of the bridge as of the agent."""
    records = next(
        found
        for number in range(PARTITIONS)
        for found in [left.records[LETTERS, number]]
        if any(orjson.loads(one.value or b"")["origin"].startswith(origin) for one in found)
    )
    records.remove(next(one for one in records if orjson.loads(one.value or b"")["origin"].startswith(origin)))
    assert left.faults() == {"dead_letters_unexplained": 1}


def test_what_was_not_read_is_told(left: Left) -> None:
    """Whatever lies past the committed offset; what was decided on it is there without a cause."""
    left.read[EVENTS][0] -= 1
    assert left.faults()["unread"] == 1


def test_a_link_to_another_command_is_told(left: Left) -> None:
    """Each leads to its own."""
    records = left.place(FIX)
    first, second, *_ = (n for n, one in enumerate(records) if LINK_MARK in (one.value or b""))
    value = (records[first].value or b"").partition(LINK_MARK)[0]
    link = (records[second].value or b"").partition(LINK_MARK)[2]
    records[first] = replace(records[first], value=value + LINK_MARK + link)
    assert left.faults() == {"unexpected": 1}
    records[first] = replace(records[first], value=value + LINK_MARK + b'https://fix.example.com/fix/forged"}')
    assert left.faults() == {"unexpected": 1}
