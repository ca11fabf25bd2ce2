"""Signatures cut, stretched, repeated, replayed and outlived."""

import hashlib
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from schemas.cloudevents import from_record, to_structured
from streams.simulate.command import simulate
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


def test_several_signatures(target: Target) -> None:
    """One that fits is enough, by either name: who replaces a key may sign with both; five are refused."""
    wrong = ["txpush-signature: " + "0" * 64] * 2
    typed = {"content-type": "application/json"}
    assert target.status(request(TXPUSH, BODY, typed, *wrong, f"x-txpush-signature: {GOOD}")) == 200
    assert target.status(request(TXPUSH, BODY, typed, f"x-txpush-signature: {GOOD}", *wrong)) == 200
    with target.nothing_written():
        assert target.status(request(TXPUSH, BODY, typed, *wrong, *wrong, f"txpush-signature: {GOOD}")) == 401
        twice = {"Content-type": "text/plain"} | txpush(BODY, KEY)
        assert target.status(request(TXPUSH, BODY, twice)) == 401


def test_a_replayed_notification_is_one_event(target: Target, tmp_path: Path) -> None:
    """The vendor itself sends again what it saw no answer to: 200, the same id in the log, and one command."""
    assert [target.post().status for _ in range(3)] == [200, 200, 200]
    replayed = f"{hashlib.sha256(BODY).hexdigest()}:0"
    records = [
        event
        for message in target.records(target.settings.events_topic)
        if (event := from_record(message.headers(), message.key(), message.value(), message.timestamp()[1])).id
        == replayed
    ]
    assert len(records) >= 3
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(to_structured(event)) for event in records))
    told = CliRunner().invoke(simulate, [str(file)])
    commands = [orjson.loads(line)["data"] for line in told.stdout.splitlines()]
    assert [(one["action"], one["reason"]["code"]) for one in commands] == [("issue", 185)]
