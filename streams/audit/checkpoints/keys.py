"""The pair of keys: the private one signs and stays where it was made, the public one goes to whoever checks."""

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PURPOSE = b"txpush checkpoint 1\n"
"""Signed along: a signature under the same key for something else is none of these."""
OWNER_ONLY, OTHERS = 0o600, 0o077


class KeyFileError(RuntimeError):
    """A file holds no key of this kind, or cannot be read; the message names it and what to do."""


def make_pair(path: Path) -> Path:
    """Write a new private key (PKCS 8, PEM, for its owner only), and give the file of the public one beside it.

    Raises:
        KeyFileError: there is a file already, or none can be written.
    """
    key, public = Ed25519PrivateKey.generate(), path.with_name(f"{path.name}.pub")
    private_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        _write(path, private_pem, OWNER_ONLY)
        _write(public, public_pem(key.public_key()), 0o644)
    except FileExistsError as error:
        raise KeyFileError(f"{error.filename} is there already: a key is never overwritten; name another") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}; name a place that can be") from error
    return public


def _write(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Write a public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_private(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs; raises KeyFileError, for one that others could read as well."""
    written = _content(path)
    _require_own(path)
    try:
        key = serialization.load_pem_private_key(written, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no private key in PEM: make one with `txpush audit keygen FILE`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is no key of Ed25519: make one with `txpush audit keygen FILE`")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """Read a key that checks; raises KeyFileError."""
    try:
        key = serialization.load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no public key in PEM: it is the file that ends with .pub") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path} is no key of Ed25519: it is the file that ends with .pub")
    return key


def _require_own(path: Path) -> None:
    """Refuse a file of ours that others can use, as ssh does; a secret that is mounted is somebody else's file."""
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & OTHERS:
        raise KeyFileError(f"{path} can be read or changed by others than its owner: chmod 600 {path}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KeyFileError(f"{path} is not there: make a pair with `txpush audit keygen FILE`") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error


def signed(key: Ed25519PrivateKey, content: bytes) -> bytes:
    """Sign a checkpoint's content."""
    return key.sign(PURPOSE + content)


def is_signed(keys: Iterable[Ed25519PublicKey], content: bytes, signature: bytes) -> bool:
    """Tell whether one of the keys has signed it."""
    for key in keys:
        try:
            key.verify(signature, PURPOSE + content)
        except InvalidSignature:
            continue
        return True
    return False
