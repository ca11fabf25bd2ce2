"""HMAC-SHA256 over a body for Data Connect, over a signing string for TxPUSH (domain 1.6, 4.3).

Nothing here reads a body: what was signed are bytes, and JSON written again may be other bytes.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from enum import StrEnum

CONNECT_HEADER = "x-finicity-signature"
TXPUSH_HEADERS = ("txpush-signature", "x-txpush-signature")
"""The vendor's page names the first, captures of its traffic show the second."""

_BLOCK_BYTES = 64


class Strategy(StrEnum):
    """How the parts of a TxPUSH signing string are joined, and how its signature is written: not established [?].

    Documented are the parts and their order: content type, host, Base64 of the body.
    """

    CONCAT_HEX = "concat-hex"
    CONCAT_BASE64 = "concat-base64"
    NEWLINE_HEX = "newline-hex"
    NEWLINE_BASE64 = "newline-base64"

    separator: bytes
    is_base64: bool

    def __init__(self, value: str) -> None:
        self.separator = b"\n" if value.startswith("newline") else b""
        self.is_base64 = value.endswith("base64")


def connect_signature(secret: str, body: bytes) -> str:
    """Sign a Data Connect webhook: lower-case hex, the key is the partner's secret."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def txpush_signature(strategy: Strategy, key: str, content_type: str, host: str, body: bytes) -> str:
    """Sign a TxPUSH notification with the signing key of its subscription.

    Args:
        strategy: which candidate of the scheme.
        key: `signingKey` as the subscribe call answered it.
        content_type: value of the header `content-type`, as it is sent.
        host: value of the header `host` that the vendor calls, with the port where it is not the scheme's own.
        body: as it goes over the wire.
    """
    return _written(strategy, txpush_key(key), signing_string(strategy, content_type.encode(), host.encode(), body))


def signing_string(strategy: Strategy, content_type: bytes, host: bytes, body: bytes) -> bytes:
    """Give what a TxPUSH signature is over; made once where several keys are tried."""
    return strategy.separator.join((content_type, host, b64encode(body)))


def txpush_key(key: str) -> bytes:
    """Give a signing key as HMAC itself would shorten it: 32 bytes stand for the vendor's 250 characters."""
    raw = key.encode()
    return raw if len(raw) <= _BLOCK_BYTES else hashlib.sha256(raw).digest()


def is_connect_signature(given: bytes, secrets: Iterable[bytes], body: bytes) -> bool:
    """Tell whether one of the secrets signed the body; each is tried each time."""
    signatures = [hmac.digest(secret, body, "sha256").hex().encode() for secret in secrets]
    fits = [hmac.compare_digest(given, one) for one in signatures]
    return any(fits)


def is_txpush_signature(strategy: Strategy, given: bytes, keys: Iterable[bytes], signed: bytes) -> bool:
    """Tell whether one of the keys, as `txpush_key` gives them, signed a signing string; each is tried each time."""
    signatures = [_written(strategy, key, signed).encode() for key in keys]
    fits = [hmac.compare_digest(given, one) for one in signatures]
    return any(fits)


def _written(strategy: Strategy, key: bytes, signed: bytes) -> str:
    digest = hmac.digest(key, signed, "sha256")
    return b64encode(digest).decode() if strategy.is_base64 else digest.hex()
