"""Upgrade and roll-back: state and log carry a version, earlier ones are read, later ones are refused in words."""

import re
from collections.abc import Callable

import orjson
import pytest

from schemas.state import ControlState, replace
from schemas.state.partitions import STATE_VERSION
from streams.fold import PartitionPaused
from streams.kafka.topics import DEAD_LETTER
from tests.unit.fold.build import (
    AGENT_PROGRAM,
    AGENT_TABLES,
    CUSTOMERS,
    DAY,
    PARTITION,
    START,
    LogRecord,
    World,
    agent_world,
    institution_world,
    looked,
    record,
)

ONE = CUSTOMERS[0]
FIX = "remediation.connect-fix"
LATER = "urn:txpush-remediation:2:account-snapshot"


def control_of(world: World) -> ControlState:
    """Give what the partition's control record says."""
    return world.fold.tables[-1].decode(world.state()["control"][str(PARTITION)])  # type: ignore[no-any-return]


def written_by(world: World, version: int) -> None:
    """Say that a release of this state version wrote last."""
    table = world.fold.tables[-1]
    table.apply(PARTITION, {str(PARTITION): replace(control_of(world), version=version)})


def of_schema(offset: int, schema: str) -> LogRecord:
    """Give a record that names the schema of its data."""
    one = record(offset, looked(ONE, 185, START))
    headers = [*one.headers, ("ce_dataschema", schema.encode())]
    return LogRecord(offset, one.timestamp, one.key, one.value, headers)


def test_every_poll_says_who_wrote() -> None:
    """The control record of a partition carries the state version of the release that last wrote."""
    world = agent_world()
    world.hear(looked(ONE, 185, START))
    assert control_of(world).version == STATE_VERSION
    assert orjson.loads(world.state()["control"][str(PARTITION)])["version"] == STATE_VERSION


def test_state_without_a_version_is_read() -> None:
    """State from before versions were written goes on, and has one from then on."""
    world = agent_world()
    world.hear(looked(ONE, 185, START))
    written_by(world, 0)
    assert b"version" not in world.state()["control"][str(PARTITION)]
    world.restart()
    world.hear(looked(ONE, 0, START + DAY))
    assert [one["action"] for one in world.sent(FIX)] == ["issue", "withdraw"]
    assert control_of(world).version == STATE_VERSION


@pytest.mark.parametrize("make", [agent_world, institution_world])
def test_later_state_is_refused_in_words(make: Callable[[], World]) -> None:
    """A partition of a later release is paused: both versions are named, and what to do."""
    world = make()
    world.poll([])
    written_by(world, STATE_VERSION + 1)
    words = (
        rf"version {STATE_VERSION + 1}, and this release knows up to {STATE_VERSION}: .* start that one again, or go"
    )
    with pytest.raises(PartitionPaused, match=words):
        world.restart()


def test_state_of_another_shape_is_refused_in_words() -> None:
    """A record that a later release has reshaped pauses the partition that is being restored; it names the table."""
    with pytest.raises(
        PartitionPaused, match=r"the table accounts is no state of version .* a later release has worked"
    ):
        AGENT_TABLES.accounts.decode(b'{"heard_at": {"ms": 1}}')
    with pytest.raises(PartitionPaused, match="the table policies is no state of version"):
        AGENT_PROGRAM.policies.decode(b'{"policy": {"colour": 1}}')
    assert AGENT_PROGRAM.control.decode(b"{}") == ControlState()


def test_a_record_of_a_later_version_stops_the_partition() -> None:
    """It is neither misread nor set aside: nothing of the poll is kept, and the words name versions and place."""
    world = agent_world()
    before = world.state()
    words = re.escape(
        "version 2 of the messages, and this release reads up to 1: offset 1 of aggregation.events/1; start"
    )
    with pytest.raises(PartitionPaused, match=words):
        world.poll([record(0, looked(ONE, 185, START)), of_schema(1, LATER)])
    assert (world.state(), world.out) == (before, {})


@pytest.mark.parametrize("schema", ["urn:txpush-remediation:1:account-snapshot", "https://example.com/a", "urn:x:9:y"])
def test_schemas_of_this_version_and_of_others_are_read(schema: str) -> None:
    """The present version, and what another program may write there, changes nothing."""
    world = agent_world()
    world.poll([of_schema(0, schema)])
    assert [one["action"] for one in world.sent(FIX)] == ["issue"]
    assert world.sent(DEAD_LETTER) == []
