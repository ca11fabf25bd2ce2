"""Signatures of both schemes."""

import base64
import hashlib
import hmac


def txpush_signature(strategy: str, key: str, content_type: str, host: str, body: bytes) -> str:
    """Sign a TxPUSH notification: HMAC-SHA256 over content type, host and the body in Base64 (domain 1.6)."""
    layout, _, coding = strategy.partition("-")
    separator = "\n" if layout == "newline" else ""
    text = separator.join([content_type, host, base64.b64encode(body).decode()])
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return digest.hex() if coding == "hex" else base64.b64encode(digest).decode()


def connect_signature(secret: str, body: bytes) -> str:
    """Sign a Data Connect webhook: hex HMAC-SHA256 of the raw body with the partner secret (domain 4.3)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
