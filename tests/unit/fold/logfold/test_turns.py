"""A turn of the fold: every record of it is in the chain, and it ends in time."""

import hashlib

import orjson

from streams.fold.chain import first_link
from streams.kafka.topics import AUDIT
from tests.unit.fold.build import CUSTOMERS, HOUR, IDENTITY, PARTITION, START, World, looked, record, rolled_on, tick
from tests.unit.fold.logfold.build import unreadable

ONE, TWO, *_ = CUSTOMERS


def test_every_inbound_record_is_in_the_chain(agent: World) -> None:
    """The roll covers records that changed nothing and records that were set aside, each once, from link to link."""
    records = [
        record(0, looked(ONE, 185, START)),
        record(1, looked(ONE, 185, START)),
        unreadable(2),
        record(3, tick(START + HOUR)),
        record(4, looked(TWO, 103, START + HOUR)),
    ]
    for one in records:
        agent.poll([one])
    rolled, head, done = bytes(32), first_link(IDENTITY, PARTITION), -1
    for written in agent.audits:
        link = orjson.loads(written.value or b"")
        for one in records[done + 1 : link["offset"] + 1]:
            rolled = rolled_on(rolled, one)
        assert (link["inputs_sha256"], link["previous"]) == (rolled.hex(), head)
        rolled, head, done = bytes(32), hashlib.sha256(written.value or b"").hexdigest(), link["offset"]
    assert done == 4


def test_a_turn_ends_when_its_time_is_over(agent: World) -> None:
    """With the record in which it is: there is some progress always, and the rest is told to be left."""
    records = [record(n, looked(ONE, code, START + n * HOUR)) for n, code in enumerate((185, 0, 103))]
    effects = agent.fold.fold(PARTITION, records, 0.0)
    assert effects.left == 2
    assert [orjson.loads(one.value or b"")["offset"] for one in effects.outbox.records[AUDIT, PARTITION]] == [0]
    assert agent.fold.fold(PARTITION, records, 60.0).left == 0
