"""A move without a broker: which topics go over, to which partition, and what becomes of records of partitions."""

from datetime import UTC, datetime, timedelta

import pytest
from aiokafka.partitioner import DefaultPartitioner

from schemas.contract.channels import Component
from schemas.policy import Policy
from schemas.state import ControlState, IncidentMark, Silence, Surroundings
from schemas.state.partitions import STATE_VERSION
from streams.fold.intake import partition_of
from streams.kafka.acls.rights import writes
from streams.kafka.topics import AGENT, HEALTH, INSTITUTIONS, SUBSCRIPTIONS, VENDOR_AUTH, changelog, contract
from streams.operate.moving.command import WRITTEN
from streams.operate.moving.copying import Copy, _decoded, _placed
from streams.operate.moving.merging import merged_control, merged_rules, merged_surroundings
from streams.operate.moving.places import LEFT, MERGED_TABLES, by_key, by_owner, copied
from streams.operate.writing import OperateError
from streams.vendor.gate.kafka import _partition_of
from tests.component.operate.double import MILD, SHIPPED, standing
from tests.fuzz.standins import Polled, Stored, done

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_every_topic_has_its_fate() -> None:
    """Each topic of the contract is copied, made anew, or left, and none is two of these."""
    merged = {changelog(AGENT, table) for table in MERGED_TABLES}
    merged |= {changelog(INSTITUTIONS, table) for table in MERGED_TABLES if table != "surroundings"}
    fates = [*copied(), *merged, *LEFT]
    assert len(fates) == len(set(fates))
    assert set(fates) == {topic.name for topic in contract()}


@pytest.mark.parametrize("partitions", [1, 3, 24])
def test_records_go_where_their_readers_look(partitions: int) -> None:
    """As Kafka, the fold and the gate of the vendor's credentials place them."""
    number = list(range(partitions))
    for key in ("7000000042", "102105", "x"):
        assert by_key(key.encode(), partitions) == DefaultPartitioner()(key.encode(), number, number)
        assert by_owner(f"{key}/5900000001".encode(), partitions) == partition_of(key, partitions)
    assert copied()[HEALTH](b"7000000042/5900000001", partitions) == partition_of("7000000042", partitions)
    for pair in ("1f0c9a2b/claim/1", "ff"):
        assert copied()[VENDOR_AUTH](pair.encode(), partitions) == _partition_of(pair, partitions)


def test_surroundings_are_the_latest_word() -> None:
    """An incident as it was told of last, a silence as it lasts longest, in one order whatever the partitions' was."""
    one = Surroundings(
        {"9/103": IncidentMark(2), "8/103": IncidentMark(1, is_open=True)},
        {"/": Silence(NOW), "9": Silence(NOW + HOUR)},
    )
    other = Surroundings({"9/103": IncidentMark(1, is_open=True)}, {"/": Silence(None), "9": Silence(NOW)})
    expected = Surroundings(
        {"8/103": IncidentMark(1, is_open=True), "9/103": IncidentMark(2)},
        {"/": Silence(None), "9": Silence(NOW + HOUR)},
    )
    for every in ([one, other], [other, one], [one, other, Surroundings()]):
        merged = merged_surroundings(every)
        assert merged == expected
        assert [*merged.incidents] == ["8/103", "9/103"]
    assert merged_surroundings([]) == Surroundings()


def test_the_clock_is_the_latest() -> None:
    """No customer's time goes back; chain and share begin anew."""
    early = ControlState(ticked_at=NOW, audit_head="ab", inputs="cd" * 32, looked_at=5, dead_ago=(1,), version=1)
    late = ControlState(ticked_at=NOW + HOUR, rules_since=NOW, version=STATE_VERSION)
    expected = ControlState(ticked_at=NOW + HOUR, rules_since=NOW, version=STATE_VERSION)
    assert merged_control([early, late, ControlState()]) == expected
    assert merged_control([]) == ControlState()


def test_a_later_release_is_refused() -> None:
    """What this release does not know it could not move."""
    with pytest.raises(OperateError, match=f"version {STATE_VERSION + 1}, and this release knows up to"):
        merged_control([ControlState(version=STATE_VERSION + 1)])


def test_rules_have_to_be_the_same() -> None:
    """Which of two would hold for a new partition nobody could say."""
    shipped, mild = (standing(policy).activation for policy in (SHIPPED, MILD))
    assert merged_rules([shipped, shipped]) == shipped
    assert merged_rules([]) is None
    with pytest.raises(OperateError, match="`txpush policy activate`"):
        merged_rules([shipped, mild])
    assert isinstance(shipped.policy, Policy)


def moved(application: str, *records: Stored) -> None:
    """Have what one application keeps read and merged, and the gate's records copied, to nowhere."""
    copy = Copy.__new__(Copy)
    copy._old, copy._new = 1, 3
    done(copy._last(Polled(*records), application, "control", _decoded(ControlState)))
    for record in records:
        if record.topic == VENDOR_AUTH:
            _placed(record, copied()[VENDOR_AUTH], 3)


@pytest.mark.parametrize(
    "value", [b"", b"[]", b'{"inputs":"zz"}', b'{"audit_head":"\xff"}', b'{"later":' + b"[" * 3000]
)
def test_state_that_cannot_be_read_is_told(value: bytes) -> None:
    """The move ends with what to do, not with a trace."""
    with pytest.raises(OperateError, match="the table control is of a later release: move with that one"):
        moved(AGENT, Stored(changelog(AGENT, "control"), b"0", value))


@pytest.mark.parametrize(
    ("key", "why"), [(None, "no key"), (b"x/claim", "a key that is none of this topic"), (b"", "none of")]
)
def test_a_record_that_belongs_nowhere_is_told(key: bytes | None, why: str) -> None:
    """With its place: somebody has to look at it."""
    with pytest.raises(OperateError, match=rf"{VENDOR_AUTH}/0/0 has .*{why}.*it belongs nowhere"):
        moved(AGENT, Stored(VENDOR_AUTH, key, b"{}"))


def test_all_that_somebody_could_write_is_watched() -> None:
    """What is copied changes by an agent, which has to be at rest, or its topic's end is compared after the copy."""
    agents = {Component.AGENT, Component.INSTITUTIONS}
    others = {topic for topic in copied() if any(topic in writes(one) for one in Component if one not in agents)}
    assert others - set(WRITTEN) == set()
    assert {SUBSCRIPTIONS, VENDOR_AUTH} <= others
