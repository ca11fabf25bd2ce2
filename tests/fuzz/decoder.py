"""One decoder under test: bytes in, a short word for what they came to out, and nothing raised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAYLOADS = ROOT / "tests" / "payloads"
AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
BETWEEN = b"\x1e"
"""Separates the parts of an input that has several: a key, headers, a value."""


@dataclass(frozen=True)
class Decoder:
    """What is fuzzed.

    Attributes:
        name: of the decoder, for `--decoder`.
        run: reads an input as the program does; gives a word for the outcome, declared errors among them. Whatever it
            raises is a finding; so is an `assert` about what it read.
        seeds: inputs to start from, good ones and all that ever failed.
        accepted: outcomes of which the seeds have to show at least one, or nothing deep would be reached.
    """

    name: str
    run: Callable[[bytes], str]
    seeds: Callable[[], Sequence[bytes]]
    accepted: frozenset[str]


def payloads(prefix: str) -> list[bytes]:
    """Give the sample bodies of a kind."""
    return [path.read_bytes() for path in sorted(PAYLOADS.glob(f"synthetic-{prefix}-*.json"))]


def parts(data: bytes, count: int) -> list[bytes]:
    """Give the parts of an input; those that are not there are empty."""
    found = data.split(BETWEEN, count - 1)
    return found + [b""] * (count - len(found))


def headers_in(text: bytes) -> list[tuple[bytes, bytes]]:
    """Give headers, one a line, as the HTTP server does: names in lower case, no spaces around values."""
    pairs = (line.partition(b":") for line in text.split(b"\n") if line)
    return [(name.lower(), value.strip()) for name, _, value in pairs]


HOSTILE = (
    b"[" * 3000,
    b'{"a":' * 3000,
    b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}",
    b'{"eventType":"done","customerId":"7","code":1e999}',
    b'{"eventType":"done","customerId":' + b"9" * 5000 + b"}",
    b'{"eventType":"done","customerId":"7","a":"\\ud800","code":' + b"9" * 5000 + b"}",
    b'{"eventType":"done","customerId":"7","webhookData":"' + b"[" * 2000 + b'"}',
    b'{"event":{"class":"account","type":"modified","records":[{"id":"\\ud83d","customerId":1e400}]}}',
    b'\xef\xbb\xbf{"a":1}',
    b"\xff\xfe",
    b"",
)
"""What breaks readers of JSON."""
TOKENS = (
    *(bytes([byte]) for byte in b'"{}[]:,\\\n\x00\xff-.0'),
    *(b"null", b"true", b"1e999", b"-1e999", b"NaN", b"9" * 400, b"18446744073709551616", b"0.5", b'""'),
    *(b"\\ud800", b"\\u0000", b"\xc0\xaf", b"\xef\xbb\xbf", b"[" * 200, b'{"a":' * 200, BETWEEN, b"2026-02-30"),
)
"""What a changed input may have anywhere."""
