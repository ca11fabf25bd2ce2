"""The head of a state file: whose state the data is, up to which offsets, and since when."""

from hashlib import blake2b
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.problems import UNREADABLE
from schemas.state.partitions import STATE_VERSION
from streams.transport.local.frames import DIGEST_BYTES, BrokenFileError

FORMAT = 2
"""Of head and frames; a file of another one is not read."""
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Identity(msgspec.Struct, frozen=True):
    """What a file is bound to: under another name, or with a recreated topic, it is somebody else's."""

    cluster: str
    application: str
    partition: int
    topic_ids: dict[str, str]
    """The id of every changelog by its name."""
    format: int = FORMAT
    state_version: int = STATE_VERSION


class Head(msgspec.Struct, frozen=True):
    """What a whole file says of itself; it is replaced at once, so it is either the old one or the new one."""

    identity: Identity
    offsets: dict[str, Count]
    """By changelog, the offset up to which every committed record is in the data."""
    proven_ms: Count
    """Epoch milliseconds; whatever is behind the offsets was written later, tombstones among it."""
    data: Annotated[str, Meta(pattern=r"^[0-9]{1,9}\.[0-9]{1,18}\.data\Z")]
    """Name of the file with the data, in the same folder: the partition's number, and one that goes up."""
    length: Count
    """Bytes of it that count; what comes after them was not finished."""
    digest: bytes
    """Of those bytes, frame by frame."""
    whole_length: Count
    """Bytes when it was last written as a whole, without any value that had been replaced or dropped."""
    dropped_ms: Count = 0
    """Epoch milliseconds of the first drop since then; 0 if there was none."""


_decoder = msgspec.json.Decoder(Head)


def encode_head(head: Head) -> bytes:
    """Give a head as a line of its checksum and a line that people can read."""
    text = msgspec.json.encode(head)
    return _checksum(text) + b"\n" + text + b"\n"


def decode_head(written: bytes) -> Head:
    """Read it back; raises BrokenFileError."""
    checksum, _, rest = written.partition(b"\n")
    text = rest.removesuffix(b"\n")
    if rest != text + b"\n" or checksum != _checksum(text):
        raise BrokenFileError("its head has another checksum")
    try:
        return _decoder.decode(text)
    except UNREADABLE as error:  # whole, and so of another format
        raise BrokenFileError(f"its head is of another format: {error}") from error


def _checksum(text: bytes) -> bytes:
    return blake2b(text, digest_size=DIGEST_BYTES).hexdigest().encode()
