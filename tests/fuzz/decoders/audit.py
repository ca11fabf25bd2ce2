"""What auditors read: checkpoints and their keys, and the topics of a history that anybody may have written into."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import msgspec
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from streams.audit.checkpoints.folder import CheckpointError, _File, name_of, read_folder, write_next
from streams.audit.checkpoints.keys import KeyFileError, public_pem, read_private, read_public
from streams.audit.checkpoints.making import checkpoint_made
from streams.audit.linking import link_keys
from streams.audit.parallel import proven_here
from streams.audit.plan import LOGS, SAID_OF, LinkKeys, Ways
from streams.audit.planning import STATE, Asked
from streams.audit.telling import as_json, lines
from streams.audit.verify import Verdict, verified
from streams.audit.walking import interval, tries
from streams.explain import explain
from streams.explain.asked import Asked as Question
from streams.explain.asked import ExplainError
from streams.history import HistoryError, Place
from streams.kafka.topics import AGENT, AUDIT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS, SIGNALS, changelog
from streams.replay.names import Naming
from streams.replay.plan import Asked as Replayed
from streams.replay.run import How, run
from streams.replay.task import Links
from streams.settings import Settings, SettingsError
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, parts
from tests.fuzz.overlaid import EMPTY, LINK_KEY, LINK_URL, Overlaid, as_input, lived, overlaid
from tests.fuzz.standins import empty_folder, file_of, runner
from tests.topology.inputs import policies
from tests.unit.explain.stories import CUSTOMER, Quiet, screen
from tests.unit.explain.stories import KEY as PSEUDONYMS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PRIVATE = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
PUBLIC = public_pem(KEY.public_key())
HASHES = 50
"""Of a search for what has happened to a record, which may take a second as it is."""
SETTINGS = Settings(link_url=LINK_URL, link_keys=[LINK_KEY.hex()])
WITH_LINKS = Ways(links=LinkKeys((LINK_KEY,), (LINK_URL,)))
COMPARED = (*LOGS, AUDIT, *SAID_OF[EVENTS], *SAID_OF[SIGNALS])
CONNECT_FIX = CUSTOMER_COMMANDS[0]
TOPICS = (*COMPARED, DEAD_LETTER, *STATE.values(), changelog(AGENT, "policies"))

Odd = Sequence[Mapping[str, Any]]
"""Fields that are other than any reader could expect them."""


# -- checkpoints


def _checkpoint(data: bytes) -> str:
    """Read a folder as it is, nothing of which may be but what was signed; then one that a signer has signed so."""
    first, second, private, public, links = parts(data, 5)
    told = f"{_keys(private, public)}, {_links(links)}"
    folder = empty_folder()
    for number, written in enumerate((first, second), 1):
        if written:
            (folder / name_of(number)).write_bytes(written)
    with suppress(CheckpointError):
        count = len(read_folder(folder, [KEY.public_key()]).kept)
        assert [first, second][:count] == [*_signed()][:count]  # the first alone, or both
        return f"{told}, {count} checkpoints"
    return f"{told}, {_gone_on_from(first)}"


def _gone_on_from(written: bytes) -> str:
    """Go on from what somebody has signed who has the key, whatever it says of the history."""
    folder = empty_folder()
    try:
        said = msgspec.json.decode(written, type=_File).checkpoint
        write_next(folder, said, KEY)
        known = read_folder(folder, [KEY.public_key()])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return "no checkpoint"
    except CheckpointError:
        return "refused"
    history = Overlaid(lived().cluster, {})
    found = {_verdict(history, Asked(checkpoints=known.marks())), _verdict(history, Asked(starts=known.latest()))}
    return f"signed, {' and '.join(sorted(found))}"


def _keys(private: bytes, public: bytes) -> str:
    path = empty_folder() / "audit.key"
    path.write_bytes(private)
    path.chmod(0o600)
    found = []
    with file_of(public) as beside:
        reads: Sequence[Callable[[], Ed25519PublicKey]] = (
            lambda: read_private(path).public_key(),
            lambda: read_public(beside),
        )
        for read in reads:
            try:
                found.append("a key" if public_pem(read()) else "")
            except KeyFileError:
                found.append("no key")
    path.unlink()
    return f"{found[0]} and {found[1]}"


def _links(former: bytes) -> str:
    with file_of(former) as path:
        try:
            return f"{min(2, len(link_keys(SETTINGS, path, ()).keys) - 1)} former"
        except SettingsError:
            return "no former keys"


@cache
def _signed() -> tuple[bytes, bytes]:
    """Sign the history twice."""
    folder, history = empty_folder(), Overlaid(lived().cluster, {})
    for _ in range(2):
        made = checkpoint_made(history, folder, KEY, Asked(now=AT), Ways(), run=proven_here)
        assert asyncio.run(made).path is not None
    return (folder / name_of(1)).read_bytes(), (folder / name_of(2)).read_bytes()


def _checkpoint_seeds() -> list[bytes]:
    first, second = _signed()
    former = LINK_KEY.hex().encode() + b"\n\n"
    good = BETWEEN.join((first, second, PRIVATE, PUBLIC, former))
    said = msgspec.json.decode(first)["checkpoint"]
    chain = said["chains"][0]
    numbers: Odd = [{name: number} for name in ("offset", "audit_at", "checked_to") for number in (-1, 10**18)]
    odd_chains: Odd = (
        *numbers,
        *({"partition": 999}, {"topic": "\x1b[2J"}, {"audit_head": ""}, {"inputs": "zz"}),
        *({"outputs": dict.fromkeys(TOPICS, -1)}, {"outputs": {"x": 10**18}}),
    )
    odd = [said | {"chains": [chain | one]} for one in odd_chains]
    odd_files: Odd = ({"number": 2}, {"version": 9}, {"chains": []}, {"time": "0001-01-01T00:00:00Z"})
    odd += [said | one for one in odd_files]
    written = [orjson.dumps({"checkpoint": one, "signature": "AA=="}) for one in odd if chain["offset"] < 2**63]
    others = Ed25519PrivateKey.generate().private_bytes_raw()
    keys = (b"", PRIVATE[:-40], PRIVATE.replace(b"M", b"\xff"), others, PUBLIC, b"-----BEGIN PUBLIC KEY-----\n")
    return [
        good,
        *(BETWEEN.join((one, b"", PRIVATE, PUBLIC, b"")) for one in written),
        *(BETWEEN.join((one, second, one[:50], one[:50], one[:200])) for one in HOSTILE),
        *(BETWEEN.join((first, second, one, one, one)) for one in keys),
    ]


# -- a history


def _verdict(history: Overlaid, asked: Asked = Asked()) -> str:  # noqa: B008 - it is frozen
    found = _verified(history, asked)
    return "unreadable" if found is None else "failed" if found.failed else "not whole" if found.faults else "whole"


def _verified(history: Overlaid, asked: Asked) -> Verdict | None:
    try:
        with _few_hashes():
            found = runner().run(verified(history, asked, WITH_LINKS))
    except HistoryError:
        return None
    assert orjson.loads(as_json(found))
    assert all(line.isprintable() for line in lines(found))
    return found


@contextmanager
def _few_hashes() -> Iterator[None]:
    with (
        patch.object(interval, "MOST_TRIES", HASHES),
        patch.object(interval, "SWAP_TRIES", HASHES),
        patch.object(tries, "MENDED_BYTES", HASHES << 10),
    ):
        yield


def _audited(data: bytes) -> str:
    """Prove a history: it comes to a verdict, and whatever was changed of what is compared is a fault."""
    history = overlaid(data, TOPICS)
    found = _verdict(history)
    assert _verdict(history, Asked(since=lived().now - timedelta(hours=2)))  # of the last part, whatever it comes to
    assert found != "whole" or not any(_is_changed(history, place) for place in history.changes)
    return found


def _is_changed(history: Overlaid, place: Place) -> bool:
    """Tell whether a record is another than it was, beside the key of a decision, which the README says of."""
    there = {record.offset: record for record in history.cluster.read(*place)}
    keyless = place.topic == AUDIT
    return place.topic in COMPARED and any(
        one.offset in there and one._replace(key=there[one.offset].key if keyless else one.key) != there[one.offset]
        for one in history.changes[place].values()
    )


def _audited_seeds() -> list[bytes]:
    """Give each kind of record with what breaks readers in its place, and decisions and letters of odd shapes."""
    odd = [as_input(topic, 0, value) for topic in range(len(TOPICS)) for value in (b"{", b"[1]", EMPTY)]
    odd += [as_input(TOPICS.index(AUDIT), 3, value) for value in HOSTILE[:4]]
    return [b"", *odd, *_odd(AUDIT, _AUDITS), *_odd(DEAD_LETTER, _LETTERS), *_odd(STATE[EVENTS], _STATES)]


_AUDITS: Odd = (
    {"event_time": "x"},
    {"event_time": 1},
    {"event_id": [[]]},
    {"topic": []},
    {"partition": 1e999},
    {"partition": "1"},
    {"offset": -1},
    {"offset": 10**18},
    {"offset": "0"},
    {"messages": None},
    {"messages": [{"topic": [], "id": {}, "sha256": 1}]},
    {"messages": [{"topic": EVENTS, "id": "\ud7ff\x1b[2J", "sha256": ""}]},
    {"dead_letter": 1},
    {"dead_letter": "\x1b[2J"},
    {"inputs_sha256": 1},
    {"previous": None},
    {"previous": ""},
    {"rules": 1},
    {"engine_version": []},
)
_COMMANDS: Odd = (
    {"reason": "x"},
    {"reason": {"code": []}},
    {"account_ids": 1},
    {"kind": []},
    {"steps": {}},
    {"evidence": []},
    {"not_after": "\x1b[2J"},
    {"episode": {"relapses": "x"}},
)
_LETTERS: Odd = ({}, {"origin": 1}, {"origin": f"{EVENTS}/0/x"}, {"reason": []}, {"body_sha256": None})
_STATES: Odd = ({"audit_head": 1}, {"audit_head": []}, {"next_offset": "1"}, {"next_offset": -1}, {"inputs": 1})


def _odd(topic: str, fields: Odd) -> Iterator[bytes]:
    """Give the first record of a topic with other fields, in its place and once more behind the last."""
    records = lived().cluster.read(topic, 0)
    said = orjson.loads(records[0].value or b"")
    for one in fields:
        value = orjson.dumps(said | one) if one.get("partition") != 1e999 else b'{"partition":1e999}'
        yield as_input(TOPICS.index(topic), 0, value)
        yield as_input(TOPICS.index(topic), records[-1].offset + 1, value)


# -- the same history, told and derived again


def _told(data: bytes) -> str:
    """Tell a customer's story, and derive everything again: neither ends, whatever is written there."""
    history = overlaid(data, TOPICS)
    return f"{_story(history)}, {_replayed(history)}"


