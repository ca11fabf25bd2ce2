"""A record as a line of an export and back: text where it is text, base64 where it is not, null apart from empty."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.fold.effects import Headers, SourceRecord


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


class _Line(msgspec.Struct, gc=False):
    offset: int
    timestamp: int
    key: str | None = None
    key_base64: bytes | None = None
    headers: Sequence[_Header] = ()
    value: str | None = None
    value_base64: bytes | None = None


class _Written(msgspec.Struct, omit_defaults=True, gc=False):
    """The same to be written: what is left out is null, and a header has as many members as it needs."""

    offset: int
    timestamp: int
    key: str | None = None
    key_base64: bytes | None = None
    headers: Sequence[Sequence[str | bytes | None]] = ()
    value: str | None = None
    value_base64: bytes | None = None


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


def lines_of(records: Iterable[SourceRecord]) -> bytes:
    """Write records as lines, each with its end."""
    return _encoder.encode_lines([_written(record) for record in records])


def records_of(lines: bytes) -> Iterator[ExportedRecord]:
    """Read whole lines; raises msgspec.MsgspecError or UnicodeDecodeError where one is none of ours."""
    return map(_record, _decoder.decode_lines(lines))


def first_bad_line(lines: bytes) -> tuple[int, str] | None:
    """Give the number, from 1, of the first line that cannot be read, and why; None where all can be."""
    for number, line in enumerate(lines.splitlines(), start=1):
        try:
            _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return number, str(error)
    return None


def _written(record: SourceRecord) -> _Written:
    key, key_base64 = _text(record.key)
    value, value_base64 = _text(record.value)
    headers = [_header(name, content) for name, content in record.headers]
    return _Written(record.offset, record.timestamp, key, key_base64, headers, value, value_base64)


def _header(name: str, content: bytes | None) -> Sequence[str | bytes | None]:
    text, base64 = _text(content)
    return (name, text) if base64 is None else (name, None, base64)


def _text(content: bytes | None) -> tuple[str | None, bytes | None]:
    """Give it as text, or as the bytes that are no text: UTF-8 that is read strictly comes back as it was."""
    if content is None:
        return None, None
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, content


def _record(line: _Line) -> ExportedRecord:
    key, value = line.key, line.value
    headers: Any = tuple(
        [(one.name, one.base64 if one.text is None else one.text.encode()) for one in line.headers]
    )  # a list first: half the time of a generator
    return ExportedRecord(
        line.offset,
        line.timestamp,
        line.key_base64 if key is None else key.encode(),
        line.value_base64 if value is None else value.encode(),
        headers,
    )
