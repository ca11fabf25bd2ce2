"""Text of others: what could move a terminal's cursor is not printed."""

import pytest

from streams.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("7000000042", "7000000042"),
        ("", ""),
        ("Zürich é", "Zürich é"),
        ("a\x1b[2Jb", "a\N{REPLACEMENT CHARACTER}[2Jb"),
        ("a\nb\r\x07\u202e", "a\N{REPLACEMENT CHARACTER}b" + "\N{REPLACEMENT CHARACTER}" * 3),
    ],
)
def test_only_what_can_be_printed(text: str, shown: str) -> None:
    """Everything else has a mark in its place."""
    assert plain(text) == shown
