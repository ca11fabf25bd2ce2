"""Transactions in memory: fencing, markers, the last stable offset, offsets of groups, time limits."""

import pytest

from streams.fold.effects import OutRecord
from streams.testing import Cluster, Isolation, ProducerFenced
from streams.testing.broker import InvalidTransaction, TransactionalProducer
from streams.testing.broker.cluster import UnknownTopic
from streams.testing.clock import VirtualClock
from streams.testing.topology import START

COMMITTED, UNCOMMITTED = Isolation.READ_COMMITTED, Isolation.READ_UNCOMMITTED


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(VirtualClock(START), transaction_seconds=10)
    made.create(["log", "other"], 2)
    return made


def sent(cluster: Cluster, *values: str, name: str = "p") -> TransactionalProducer:
    """Give a producer with an open transaction of these records."""
    producer = cluster.producer(name)
    producer.begin()
    producer.send("log", 0, [OutRecord(None, value.encode()) for value in values])
    return producer


def abort(cluster: Cluster, *values: str) -> None:
    """Have a transaction of these records cut off by the next producer of its name."""
    sent(cluster, *values)
    cluster.producer("p")


def seen(cluster: Cluster, isolation: Isolation = COMMITTED, topic: str = "log") -> list[str]:
    """Give the values that a reader sees in the first partition."""
    return [(record.value or b"").decode() for record in cluster.read(topic, 0, isolation)]


def test_a_transaction_is_seen_once_its_marker_is_written(cluster: Cluster) -> None:
    """Neither before the commit, nor before the marker; the other level sees it at once."""
    producer = sent(cluster, "a")
    assert (seen(cluster), seen(cluster, UNCOMMITTED)) == ([], ["a"])
    producer.commit()
    assert seen(cluster) == []
    cluster.transactions.settle()
    assert seen(cluster) == ["a"]


def test_an_aborted_record_is_never_seen(cluster: Cluster) -> None:
    """Its place and that of the marker stay empty; what comes after has later offsets."""
    abort(cluster, "a")
    cluster.transactions.settle()
    assert cluster.append("log", 0, OutRecord(None, b"b")) == 2
    assert (seen(cluster), seen(cluster, UNCOMMITTED)) == (["b"], ["a", "b"])


def test_the_last_stable_offset_is_that_of_the_oldest_open_transaction(cluster: Cluster) -> None:
    """A record behind an open transaction waits, whoever wrote it."""
    cluster.append("log", 0, OutRecord(None, b"before"))
    first, second = sent(cluster, "a", name="p"), sent(cluster, "b", name="q")
    cluster.append("log", 0, OutRecord(None, b"after"))
    second.commit()
    cluster.transactions.settle()
    assert (seen(cluster), cluster.log("log", 0).stable_end) == (["before"], 1)
    first.commit()
    cluster.transactions.settle()
    assert seen(cluster) == ["before", "a", "b", "after"]


def test_markers_arrive_one_by_one(cluster: Cluster) -> None:
    """One partition may show a transaction that another does not show yet."""
    producer = sent(cluster, "a")
    producer.send("other", 0, [OutRecord(None, b"b")])
    producer.commit()
    transaction, _ = cluster.transactions.unmarked[1]
    cluster.transactions.mark(transaction, 1)
    assert (seen(cluster), seen(cluster, topic="other")) == ([], ["b"])


@pytest.mark.parametrize("call", ["send", "send_offset", "commit"])
def test_a_new_producer_fences_the_former_one(cluster: Cluster, call: str) -> None:
    """Every later call of the former is refused, and its open transaction never was."""
    former = sent(cluster, "a")
    cluster.producer("p")
    arguments: tuple[object, ...] = {"send": ("log", 0, []), "send_offset": ("group", "log", 0, 1)}.get(call, ())
    with pytest.raises(ProducerFenced):
        getattr(former, call)(*arguments)
    assert cluster.log("log", 0).stable_end == 2
    assert seen(cluster) == []


def test_a_fenced_producer_may_begin_but_not_send(cluster: Cluster) -> None:
    """The broker hears of a transaction with its first record only."""
    former = cluster.producer("p")
    current = cluster.producer("p")
    former.begin()
    with pytest.raises(ProducerFenced):
        former.send("log", 0, [])
    current.begin()
    current.commit()


def test_fencing_ends_what_was_committed_before(cluster: Cluster) -> None:
    """Whoever starts after a commit that lacks its markers sees it whole, offset included."""
    producer = sent(cluster, "a")
    producer.send_offset("group", "log", 0, 7)
    producer.commit()
    assert cluster.committed("group", "log", 0) is None
    cluster.producer("p")
    assert (seen(cluster), cluster.committed("group", "log", 0)) == (["a"], 7)


def test_an_aborted_offset_is_not_committed(cluster: Cluster) -> None:
    """It goes with its transaction."""
    producer = sent(cluster, "a")
    producer.send_offset("group", "log", 0, 7)
    cluster.producer("p")
    assert cluster.committed("group", "log", 0) is None


def test_a_transaction_that_stays_open_is_aborted_and_its_owner_fenced(cluster: Cluster) -> None:
    """Past the limit, not before it."""
    producer = sent(cluster, "a")
    cluster.wait(9.9)
    producer.send("log", 0, [])
    cluster.wait(0.1)
    with pytest.raises(ProducerFenced):
        producer.commit()
    cluster.transactions.settle()
    assert (seen(cluster), cluster.transactions.timed_out) == ([], 1)


def test_two_ids_do_not_fence_each_other(cluster: Cluster) -> None:
    """An id is a partition's own."""
    first = sent(cluster, "a", name="p")
    sent(cluster, "b", name="q").commit()
    first.commit()
    cluster.transactions.settle()
    assert seen(cluster) == ["a", "b"]


def test_calls_out_of_order_are_refused(cluster: Cluster) -> None:
    """No record without a transaction, no transaction in a transaction."""
    producer = cluster.producer("p")
    with pytest.raises(InvalidTransaction):
        producer.send("log", 0, [])
    producer.begin()
    with pytest.raises(InvalidTransaction):
        producer.begin()


def test_a_topic_that_does_not_exist_is_refused(cluster: Cluster) -> None:
    """Topics never make themselves."""
    with pytest.raises(UnknownTopic, match="log/2"):
        cluster.append("log", 2, OutRecord(None, b""))


def test_a_read_goes_on_behind_what_it_gave(cluster: Cluster) -> None:
    """A position counts markers and aborted records, too."""
    sent(cluster, "a", "b").commit()
    abort(cluster, "x")
    cluster.transactions.settle()
    cluster.append("log", 0, OutRecord(None, b"c"))
    log = cluster.log("log", 0)
    first, position = log.read(0, 1, committed=True)
    rest, end = log.read(position, 10, committed=True)
    assert ([one.value for one in first], [one.value for one in rest], end) == ([b"a"], [b"b", b"c"], 6)


def test_a_record_without_a_time_gets_that_of_the_clock(cluster: Cluster) -> None:
    """As a producer stamps it."""
    cluster.append("log", 0, OutRecord(None, b"a"))
    cluster.append("log", 0, OutRecord(None, b"b", (), 5))
    assert [record.timestamp for record in cluster.read("log", 0)] == [int(START.timestamp() * 1000), 5]
