"""What a worker adds to its readiness: lag, clocks, a disk and rules that somebody should look at."""

import pytest

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.worker.notes import Notes


def rules(version: str) -> InForce:
    """Give rules of a version."""
    return InForce.of(Policy(version=version), Catalogue.load())


@pytest.fixture
def notes() -> Notes:
    """Notes of a worker whose settings name a policy."""
    return Notes(rules("mine"), names_policy=True)


def test_a_worker_that_is_well_has_none(notes: Notes) -> None:
    """What is under way is no lag, a clock is never the same to the second, and the policy is the one in force."""
    notes.watch(lambda: {0: rules("mine")}, {})
    notes.lag(0, 4_000, 59.0)
    notes.lag(1, 0, 3_600.0)
    notes.lag(2, 10, -4.0)
    assert notes.lines() == []


def test_lag_is_told_in_records_and_seconds(notes: Notes) -> None:
    """Over all partitions that are late, in one line; it is over when they are read, or others have them."""
    notes.lag(0, 1_000, 61.0)
    notes.lag(2, 500, 90.0)
    behind = "partitions 0, 2 are behind by 1,500 records and 90 s; wait, or start another worker where there are cores"
    assert notes.lines() == [behind]
    notes.lag(2, 0, 0.0)
    assert notes.lines() == [
        behind.replace("partitions 0, 2 are", "partition 0 is").replace("1,500", "1,000").replace("90", "61")
    ]
    notes.closed(0)
    assert notes.lines() == []


def test_records_of_the_future_tell_of_a_clock(notes: Notes) -> None:
    """Brokers let nobody write far ahead of them, so this machine is behind, or another one ahead."""
    notes.lag(0, 3, -30.0)
    (line,) = notes.lines()
    assert line.startswith("records come 30 s from the future of this machine's clock; have its time synchronised")


def test_state_that_is_not_kept_is_told_once_for_each_reason(notes: Notes) -> None:
    """Twelve partitions on a full disk are one line."""
    notes.watch(dict, {2: "No space left on device", 0: "No space left on device", 1: "another process has it"})
    assert [line.partition(";")[0] for line in notes.lines()] == [
        "partitions 0, 2 are not kept on disk: No space left on device",
        "partition 1 is not kept on disk: another process has it",
    ]


def test_another_policy_than_the_files_is_told(notes: Notes) -> None:
    """The file is for a log without any policy: whoever changed it only should know; without a file nobody asked."""
    in_force = {0: rules("other"), 1: rules("mine")}
    notes.watch(lambda: in_force, {})
    (line,) = notes.lines()
    assert line.startswith(
        "partition 0 is decided on by policy other, and TXPUSH_POLICY_FILE has mine; run `txpush policy"
    )
    unasked = Notes(rules("mine"), names_policy=False)
    unasked.watch(lambda: in_force, {})
    assert unasked.lines() == []
