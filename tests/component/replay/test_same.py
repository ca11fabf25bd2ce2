"""What was lived through is derived again to the byte, whatever died meanwhile and however the log is read."""

import logging
from collections.abc import Iterator

import pytest

from streams.fold.application import APPLICATIONS
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS, changelog
from streams.links import FixLinks
from streams.replay.compare.difference import DECISION, Verdict
from streams.replay.names import Naming
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.summary import INCIDENTS, Summary
from streams.replay.task import Links
from streams.testing import Topology
from streams.testing.history import MemoryOrigin
from tests.component.replay.stage import Tampered, lived, replayed
from tests.topology import schedules

SEEDS = 6


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_schedules_with_deaths(seed: int) -> None:
    """Workers died, slept and woke as zombies; none of it shows in what is derived."""
    topology = schedules.run(seed)
    outcomes = await run(MemoryOrigin(topology.cluster), Asked(), How(1, Naming((b"k" * 32,))), lambda *_: None)
    summary = Summary.of(outcomes, is_all=True)
    assert [one.first for one in outcomes if one.first] == []
    assert (summary.differences, summary.exit_code, summary.undecided) == (0, 0, 0)


async def test_all_is_compared() -> None:
    """Every audit record, every command and every announced incident of the run is among what is the same."""
    topology = lived()
    summary = await replayed(topology)
    assert {verdict for _, verdict in summary.counts} == {Verdict.SAME}
    assert summary.counts[DECISION, Verdict.SAME] == len(topology.read(AUDIT))
    for topic in ("remediation.connect-fix", "remediation.support-ticket", "remediation.lookup"):
        assert summary.counts[topic, Verdict.SAME] == len(topology.read(topic)) > 0
    assert summary.counts[INCIDENTS, Verdict.SAME] > 0
    assert summary.events == len(topology.read(EVENTS)) + len(topology.read(SIGNALS))


async def test_without_the_state_of_live() -> None:
    """Where nobody says how far live has come, all of the log is folded and the same is found."""
    controls = frozenset(changelog(one.name, "control") for one in APPLICATIONS)
    summary = await replayed(lived(), origin=Tampered(lived(), without=controls))
    assert (summary.differences, summary.undecided) == (0, 0)


async def test_links_are_compared_where_the_key_is_there() -> None:
    """Without the key commands are compared without their links, with it to the byte; another key is a difference."""
    key, other, url = b"1" * 64, b"2" * 64, "https://fix.example.com"
    with Topology(links=FixLinks([key], url)) as topology:
        body = {"customerId": "7000", "id": "1", "institutionId": "10", "institutionLoginId": "7"}
        record = body | {"aggregationStatusCode": 103}
        topology.notify({"event": {"class": "account", "type": "modified", "records": [record]}})
    assert "fix_url" in topology.commands("remediation.connect-fix")[0]
    for links in (None, Links((key,), url)):
        assert (await replayed(topology, asked=Asked(links=links))).differences == 0
    (difference,) = [
        one
        for outcome in (await replayed(topology, asked=Asked(links=Links((other,), url)))).outcomes
        for one in outcome.first
    ]
    assert difference.fields == ("fix_url",)
