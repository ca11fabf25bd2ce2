"""A folder of checkpoints: one small file each, signed, and chained to the one before."""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.problems import UNREADABLE
from streams.audit.checkpoints.entry import Entry, Sha256
from streams.audit.checkpoints.keys import is_signed, signed
from streams.audit.plan import Mark
from streams.history import Number, Place
from streams.history.exports.files import sync_folder

VERSION: Literal[1] = 1
NAME = re.compile(r"checkpoint-(\d{8})\.json")
BEFORE_FIRST = "0" * 64
"""Stands for the hash of a checkpoint before the first one."""


class FolderError(OSError):
    """The folder of the checkpoints cannot be read: nothing is said of them."""


class CheckpointError(RuntimeError):
    """Checkpoints are not what was signed, or do not follow each other; the message names the file."""


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed.

    Attributes:
        number: counts from 1.
        previous: SHA-256 of the file before, lower-case hex.
        left_out: chains that could not be proven, as `log/partition`, with why.
    """

    version: Literal[1]
    number: Number
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    cluster_id: str
    engine_version: str
    previous: Sha256
    chains: tuple[Entry, ...]
    left_out: dict[str, str] = {}

    @property
    def name(self) -> str:
        """Name it for people."""
        return f"checkpoint {self.number} of {self.time:%Y-%m-%d %H:%M} UTC"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkpoint: Checkpoint
    signature: str


def content_of(checkpoint: Checkpoint) -> bytes:
    """Give the bytes that are signed: JSON, names in order, without spaces."""
    return msgspec.json.encode(checkpoint, order="sorted")


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint that was read, and the hash of its file."""

    checkpoint: Checkpoint
    sha256: str


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What a folder has, oldest first; every one signed and in its place."""

    kept: tuple[Kept, ...] = ()

    @property
    def previous(self) -> str:
        """What the next one goes on from."""
        return self.kept[-1].sha256 if self.kept else BEFORE_FIRST

    @property
    def number(self) -> int:
        """The number of the last one; 0 where there is none."""
        return self.kept[-1].checkpoint.number if self.kept else 0

    @property
    def names(self) -> tuple[str, ...]:
        """What the logs are called in them, `<cluster id>/<topic id>`: a restored cluster's chains began as these."""
        every = (
            f"{one.checkpoint.cluster_id}/{entry.topic_id}" for one in self.kept for entry in one.checkpoint.chains
        )
        return tuple(dict.fromkeys(every))

    def latest(self) -> dict[Place, Entry]:
        """Give the last word on each chain."""
        return {entry.place: entry for one in self.kept for entry in one.checkpoint.chains}

    def marks(self) -> dict[Place, tuple[Mark, ...]]:
        """Give what each chain has to have come to, oldest first; what says the same again is left out."""
        found: dict[Place, list[Mark]] = {}
        for one in self.kept:
            for entry in one.checkpoint.chains:
                marks = found.setdefault(entry.place, [])
                mark = entry.mark(one.checkpoint.name)
                if not marks or marks[-1][:3] != mark[:3]:
                    marks.append(mark)
        return {place: tuple(marks) for place, marks in found.items()}


def read_folder(folder: Path, keys: Sequence[Ed25519PublicKey], first: int = 1) -> Checkpoints:
    """Read all checkpoints, and hold each against the keys and against the one before.

    `first` is the number of the oldest that has to be there: those before it are kept elsewhere.

    Raises:
        CheckpointError: with the first one that does not fit.
        FolderError: the folder, or a file in it, cannot be read.
    """
    try:
        numbers = sorted(int(found[1]) for one in folder.iterdir() if (found := NAME.fullmatch(one.name)))
    except OSError as error:
        raise FolderError(
            f"{folder}: cannot be read: {error.strerror}; name the folder that the checkpoints are in"
        ) from error
    if numbers and numbers[0] != first:
        raise CheckpointError(
            f"{folder}: it begins with {name_of(numbers[0])}, not with {name_of(first)}: older ones were taken away; "
            f"put them back, or say --first {numbers[0]} if they are kept elsewhere"
        )
    for before, after in pairwise(numbers):
        if after != before + 1:
            raise CheckpointError(f"{folder}: {name_of(before + 1)} is missing, between {before} and {after}")
    kept: list[Kept] = []
    for number in numbers:
        kept.append(_read(folder / name_of(number), number, keys))
        _follows(folder, kept)
    return Checkpoints(tuple(kept))


def name_of(number: int) -> str:
    """Name the file of a checkpoint."""
    return f"checkpoint-{number:08}.json"


def _read(path: Path, number: int, keys: Sequence[Ed25519PublicKey]) -> Kept:
    try:
        written = path.read_bytes()
        read = msgspec.json.decode(written, type=_File)
        signature = base64.b64decode(read.signature, validate=True)
    except OSError as error:
        raise FolderError(
            f"{path}: cannot be read: {error.strerror}; let who checks read it, then run it again"
        ) from error
    except UNREADABLE as error:
        raise CheckpointError(f"{path} is no checkpoint, or one of a later release: {error}") from error
    checkpoint = read.checkpoint
    if written != _written(checkpoint, signature) or not is_signed(keys, content_of(checkpoint), signature):
        raise CheckpointError(
            f"{path}: none of the keys has signed it: it was changed or forged, or the key of that time is not given "
            "(--public-key may be given twice)"
        )
    if checkpoint.number != number:
        raise CheckpointError(f"{path}: it is checkpoint {checkpoint.number}: files were renamed")
    return Kept(checkpoint, hashlib.sha256(written).hexdigest())


def _follows(folder: Path, kept: Sequence[Kept]) -> None:
    """Refuse one that does not go on from the one before; what is in front of the first is kept elsewhere."""
    this = kept[-1].checkpoint
    if len(kept) == 1:
        if this.number == 1 and this.previous != BEFORE_FIRST:
            raise CheckpointError(f"{folder / name_of(1)}: it is the first, and goes on from another")
        return
    before = kept[-2]
    if this.previous != before.sha256:
        raise CheckpointError(f"{folder / name_of(this.number)}: it does not go on from the one before")
    if this.time < before.checkpoint.time:
        raise CheckpointError(f"{folder / name_of(this.number)}: it is older than the one before")
    offsets = {entry.place: entry.offset for entry in before.checkpoint.chains}
    for entry in this.chains:
        if entry.offset < offsets.get(entry.place, 0):
            raise CheckpointError(f"{folder / name_of(this.number)}: {entry.place} goes back behind the one before")


def _written(checkpoint: Checkpoint, signature: bytes) -> bytes:
    """Give the bytes of a file: one line."""
    text = base64.b64encode(signature).decode()
    return b'{"checkpoint":' + content_of(checkpoint) + b',"signature":"' + text.encode() + b'"}\n'


def write_next(folder: Path, checkpoint: Checkpoint, key: Ed25519PrivateKey) -> Path:
    """Sign a checkpoint and write its file, whole or not at all; one that is there is never written again.

    Raises:
        CheckpointError: it cannot be written.
    """
    path = folder / name_of(checkpoint.number)
    written = _written(checkpoint, signed(key, content_of(checkpoint)))
    draft = folder / f".{path.name}.new"
    try:
        with draft.open("wb") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        draft.unlink()
        sync_folder(folder)  # or a crash of the machine may take the name of the new file
    except FileExistsError as error:
        raise CheckpointError(f"{path} was written by another meanwhile: one process signs into a folder") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror}; nothing was signed") from error
    return path
