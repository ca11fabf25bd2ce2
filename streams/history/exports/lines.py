"""A record as a line of an export and back: text where it is text, base64 where it is not, null apart from empty."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from schemas.problems import UNREADABLE
from streams.fold.effects import Headers, SourceRecord
from streams.history.exports.manifest import Time
from streams.history.history import Number

LINE_BYTES = 8 << 20
"""Of a line: a record as large as a broker takes one by default, 1 MiB, with every byte of it escaped, has 6 MiB."""


class ExportedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record of an export; see SourceRecord."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class _Header(msgspec.Struct, array_like=True, gc=False):
    name: str
    text: str | None = None
    base64: bytes | None = None


class _Line(msgspec.Struct, omit_defaults=True, gc=False):
    """What is left out is null; headers are an object where they can be one, else lists of name, text and base64."""

    offset: Number
    timestamp: Time
    key: str | None = None
    key_base64: bytes | None = None
    headers: dict[str, str | None] | list[_Header] = msgspec.field(default_factory=dict)
    value: str | None = None
    value_base64: bytes | None = None


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


def lines_of(records: Iterable[SourceRecord]) -> bytes:
    """Write records as lines, each with its end."""
    return _encoder.encode_lines([_written(record) for record in records])


def records_of(lines: bytes) -> Iterator[ExportedRecord]:
    """Read whole lines; raises one of UNREADABLE where one is none of ours. Empty lines are passed over."""
    return map(_record, _decoder.decode_lines(lines))


def first_bad_line(lines: bytes) -> tuple[int, str] | None:
    """Give the number, from 1, of the first line that cannot be read, and why; None where all can be."""
    for number, line in enumerate(lines.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            _decoder.decode(line)
        except UNREADABLE as error:
            return number, str(error) if line.strip() else "it is empty"
    return None


def _written(record: SourceRecord) -> _Line:
    key, key_base64 = _text(record.key)
    value, value_base64 = _text(record.value)
    return _Line(
        record.offset, record.timestamp, key, key_base64, _headers_written(record.headers), value, value_base64
    )


def _headers_written(headers: Headers) -> dict[str, str | None] | list[_Header]:
    every = [_Header(name, *_text(content)) for name, content in headers]
    found = {one.name: one.text for one in every}
    if len(found) == len(every) and all(one.base64 is None for one in every):
        return found
    return every


def _text(content: bytes | None) -> tuple[str | None, bytes | None]:
    """Give it as text, or as the bytes that are no text: UTF-8 that is read strictly comes back as it was."""
    if content is None:
        return None, None
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, content


def _record(line: _Line) -> ExportedRecord:
    key, value, written = line.key, line.value, line.headers
    headers: Any
    if isinstance(written, dict):  # a list first: half the time of a generator
        headers = tuple([(name, None if text is None else text.encode()) for name, text in written.items()])
    else:
        headers = tuple([(one.name, one.base64 if one.text is None else one.text.encode()) for one in written])
    return ExportedRecord(
        line.offset,
        line.timestamp,
        line.key_base64 if key is None else key.encode(),
        line.value_base64 if value is None else value.encode(),
        headers,
    )
