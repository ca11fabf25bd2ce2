"""A paused partition in the driver: it waits for an operator's word, whatever happens to its workers meanwhile."""

from datetime import datetime

import pytest

from schemas.events import AccountSnapshot, Event, EventType, Override, OverrideAction, Source
from streams.fold.effects import OutRecord
from streams.fold.share import MINIMUM
from streams.kafka.topics import DEAD_LETTER, EVENTS
from streams.testing import RandomFaults, Topology

CUSTOMER = "7000000042"
BAD = 120


def failing(at: datetime) -> Event:
    """Give an observation of a login that fails."""
    data = AccountSnapshot(
        customer_id=CUSTOMER,
        account_id="5900000001",
        institution_id="102105",
        institution_login_id="7100000007",
        aggregation_status_code=103,
        aggregation_attempt_date=at,
    )
    return Event("once", EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, data, None, CUSTOMER)


def resume(at: datetime) -> Event:
    """Give an operator's word to go on."""
    data = Override(action=OverrideAction.RESUME, all=True, who="ann", why="all of it is noise")
    return Event("resume", EventType.OPERATOR_OVERRIDE, Source.OPERATOR, at, data)


def flooded(topology: Topology) -> None:
    """Put records on the log that are no events, and an observation behind them."""
    for _ in range(BAD):
        topology.cluster.append(EVENTS, 0, OutRecord(b"7", b"{}"))
    topology.send(failing(topology.now))


def test_a_pause_lasts_until_an_operator_ends_it() -> None:
    """Nothing of the flood is kept while it lasts, time does not end it, and behind the word all is decided."""
    with Topology(partitions=1) as topology:
        flooded(topology)
        assert [one.number for one in topology.simulation.paused] == [0]
        topology.advance(days=30)
        assert topology.read(DEAD_LETTER) == []
        topology.send(resume(topology.now))
        assert len(topology.read(DEAD_LETTER)) == BAD
        assert [one["action"] for one in topology.commands("remediation.connect-fix")][:1] == ["issue"]
        assert list(topology.simulation.paused) == []


@pytest.mark.parametrize("seed", range(8))
def test_kills_and_rebalances_change_nothing_of_it(seed: int) -> None:
    """Each new owner pauses at the same place and finds the same word; the check at the end compares with the fold."""
    with Topology(partitions=1, workers=2, seed=seed, faults=RandomFaults(kill=0.05, rebalance=0.02)) as topology:
        flooded(topology)
        assert len(topology.read(DEAD_LETTER)) < MINIMUM  # of small polls, as many as say nothing yet
        topology.send(resume(topology.now))
        assert len(topology.read(DEAD_LETTER)) == BAD
