"""Who was forgotten is in no output in clear, whatever part of the log is compared; with --pseudonyms nobody is."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from schemas.cloudevents import to_headers
from schemas.events import AccountSnapshot, CustomerForgotten, Event, EventType, Source
from schemas.times import to_epoch_ms
from streams.fold.effects import OutRecord
from streams.history import Place, Span
from streams.history.forgotten import WITHHELD
from streams.kafka.topics import AUDIT, SIGNALS, TICKETS
from streams.pseudonyms import Kind, Pseudonyms
from streams.replay.compare.difference import Cause, Difference, Verdict
from streams.replay.names import Names, Naming
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.task import Outcome
from streams.testing import Topology
from streams.testing.broker import Record
from tests.component.replay.stage import Tampered

KEY = b"k" * 32
GONE, KEPT = "7000", "7001"
NAMES = {one: Pseudonyms([KEY]).name(Kind.CUSTOMER, one) for one in (GONE, KEPT)}


@pytest.fixture(scope="module")
def topology() -> Topology:
    """Give a log in which two customers had commands, and one was forgotten later."""
    with Topology(partitions=1) as topology:
        for customer in (GONE, KEPT):
            record = {"customerId": customer, "id": f"{customer}1", "institutionId": "10", "institutionLoginId": "7"}
            body = record | {"aggregationStatusCode": 103}
            topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})
        for customer in (GONE, KEPT):  # cannot be read, and so are set aside
            spoilt = AccountSnapshot(customer_id=customer, account_id="1", aggregation_status_code=185)
            event = Event(f"spoilt-{customer}", EventType.ACCOUNT_MODIFIED, Source.BRIDGE, topology.now, spoilt)
            topology.append(0, OutRecord(customer.encode(), b"{", to_headers(event), to_epoch_ms(topology.now)))
        data = CustomerForgotten(customer_id=GONE, who="w", why="y")
        topology.send(Event("f:1", EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, topology.now, data, None, GONE))
    return topology


async def differing(topology: Topology, asked: Asked, lines: Path, *, hides_all: bool = False) -> Sequence[Outcome]:
    """Replay with every decision on a customer taken away."""

    def nobodys(records: list[Record]) -> list[Record]:
        return [record for record in records if record.key is None]

    how = How(1, Naming((KEY,), hides_all), lines)
    return await run(Tampered(topology, {Place(AUDIT, 0): nobodys}), asked, how, lambda *_: None)


async def test_who_was_forgotten_is_hashed(topology: Topology, tmp_path: Path) -> None:
    """Before and after the order, and where only what lies before it is compared."""
    for asked in (Asked(), Asked(offsets={0: Span(1, 3)})):
        outcomes = await differing(topology, asked, tmp_path / "lines")
        written = (tmp_path / "lines").read_bytes()
        assert {one.customer for outcome in outcomes for one in outcome.first} == {NAMES[GONE], KEPT}
        assert NAMES[GONE].encode() in written
        assert GONE.encode() not in written
        assert KEPT.encode() in written


async def test_their_dead_letters_have_no_ids(topology: Topology, tmp_path: Path) -> None:
    """Nobody's key is on a decision that sets a record aside: the record says whose it is; others have theirs."""

    def without_letters(records: list[Record]) -> list[Record]:
        return [one for one in records if orjson.loads(one.value or b"")["dead_letter"] is None]

    for hides_all, ids in ((False, ["(withheld)", f"spoilt-{KEPT}"]), (True, ["(withheld)"] * 2)):
        how = How(1, Naming((KEY,), hides_all), tmp_path / "lines")
        origin = Tampered(topology, {Place(AUDIT, 0): without_letters})
        (outcome, *_) = await run(origin, Asked(), how, lambda *_: None)
        letters = [one for one in outcome.first if one.cause is Cause.NO_DECISION]
        assert ([one.id for one in letters], [one.customer for one in letters]) == (ids, [None, None])
        lines = [orjson.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
        assert [one["id"] for one in lines if one["cause"] == Cause.NO_DECISION] == ids


async def test_everybody_is_hashed_if_asked_for(topology: Topology, tmp_path: Path) -> None:
    """Nobody's id is in the lines."""
    outcomes = await differing(topology, Asked(), tmp_path / "lines", hides_all=True)
    assert {one.customer for outcome in outcomes for one in outcome.first} == {*NAMES.values()}
    lines = (tmp_path / "lines").read_text().splitlines()
    assert {orjson.loads(line)["customer"] for line in lines} == {*NAMES.values()}
    assert KEPT not in "".join(lines)


@pytest.mark.parametrize("hides_all", [False, True])
def test_a_forged_ticket_has_no_id(*, hides_all: bool) -> None:
    """It may be that of a customer's command; who of them was forgotten only the other log knows."""
    forged = Difference(
        Verdict.DROPPED, Cause.FORGED, f"{SIGNALS}/0", None, TICKETS, f"of-{GONE}:0", "102105", is_anybodys=True
    )
    assert Names(Naming((KEY,), hides_all)).named(forged).id == WITHHELD
