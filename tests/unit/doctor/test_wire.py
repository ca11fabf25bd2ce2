"""What a cluster says of its features, read from bytes as a broker writes them."""

import pytest
from aiokafka.protocol.types import CompactArray, CompactString, Int16, TaggedFields

from streams.doctor import wire

ENTRIES = CompactArray(("name", CompactString("utf-8")), ("max", Int16), ("min", Int16), ("tags", TaggedFields))


def test_the_level_is_found_among_other_features() -> None:
    """By its name, wherever it stands; a cluster that finalizes none has level 0."""
    features: list[tuple[str, int, int, dict[int, bytes]]] = [
        ("kraft.version", 1, 1, {}),
        (wire.FEATURE, 30, 7, {}),
        ("transaction.version", 2, 2, {}),
    ]
    assert wire._level(ENTRIES.encode(features)) == 30
    assert wire._level(ENTRIES.encode(features[:1])) == 0
    assert wire._level(b"") == 0


@pytest.mark.parametrize(
    ("level", "release"), [(0, "before 3.3"), (6, "before 3.3"), (7, "3.3"), (14, "3.6"), (15, "3.7"), (30, "4.3")]
)
def test_a_level_belongs_to_the_release_that_brought_it_or_the_one_before(level: int, release: str) -> None:
    """Upgrades raise it last."""
    assert wire._release(level) == release
