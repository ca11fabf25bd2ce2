"""How far live has decided, as its own state says: the last word under the key of a partition."""

import pytest

from schemas.state import ControlState, encode
from streams.fold.application import THE_AGENT
from streams.history import HistoryError, Place
from streams.kafka.topics import AGENT, changelog
from streams.replay.plan import decided_up_to
from streams.testing.broker import Record
from tests.unit.audit.tape import Tape, TapeHistory

CONTROL = Place(changelog(AGENT, "control"), 0)


def told(*records: tuple[bytes, bytes | None]) -> TapeHistory:
    """Give a history of that changelog, of keys and values."""
    return TapeHistory(Tape({CONTROL: [Record(at, 1, key, value, ()) for at, (key, value) in enumerate(records)]}))


def up_to(offset: int) -> bytes:
    """Give a state that has decided so far."""
    return encode(ControlState(next_offset=offset))


async def test_what_is_under_other_keys_is_no_word_of_the_agent() -> None:
    """It does not read them, so they hide nothing of what it has decided, however many there are."""
    others = [(b"other", up_to(1))] * 100
    assert await decided_up_to(told((b"0", up_to(5)), (b"0", up_to(7)), *others), THE_AGENT) == {0: 7}
    assert await decided_up_to(told(*others), THE_AGENT) == {}


async def test_a_state_that_cannot_be_read_is_named() -> None:
    """By its place; nothing is compared then."""
    with pytest.raises(HistoryError, match=rf"{CONTROL.topic}/0 at offset 1 cannot be read"):
        await decided_up_to(told((b"0", up_to(5)), (b"0", b"{")), THE_AGENT)
