"""Tables that change by transaction: readable by key and by partition, never assigned to."""

from collections.abc import Iterator
from typing import cast

import pytest

from schemas.state import CustomerState
from streams.transport.tables import StateTable
from tests.unit.fold.build import AGENT_TABLES, START

TABLE = cast("StateTable", AGENT_TABLES.customers)
STATE = CustomerState(event_time=START)


@pytest.fixture(autouse=True)
def two_partitions() -> Iterator[None]:
    TABLE.take(0, {"a": STATE})
    TABLE.take(1, {"b": STATE})
    yield
    for partition in range(3):
        TABLE.drop(partition)


def test_assignment_is_refused() -> None:
    """A value that no transaction carries cannot get in."""
    with pytest.raises(TypeError, match="changes with its partition's transaction only"):
        TABLE["a"] = STATE


def test_deletion_is_refused() -> None:
    """The same for taking one out."""
    with pytest.raises(TypeError, match="changes with its partition's transaction only"):
        del TABLE["a"]


def test_faust_callbacks_are_refused() -> None:
    """The ways in which Faust itself changes a table are closed, too."""
    with pytest.raises(TypeError, match="return the change from the fold"):
        TABLE.on_key_set("a", STATE)
    with pytest.raises(TypeError, match="return the change from the fold"):
        TABLE.on_key_del("a")


def test_partitions_read_as_one() -> None:
    """A key is found in whatever partition it is."""
    assert (TABLE["a"], TABLE["b"], len(TABLE.data), sorted(TABLE.data)) == (STATE, STATE, 2, ["a", "b"])
    with pytest.raises(KeyError):
        TABLE.data["c"]


def test_a_partition_that_is_not_owned_is_an_error() -> None:
    """Nothing is decided on a partition that has been given up."""
    TABLE.drop(1)
    with pytest.raises(KeyError):
        TABLE.partition(1)


def test_changes_of_a_transaction_show() -> None:
    """What stands is put in, and None takes out, a key that is not there as well."""
    TABLE.apply(0, {"a": None, "c": STATE, "d": None})
    assert dict(TABLE.partition(0)) == {"c": STATE}


def test_state_comes_back_from_its_bytes() -> None:
    """What the changelog holds is what was kept."""
    assert TABLE.decode(TABLE.encode(STATE)) == STATE
    assert TABLE.topic == "txpush-agent-customers-changelog"
