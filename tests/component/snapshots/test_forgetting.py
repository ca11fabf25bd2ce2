"""Customers who were forgotten are in no snapshot: those that have them go, and what is taken later is without."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas.events import CustomerForgotten, Event, EventType, Source
from schemas.state.partitions import STATE_VERSION
from schemas.times import to_epoch_ms
from streams.fold.intake import partition_of
from streams.history import Place
from streams.kafka.topics import EVENTS, SIGNALS
from streams.replay.plan import Asked
from streams.snapshots.file import FORMAT, Head, write_draft
from streams.snapshots.folder import path_of, snapshots_in
from streams.snapshots.forgetting import has_any, remove_forgotten
from streams.snapshots.state import digest_of
from streams.testing import Topology
from streams.testing.history import MemoryOrigin
from tests.component.replay.stage import replayed
from tests.component.snapshots.stage import taken_of

GONE, KEPT, LIKE = "7000", "7001", "70001"


@pytest.fixture
def lived() -> Topology:
    """Give a log of three customers, whose code is of an institution's tickets as well."""
    topology = Topology(partitions=2)
    topology.settle()
    for customer in (GONE, KEPT, LIKE):
        record = {"customerId": customer, "id": f"{customer}1", "institutionId": "10", "institutionLoginId": "7"}
        body = record | {"aggregationStatusCode": 102}
        topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})
        topology.advance(seconds=1)
    return topology


def forget(topology: Topology) -> None:
    data = CustomerForgotten(customer_id=GONE, who="w", why="y")
    topology.send(Event("f:1", EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, topology.now, data, None, GONE))


async def removed(
    topology: Topology, folder: Path, looked_to: Mapping[int, int] | None = None
) -> tuple[list[Path], dict[int, int]]:
    async with MemoryOrigin(topology.cluster).open() as history:
        return await remove_forgotten(history, folder, looked_to)


async def test_what_has_a_customer_who_was_forgotten_goes(lived: Topology, tmp_path: Path) -> None:
    """Of the agent, and of the institution agent, which knows whose login failed; nothing else is removed."""
    await taken_of(lived, tmp_path)
    named = {path for paths in snapshots_in(tmp_path).values() for path in paths.values() if has_any(path, [GONE])}
    assert {path.name.split("-")[0] for path in named} == {"aggregation.events", "institution.signals"}
    assert (await removed(lived, tmp_path))[0] == []
    lived.advance(hours=1)
    forget(lived)
    gone, ends = await removed(lived, tmp_path)
    assert set(gone) == named
    assert (await removed(lived, tmp_path, ends))[0] == []
    lived.advance(days=2)
    await taken_of(lived, tmp_path)
    place = Place(EVENTS, partition_of(GONE, 2))
    (path,) = [path for at, path in snapshots_in(tmp_path)[place].items() if at == max(snapshots_in(tmp_path)[place])]
    assert not has_any(path, [GONE])
    assert (await removed(lived, tmp_path))[0] == []
    assert (await replayed(lived, asked=Asked(snapshots=tmp_path))).exit_code == 0


async def test_institutions_hear_of_it_later(lived: Topology, tmp_path: Path) -> None:
    """A state of theirs that was taken up to a day behind the order and names the customer goes; a later one stays."""
    forget(lived)
    lines = [b'["standings","10/102/7000/7",{}]\n']
    digest, ordered_ms = digest_of(lines), to_epoch_ms(lived.now)
    for offset, hours in ((1, 23), (2, 25)):
        at_ms = ordered_ms + hours * 3_600_000
        head = Head(FORMAT, "c/t", SIGNALS, 0, 2, offset, at_ms, digest.sha256, 1, STATE_VERSION, "", "0.1.0", "1")
        write_draft(path_of(tmp_path, Place(SIGNALS, 0), offset), head, lines)
    assert (await removed(lived, tmp_path))[0] == [path_of(tmp_path, Place(SIGNALS, 0), 1)]


def test_a_name_is_not_a_part_of_another(tmp_path: Path) -> None:
    """A customer is named by a whole part of a key, or by a whole text of a record."""
    lines = [
        b'["accounts","70001/5",{"a":1}]\n',
        b'["standings","10/102/7002/7",{}]\n',
        b'["windows","10",{"x":"7003/1"}]\n',
    ]
    digest = digest_of(lines)
    head = Head(FORMAT, "c/t", EVENTS, 0, 1, 5, 0, digest.sha256, digest.records, STATE_VERSION, "", "0.1.0", "1")
    write_draft(tmp_path / "file", head, lines)
    assert {one for one in ("7000", "70001", "001", "7002", "7003", "700.") if has_any(tmp_path / "file", [one])} == {
        *("70001", "7002", "7003")
    }
