"""The audit chain, checked by the words of the contract and not by the code that writes it."""

import hashlib
import struct

import orjson
import pytest

from streams.fold.chain import NO_INPUTS, Chain, first_link, sha256_hex
from tests.unit.fold.build import LogRecord


def test_the_first_link_names_the_partition() -> None:
    """A chain is named by cluster id, topic id and partition."""
    assert first_link("cluster/topic", 7) == hashlib.sha256(b"cluster/topic/7").hexdigest()


def test_inputs_roll_whole_records() -> None:
    """Each record goes in with its place and every part framed by its length, on top of what went in before."""
    chain = Chain("head", NO_INPUTS)
    rolled = bytes(32)
    records = (LogRecord(258, 77, b"key", b"value", (("ce_id", b"x"),)), LogRecord(259, 78, None, None))
    for record, parts in zip(records, (b"3:key5:value5:ce_id1:x", b"--"), strict=True):
        chain.absorb(record)
        rolled = hashlib.sha256(rolled + struct.pack(">Qq", record.offset, record.timestamp) + parts).digest()
    assert chain.inputs == rolled.hex()


@pytest.mark.parametrize(
    "changed",
    [
        LogRecord(2, 0, b"k", b"v", (("h", b"x"),)),
        LogRecord(1, 9, b"k", b"v", (("h", b"x"),)),
        LogRecord(1, 0, b"l", b"v", (("h", b"x"),)),
        LogRecord(1, 0, b"k", b"w", (("h", b"x"),)),
        LogRecord(1, 0, b"kv", b"", (("h", b"x"),)),
        LogRecord(1, 0, b"k", b"v", (("h", b"y"),)),
        LogRecord(1, 0, b"k", b"v", (("i", b"x"),)),
        LogRecord(1, 0, b"k", b"v", ()),
    ],
)
def test_any_changed_byte_changes_the_roll(changed: LogRecord) -> None:
    """Offset, time, key, value and headers of a record, and where one ends and the next begins, are in the roll."""
    told, other = Chain("", NO_INPUTS), Chain("", NO_INPUTS)
    told.absorb(LogRecord(1, 0, b"k", b"v", (("h", b"x"),)))
    other.absorb(changed)
    assert told.inputs != other.inputs


def test_a_link_holds_what_came_before_and_starts_anew() -> None:
    """A link carries the hash of the link before and the roll; after it the roll is empty again."""
    chain = Chain("f" * 64, NO_INPUTS)
    chain.absorb(LogRecord(1, 0, b"k", b"v"))
    rolled = chain.inputs
    first = chain.link({"n": 1})
    second = chain.link({"n": 2})
    assert orjson.loads(first) == {"n": 1, "inputs_sha256": rolled, "previous": "f" * 64}
    assert orjson.loads(second)["previous"] == hashlib.sha256(first).hexdigest()
    assert orjson.loads(second)["inputs_sha256"] == NO_INPUTS
    assert chain.head == hashlib.sha256(second).hexdigest()


def test_a_chain_goes_on_from_its_state() -> None:
    """Head and roll are all that a new owner needs."""
    one, other = Chain("a" * 64, NO_INPUTS), Chain("a" * 64, NO_INPUTS)
    one.absorb(LogRecord(1, 0, b"k", b"v"))
    other.absorb(LogRecord(1, 0, b"k", b"v"))
    restored = Chain(other.head, other.inputs)
    assert restored.link({"n": 1}) == one.link({"n": 1})


def test_parts_are_hashed_in_order() -> None:
    """A hash of parts is the hash of the bytes one after the other."""
    assert sha256_hex([b"ab", b"c"]) == hashlib.sha256(b"abc").hexdigest()
