"""Table values as checksummed frames of a file, each bound to the one before it."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import BinaryIO

import msgspec

from schemas.problems import UNREADABLE

Contents = dict[str, dict[str, bytes]]
"""Values by key by changelog, as the changelog has them."""
Changes = dict[str, dict[str, bytes | None]]
"""The latest value of each changed key by changelog; None drops the key."""

FRAME_BYTES = 1 << 20
ENTRY_BYTES = 16
"""What an entry takes beside key and value, about."""
DIGEST_BYTES = 16
NOTHING = bytes(DIGEST_BYTES)
"""The digest of no frame."""
_LENGTH = struct.Struct(">I")
HEAD_BYTES = _LENGTH.size + DIGEST_BYTES
_decoder = msgspec.msgpack.Decoder(Changes)
_encoder = msgspec.msgpack.Encoder()


class BrokenFileError(Exception):
    """What is read is not what was written: cut off, changed, or something else altogether."""


def drops_any(changes: Changes) -> bool:
    """Tell whether a key is dropped, so that what it held has to leave the disk as well."""
    return any(None in entries.values() for entries in changes.values())


def without_drops(changes: Changes) -> Contents:
    """Give the values among changes; nothing is left of a key that is dropped."""
    return {
        topic: {key: value for key, value in entries.items() if value is not None} for topic, entries in changes.items()
    }


def payloads(changes: Mapping[str, Mapping[str, bytes | None]]) -> Iterator[bytes]:
    """Give changes encoded, a frame's worth at a time: one encoding of all would hold every other thread up."""
    for topic, entries in changes.items():
        part, size = dict[str, bytes | None](), 0
        for key, value in entries.items():
            part[key] = value
            size += len(key) + len(value or b"") + ENTRY_BYTES
            if size >= FRAME_BYTES:
                yield _encoder.encode({topic: part})
                part, size = {}, 0
        if part:
            yield _encoder.encode({topic: part})


class FrameWriter:
    """Appends frames to a file from a place in it on."""

    def __init__(self, file: BinaryIO, length: int = 0, digest: bytes = NOTHING) -> None:
        self._file = file
        self.length = length
        self.digest = digest

    def write(self, encoded: Iterable[bytes]) -> None:
        """Write a frame for each payload; raises OSError."""
        for payload in encoded:
            self.digest = _chained(self.digest, payload)
            self._file.write(_LENGTH.pack(len(payload)) + self.digest)
            self._file.write(payload)
            self.length += HEAD_BYTES + len(payload)


def read_frames(file: BinaryIO, length: int, digest: bytes) -> Iterator[Changes]:
    """Give the changes of each frame, none before its checksum was right; what comes later in the file is newer.

    Raises:
        BrokenFileError: the first `length` bytes are not those that ended in `digest`; only at the end is that known.
    """
    left, last = length, NOTHING
    while left:
        payload, last = _next_frame(file, left, last)
        left -= HEAD_BYTES + len(payload)
        try:
            yield _decoder.decode(payload)
        except UNREADABLE as error:
            raise BrokenFileError(f"a frame does not hold table values: {error}") from error
    if last != digest:
        raise BrokenFileError("its last frame is not the one that belongs there")


def _next_frame(file: BinaryIO, left: int, before: bytes) -> tuple[bytes, bytes]:
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        raise BrokenFileError(f"it is cut off {left} bytes before its end")
    (size,) = _LENGTH.unpack_from(head)
    if size > left - HEAD_BYTES:
        raise BrokenFileError(f"a frame of {size} bytes does not fit into the {left} bytes before its end")
    payload, told = file.read(size), head[_LENGTH.size :]
    if _chained(before, payload) != told:
        raise BrokenFileError(f"the frame {left} bytes before its end has another checksum")
    return payload, told


def _chained(before: bytes, payload: bytes) -> bytes:
    """Give the digest of a frame and of all before it."""
    digest = blake2b(before, digest_size=DIGEST_BYTES)
    digest.update(payload)
    return digest.digest()
