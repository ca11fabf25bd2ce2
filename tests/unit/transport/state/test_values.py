"""Restored values: bytes until somebody asks, and then as if they had been decoded at once."""

from typing import Any

import pytest

from streams.transport.state.values import PartitionValues


class Decoded(list[bytes]):
    """A decoder that notes what it decodes."""

    def __call__(self, value: bytes) -> str:
        self.append(value)
        return value.decode()


@pytest.fixture
def decoded() -> Decoded:
    return Decoded()


@pytest.fixture
def values(decoded: Decoded) -> PartitionValues:
    restored: dict[str, Any] = {"a": b"one", "b": b"two"}
    return PartitionValues(restored, decoded)


def test_a_value_is_decoded_once_when_it_is_asked_for(values: PartitionValues, decoded: Decoded) -> None:
    """Most of a large state is not needed for hours, and costs nothing until then."""
    assert (values["a"], values.get("a"), values.get("c"), values.get("c", 5)) == ("one", "one", None, 5)
    assert decoded == [b"one"]


def test_keys_cost_nothing(values: PartitionValues, decoded: Decoded) -> None:
    """To know what is there nothing has to be read."""
    assert ("a" in values, "c" in values, len(values), list(values)) == (True, False, 2, ["a", "b"])
    assert decoded == []


def test_all_can_be_asked_for_at_once(values: PartitionValues) -> None:
    """Decoding does not disturb whoever goes through them."""
    assert dict(values.items()) == {"a": "one", "b": "two"}


def test_they_change_as_any_mapping(values: PartitionValues, decoded: Decoded) -> None:
    """What a transaction puts in is there as it is, and what it drops is gone unread."""
    values["a"] = "three"
    del values["b"]
    assert (values["a"], values.pop("b", None), decoded) == ("three", None, [])
    with pytest.raises(KeyError):
        values["b"]
