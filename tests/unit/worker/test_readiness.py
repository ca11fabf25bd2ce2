"""What a worker says of its readiness: when, and in what words."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from streams.worker import readiness
from streams.worker.readiness import Readiness
from tests.waiting import until

METRICS = "http://127.0.0.1:41811/metrics"
READY = f"txpush-agent agent-0 is ready: partitions 0, 1, 2 of aggregation.events; metrics at {METRICS}"


@dataclass
class State:
    """What a worker would say of its partitions."""

    problems: list[str] = field(default_factory=lambda: ["no partitions assigned yet"])
    owned: list[int] = field(default_factory=list)


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
async def told(state: State, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Readiness]:
    caplog.set_level(logging.INFO, readiness.__name__)
    made = Readiness("txpush-agent agent-0", "aggregation.events", lambda: state.problems, lambda: state.owned)
    yield made
    made.stop()


async def test_it_is_said_once_all_partitions_are_open(
    told: Readiness, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    """One line names the worker, its partitions in order, and where the metrics are; until then there is none."""
    told.listening(METRICS)
    state.problems, state.owned = ["partition 1 is being restored"], [2, 0, 1]
    told.changed()
    assert caplog.messages == []
    state.problems = []
    told.changed()
    told.changed()
    assert caplog.messages == [READY]


async def test_a_worker_that_is_ready_before_its_admin_port(
    told: Readiness, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    """The line waits for the address that it names."""
    state.problems, state.owned = [], [0, 1, 2]
    told.changed()
    assert caplog.messages == []
    told.listening(METRICS)
    assert caplog.messages == [READY]


async def test_a_rebalance_is_said_again(told: Readiness, state: State, caplog: pytest.LogCaptureFixture) -> None:
    """Partitions that were taken and given back are news, and so is having none."""
    state.problems, state.owned = [], [0, 1, 2]
    told.listening(METRICS)
    state.problems = ["partition 0 is being restored"]
    told.changed()
    state.problems = []
    told.changed()
    state.owned = []
    told.changed()
    others = f"txpush-agent agent-0 is ready: others have all partitions of aggregation.events; metrics at {METRICS}"
    assert caplog.messages == [READY, READY, others]


async def test_a_slow_start_says_what_it_waits_for(
    told: Readiness, state: State, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for the line learns after a while why it does not come, and where to ask."""
    monkeypatch.setattr(readiness, "SLOW_SECONDS", 0.0)
    state.problems = ["partition 1 is being restored"]
    told.listening(METRICS)
    await until(lambda: caplog.messages)
    assert caplog.messages == [
        f"txpush-agent agent-0 is not ready yet: partition 1 is being restored; metrics at {METRICS}"
    ]
