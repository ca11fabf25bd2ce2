"""State knows which log it is of and where that goes on, and is used for nothing else."""

import pytest

from schemas.state import replace
from streams.fold import PartitionPaused
from tests.unit.fold.build import CUSTOMERS, PARTITION, START, World, agent_world, looked, record

ONE = CUSTOMERS[0]


def another_log(world: World, log: str) -> None:
    """Have the state say that it is of another log."""
    table = world.fold.tables[-1]
    control = table.partition(PARTITION)[str(PARTITION)]
    table.apply(PARTITION, {str(PARTITION): replace(control, log=log)})


def test_state_goes_on_behind_its_last_record() -> None:
    """Offsets have gaps, and a poll may bring nothing new: what counts is the last record."""
    world = agent_world()
    assert world.fold.next_offset(PARTITION) is None
    world.poll([record(3, looked(ONE, 185, START)), record(7, looked(ONE, 103, START))])
    assert world.fold.next_offset(PARTITION) == 8
    world.restart()
    assert world.fold.next_offset(PARTITION) == 8


def test_state_of_another_log_is_refused_in_words() -> None:
    """A log that was made anew has other events under the same offsets: nothing of it is decided on."""
    world = agent_world()
    world.poll([record(0, looked(ONE, 185, START))])
    another_log(world, "txpush-elsewhere/1234")
    with pytest.raises(PartitionPaused, match=r"of another aggregation\.events \(txpush-elsewhere/1234\) than the one"):
        world.restart()


def test_state_that_names_no_log_is_taken() -> None:
    """What `txpush move` has brought to another cluster begins that one's log."""
    world = agent_world()
    world.poll([record(0, looked(ONE, 185, START))])
    another_log(world, "")
    world.restart()
    world.poll([record(1, looked(ONE, 0, START))])
    assert world.fold.next_offset(PARTITION) == 2
