"""Records of a table that no table of this release has written: the partition is paused, and nothing is lost."""

import msgspec
import pytest

from schemas.state import AccountState, ControlState, CustomerState, Record, Surroundings
from streams.fold import PartitionPaused
from streams.worker.program import _reader

DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "value",
    [b"", b"7", b'{"audit_head":"\xff"}', b'{"later":' + DEEP + b"}"],
    ids=["none", "other", "no text", "endless"],
)
def test_what_cannot_be_read_pauses(value: bytes) -> None:
    """Anything else would end the worker, and the next one as well."""
    with pytest.raises(PartitionPaused, match="a record of the table control is no state of version"):
        _reader("control", msgspec.json.Decoder(ControlState).decode)(value)


@pytest.mark.parametrize("inputs", ["", "0" * 63, "x" * 64, "A" * 64, " " * 64, "0" * 64 + "\n"])
def test_a_roll_that_cannot_go_on_is_no_state(inputs: str) -> None:
    """A chain of decisions goes on from a hash, or not at all."""
    with pytest.raises(msgspec.ValidationError, match="not 64 digits of a hash"):
        msgspec.json.decode(msgspec.json.encode({"inputs": inputs}), type=ControlState)


@pytest.mark.parametrize("key", ["", "9/", "9/x", "9/None"])
def test_an_incident_of_no_code_is_no_state(key: str) -> None:
    """Every decision on an institution in trouble would fail at it."""
    with pytest.raises(msgspec.ValidationError, match="invalid literal"):
        msgspec.json.decode(msgspec.json.encode({"incidents": {key: {"sequence": 1}}}), type=Surroundings)


@pytest.mark.parametrize("told_at", ["2026-11-01T03:00:00", "9999-12-31T23:59:59Z"])
def test_an_incident_of_no_time_is_no_state(told_at: str) -> None:
    """One without a zone, or from which no span can be counted, would fail every contact of its institution."""
    kept = {"incidents": {"9/103": {"sequence": 1, "told_at": told_at}}}
    with pytest.raises(msgspec.ValidationError, match="told_at"):
        msgspec.json.decode(msgspec.json.encode(kept), type=Surroundings)


@pytest.mark.parametrize("at", ["2026-11-01T03:00:20", "2026-11-01T03:00:20\0Z"])
@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (AccountState, '{"heard_at":%s}'),
        (CustomerState, '{"event_time":"2026-11-01T03:00:00Z","silences":{"":{"until":%s}}}'),
    ],
)
def test_a_time_without_a_zone_is_no_state(kind: type[Record], kept: str, at: str) -> None:
    """It can be compared with no other: every decision on that state would fail at it, where its partition pauses."""
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        msgspec.json.decode(kept % msgspec.json.encode(at).decode(), type=kind)
