"""Both schemes against computed vectors, and what they must not be mild about."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.signatures import (
    Strategy,
    connect_signature,
    is_connect_signature,
    is_txpush_signature,
    signing_string,
    txpush_key,
    txpush_signature,
)

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
SHARED = Path(__file__).parents[4] / "shared" / "payloads" / "synthetic-signature-vectors.json"
CONNECT, TXPUSH = VECTORS["dataConnect"], VECTORS["txpush"]
BODY = TXPUSH["rawBody"].encode()
EXPECTED = {
    Strategy.CONCAT_HEX: TXPUSH["candidates"]["concat"]["hex"],
    Strategy.CONCAT_BASE64: TXPUSH["candidates"]["concat"]["base64"],
    Strategy.NEWLINE_HEX: TXPUSH["candidates"]["newline"]["hex"],
    Strategy.NEWLINE_BASE64: TXPUSH["candidates"]["newline"]["base64"],
}


def signed(**changed: Any) -> str:  # noqa: ANN401 - any part of the vector
    """Sign the vector, with parts changed."""
    parts = {
        "strategy": Strategy.CONCAT_HEX,
        "key": TXPUSH["signingKey"],
        "content_type": TXPUSH["contentType"],
        "host": TXPUSH["host"],
        "body": BODY,
    }
    return txpush_signature(**(parts | changed))


def test_the_vectors_are_those_that_were_handed_over() -> None:
    """The copy that the tests use has not drifted from the original, where that is at hand."""
    if not SHARED.is_file():
        pytest.skip("the original vectors are not on this machine")
    assert json.loads(SHARED.read_text()) == VECTORS


@pytest.mark.parametrize("strategy", Strategy)
def test_txpush_vectors(strategy: Strategy) -> None:
    """Each candidate gives its signature, and the bridge's check takes that one and no other candidate's."""
    assert signed(strategy=strategy) == EXPECTED[strategy]
    over = signing_string(strategy, TXPUSH["contentType"].encode(), TXPUSH["host"].encode(), BODY)
    key = txpush_key(TXPUSH["signingKey"])
    taken = [one for one in Strategy if is_txpush_signature(strategy, EXPECTED[one].encode(), [key], over)]
    assert taken == [strategy]


def test_connect_vector() -> None:
    """Lower-case hex over the raw body, with the partner's secret."""
    body, secret = CONNECT["rawBody"].encode(), CONNECT["secret"]
    assert connect_signature(secret, body) == CONNECT["x-finicity-signature"]
    assert is_connect_signature(CONNECT["x-finicity-signature"].encode(), [secret.encode()], body)


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b"\n"},
        {"body": json.dumps(json.loads(BODY)).encode()},
        {"host": "hooks.example.com:8443"},
        {"content_type": "application/json; charset=utf-8"},
        {"key": "synthetic-account-signing-key-0002"},
    ],
)
def test_every_part_is_signed(changed: dict[str, Any]) -> None:
    """A line end, JSON written again, another host, content type or key: another signature."""
    assert signed(**changed) != signed()


def test_two_secrets_while_one_is_replaced() -> None:
    """Either signs, in any order; a third does not, nor does none."""
    body = CONNECT["rawBody"].encode()
    given = connect_signature("new", body).encode()
    assert is_connect_signature(given, [b"new", b"old"], body)
    assert is_connect_signature(given, [b"old", b"new"], body)
    assert not is_connect_signature(given, [b"old"], body)
    assert not is_connect_signature(given, [], body)


def test_two_keys_while_one_is_replaced() -> None:
    """The same for signing keys of a subscription."""
    over = signing_string(Strategy.CONCAT_HEX, b"application/json", b"h", BODY)
    given = signed(key="new", host="h").encode()
    assert is_txpush_signature(Strategy.CONCAT_HEX, given, [txpush_key("old"), txpush_key("new")], over)
    assert not is_txpush_signature(Strategy.CONCAT_HEX, given, [txpush_key("old")], over)
    assert not is_txpush_signature(Strategy.CONCAT_HEX, given, [], over)


@pytest.mark.parametrize("length", [1, 64, 65, 250])
def test_a_shortened_key_signs_alike(length: int) -> None:
    """HMAC hashes keys above its block of 64 bytes; kept so, a key takes 32 bytes and signs the same."""
    key = ("zg4U0v1IvTzFEHIXzJMxPHnf" * 20)[:length]
    assert len(txpush_key(key)) == (length if length <= 64 else 32)
    over = signing_string(Strategy.NEWLINE_BASE64, b"application/json", b"h", BODY)
    given = signed(strategy=Strategy.NEWLINE_BASE64, key=key, host="h").encode()
    assert is_txpush_signature(Strategy.NEWLINE_BASE64, given, [key.encode()], over)
    assert is_txpush_signature(Strategy.NEWLINE_BASE64, given, [txpush_key(key)], over)


@pytest.mark.parametrize("given", [b"", b"\xff\xfe", "Ä".encode(), b"x" * 100_000])
def test_any_bytes_may_be_given(given: bytes) -> None:
    """A header is whatever an outsider sends: it is no signature, and no error."""
    assert not is_connect_signature(given, [b"secret"], BODY)
    assert not is_txpush_signature(Strategy.CONCAT_HEX, given, [b"key"], BODY)
