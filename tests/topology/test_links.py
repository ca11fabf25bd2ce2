"""Links in messages, under crashes."""

from datetime import timedelta
from typing import Any

import pytest

from streams.kafka.topics import AUDIT
from streams.testing import RandomFaults, Topology
from tests.unit.agent.test_linking import FIX, LINKS, failing


@pytest.mark.parametrize("seed", range(5))
def test_crashes_change_no_link(seed: int) -> None:
    """Workers that die and are replaced write the same messages, links included: the check of the driver holds them."""

    def said(topology: Topology) -> list[Any]:
        with topology:
            topology.notify(failing("1", 185, int(topology.now.timestamp())))
            topology.advance_to(topology.now + timedelta(days=4))
            assert topology.read(AUDIT)
            return topology.commands(FIX)

    calm = said(Topology(links=LINKS))
    assert [("fix_url" in one) for one in calm] == [True] * len(calm)
    assert said(Topology(links=LINKS, workers=2, seed=seed, faults=RandomFaults())) == calm
