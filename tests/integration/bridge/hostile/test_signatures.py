"""Signatures cut, stretched, repeated and of something else."""

import hashlib

import pytest

from tests.integration.bridge.hostile.target import BODY, DONE, KEY, TXPUSH, Target
from tests.integration.bridge.hostile.wire import request
from tests.unit.bridge.signed import connect, txpush

pytestmark = pytest.mark.kafka

GOOD = txpush(BODY, KEY)["txpush-signature"]
OTHERS = {
    "cut": GOOD[:-1],
    "half": GOOD[:32],
    "one digit": GOOD[0],
    "longer": GOOD + "0",
    "twice": GOOD * 2,
    "upper case": GOOD.upper(),
    "quoted": f'"{GOOD}"',
    "with its scheme": f"sha256={GOOD}",
    "a list": f"{GOOD},{GOOD}",
    "the hash of the body": hashlib.sha256(BODY).hexdigest(),
    "of another body": txpush(DONE, KEY)["txpush-signature"],
    "of another host": txpush(BODY, KEY, host="elsewhere.example.com")["txpush-signature"],
    "with an empty key": txpush(BODY, "")["txpush-signature"],
    "of the other scheme": connect(BODY)["X-Finicity-Signature"],
    "zeros": "0" * 64,
    "20 kB": "0" * 20_000,
    "no ASCII": "\xff" * 64,
}


@pytest.mark.parametrize("signature", OTHERS.values(), ids=OTHERS.keys())
def test_a_signature_fits_whole_or_not_at_all(target: Target, signature: str) -> None:
    """401, an empty answer and no record, however near it comes."""
    with target.nothing_written():
        reply = target.post(BODY, {"content-type": "application/json", "txpush-signature": signature})
        assert (reply.status, reply.body) == (401, b"")


def test_a_content_type_given_twice(target: Target) -> None:
    """It is signed along: which of two was, nobody can tell."""
    twice = {"Content-type": "text/plain"} | txpush(BODY, KEY)
    with target.nothing_written():
        assert target.status(request(TXPUSH, BODY, twice)) == 401