def _story(history: Overlaid) -> str:
    try:
        story = runner().run(explain(history, Question(CUSTOMER), Quiet(), PSEUDONYMS))
    except (ExplainError, HistoryError):
        return "no story"
    assert len(screen(story)) >= len(story.entries) > 0
    return f"{'another' if story.differences else 'the'} story"


def _replayed(history: Overlaid) -> str:
    how, links = How(1, Naming((LINK_KEY,)), empty_folder() / "lines"), Links((LINK_KEY,), LINK_URL)
    try:
        outcomes = runner().run(run(history, Replayed(links=links), how, lambda *_: None))
        runner().run(run(history, Replayed(links=links, policy=policies()[1]), how, lambda *_: None))
    except HistoryError:
        return "cannot be replayed"
    if any(one.error for one in outcomes):
        return "paused"
    return "different" if any(one.differences for one in outcomes) else "the same"


def _told_seeds() -> list[bytes]:
    odd = [as_input(topic, 0, value) for topic in range(len(TOPICS)) for value in (b"{", EMPTY)]
    return [b"", *odd, *list(_odd(AUDIT, _AUDITS))[1::2], *_odd(DEAD_LETTER, _LETTERS), *_odd(CONNECT_FIX, _COMMANDS)]


AUDITORS = (
    Decoder(
        "checkpoint",
        _checkpoint,
        _checkpoint_seeds,
        frozenset({"a key and a key, 1 former, 2 checkpoints", "no key and no key, no former keys, no checkpoint"}),
    ),
    Decoder("audited", _audited, _audited_seeds, frozenset({"whole", "not whole", "unreadable"})),
    Decoder("told", _told, _told_seeds, frozenset({"the story, the same", "no story, different"})),
)
