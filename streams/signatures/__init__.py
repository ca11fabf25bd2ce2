"""The vendor's two signature schemes, pure and on raw bytes: the bridge checks with them, the sandbox signs."""

from streams.signatures.schemes import (
    CONNECT_HEADER,
    TXPUSH_HEADERS,
    Strategy,
    connect_signature,
    is_connect_signature,
    is_txpush_signature,
    signing_string,
    txpush_key,
    txpush_signature,
)

__all__ = [
    "CONNECT_HEADER",
    "TXPUSH_HEADERS",
    "Strategy",
    "connect_signature",
    "is_connect_signature",
    "is_txpush_signature",
    "signing_string",
    "txpush_key",
    "txpush_signature",
]
