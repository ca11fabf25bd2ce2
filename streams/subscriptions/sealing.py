"""Seals signing keys for the topic: AES-SIV, so that the same record is the same bytes and no nonce can repeat."""

from base64 import b64decode, b64encode
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.problems import UNREADABLE
from streams.subscriptions.held import Held

VERSION = 1
_AES_256_SIV_BYTES = 64


class UnopenedError(ValueError):
    """A record of the topic cannot be read; the message says why and quotes nothing of it."""


class _Record(msgspec.Struct, frozen=True):
    """What stands on the topic."""

    version: int
    sealed: str


class Sealing:
    """Seals with the first of its keys, opens with any: a key is replaced by writing every record anew.

    Args:
        keys: the secrets of the settings, 32 characters or more each.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._ciphers = [AESSIV(_derived(key)) for key in keys]

    def seal(self, key: bytes, held: Held) -> bytes:
        """Give the value of the record under `key`; it opens under no other."""
        sealed = self._ciphers[0].encrypt(msgspec.json.encode(held), [key])
        return msgspec.json.encode(_Record(VERSION, b64encode(sealed).decode()))

    def open(self, key: bytes, value: bytes) -> Held:
        """Read a record.

        Raises:
            UnopenedError: of a later version, damaged, of another key of the topic, or sealed with another secret.
        """
        record = _read(value)
        for cipher in self._ciphers:
            try:
                return msgspec.json.decode(cipher.decrypt(record, [key]), type=Held)
            except (InvalidTag, *UNREADABLE):
                continue
        raise UnopenedError("none of TXPUSH_SEALING_KEYS opens it")


def _read(value: bytes) -> bytes:
    try:
        record = msgspec.json.decode(value, type=_Record)
        sealed = b64decode(record.sealed, validate=True)
    except UNREADABLE:
        raise UnopenedError("it is no record of a subscription") from None
    if record.version > VERSION:
        raise UnopenedError(f"it is of version {record.version}, and this release reads up to {VERSION}")
    return sealed


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), _AES_256_SIV_BYTES, salt=None, info=b"txpush.subscriptions").derive(key.encode())
