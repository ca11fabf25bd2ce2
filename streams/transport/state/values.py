"""The values of one partition of a table, decoded when they are first asked for."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

Decode = Callable[[bytes], Any]


class PartitionValues(MutableMapping[str, Any]):
    """Values by key. Restored ones stay bytes until they are needed: most of a large state is not for hours.

    A value that cannot be decoded raises what the table's decoder raises, from whatever asks for it.
    """

    __slots__ = ("_decode", "_values")

    def __init__(self, values: dict[str, Any], decode: Decode) -> None:
        self._values = values
        self._decode = decode

    @property
    def inner(self) -> dict[str, Any]:
        """The values as they are, bytes or decoded."""
        return self._values

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - values have the table's own type
        """Give a value; raises KeyError."""
        value = self._values[key]
        if type(value) is bytes:
            value = self._values[key] = self._decode(value)
        return value

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - the same
        """Give a value, or the default."""
        return self[key] if key in self._values else default

    def __contains__(self, key: object) -> bool:
        """Tell whether a key has a value."""
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        """Give the keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._values)

    def __setitem__(self, key: str, value: object) -> None:
        """Put a value, decoded or as bytes."""
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        """Drop a key; raises KeyError."""
        del self._values[key]
