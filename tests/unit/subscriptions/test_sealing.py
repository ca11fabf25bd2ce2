"""Signing keys on the topic: what opens them, and that nothing of them can be read."""

from base64 import b64encode

import msgspec
import orjson
import pytest

from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing, UnopenedError

FIRST, SECOND = "sealing-key-number-one-0000000000", "sealing-key-number-two-0000000000"
NAME = record_key("7000000042", "5900000001")
HELD = renewed(
    None,
    [Grant("1", "account", "signing-key-of-accounts"), Grant("2", "transaction", "signing-key-of-transactions")],
    "https://hooks.example.com/path-token/txpush",
    "2026-11-01T03:00:00Z",
)


def test_what_was_sealed_opens() -> None:
    """The same key of the settings, also in another process."""
    assert Sealing([FIRST]).open(NAME, Sealing([FIRST]).seal(NAME, HELD)) == HELD


def test_nothing_secret_can_be_read() -> None:
    """Neither signing keys nor the path token of the callback stand on the topic."""
    value = Sealing([FIRST]).seal(NAME, HELD)
    assert not [secret for secret in (b"signing-key", b"path-token", b"hooks.example.com") if secret in value]


def test_the_same_is_sealed_alike() -> None:
    """A record that is written again is the same record: the deterministic mode tells nothing but that."""
    assert Sealing([FIRST]).seal(NAME, HELD) == Sealing([FIRST]).seal(NAME, HELD)


def test_a_sealing_key_is_replaced() -> None:
    """The first key seals, the second one still opens; a record of a key that is gone does not open."""
    old, both = Sealing([FIRST]).seal(NAME, HELD), Sealing([SECOND, FIRST])
    assert both.open(NAME, old) == HELD
    assert Sealing([SECOND]).open(NAME, both.seal(NAME, HELD)) == HELD
    with pytest.raises(UnopenedError, match="TXPUSH_SEALING_KEYS"):
        Sealing([SECOND]).open(NAME, old)


def test_a_record_opens_under_its_own_key_alone() -> None:
    """Moved to another account, a record is none: nobody with write access can give one account's key to another."""
    value = Sealing([FIRST]).seal(NAME, HELD)
    with pytest.raises(UnopenedError):
        Sealing([FIRST]).open(record_key("7000000042", "5900000002"), value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"text",
        b"[]",
        b"{}",
        b'{"version":1,"sealed":"?"}',
        b'{"version":1,"sealed":""}',
        b"\xff",
        b'{"version":1,"sealed":"\xff"}',
        b'{"version":1,"sealed":"","other":' + b"[" * 3000,
    ],
)
def test_damage_is_told_without_the_record(value: bytes) -> None:
    """Whatever stands there, the error is ours and quotes nothing."""
    with pytest.raises(UnopenedError, match=r"no record of a subscription|opens it"):
        Sealing([FIRST]).open(NAME, value)


@pytest.mark.parametrize("inner", [b'{"other":' + b"[" * 3000, b'{"callback_url":"\xff"}'])
def test_what_is_sealed_may_be_damaged_too(inner: bytes) -> None:
    """Nor does an endless nesting under the seal end the view of all keys, or what is no text."""
    sealing = Sealing([FIRST])
    sealed = sealing._ciphers[0].encrypt(inner, [NAME])
    record = msgspec.json.encode({"version": 1, "sealed": b64encode(sealed).decode()})
    with pytest.raises(UnopenedError, match="opens it"):
        sealing.open(NAME, record)


def test_a_later_version_is_refused_in_words() -> None:
    """A record of a later release is not misread."""
    record = orjson.loads(Sealing([FIRST]).seal(NAME, HELD)) | {"version": 2}
    with pytest.raises(UnopenedError, match="version 2, and this release reads up to 1"):
        Sealing([FIRST]).open(NAME, orjson.dumps(record))


def test_secrets_do_not_show() -> None:
    """Printing what is held, or a grant, shows no key and no path token."""
    shown = repr(HELD) + repr(Grant("1", "account", "signing-key")) + repr(Sealing([FIRST]))
    assert not [secret for secret in ("signing-key", "path-token", FIRST) if secret in shown]
