"""What a process left on its disk, read by the next one: state, stores, where a sweep is, and embedded brokers."""

import zlib
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any, Self, cast

import msgspec
import orjson

from schemas.times import from_epoch_ms
from streams.kafka.embedded.data import CLUSTER_FILE, check_same, cluster_of, new_cluster, read_cluster
from streams.kafka.embedded.errors import DataMismatchError
from streams.kafka.embedded.process import unready_reason
from streams.observe.labels import StateRefusal
from streams.subscribe.errors import StoreCorruptError
from streams.subscribe.stores.file import FORMAT, VERSION, FileStore
from streams.sweep.report import told
from streams.sweep.resume import Order, State, StateError, load, save
from streams.testing.clock import VirtualClock
from streams.transport.local.files import StateRefused
from streams.transport.local.frames import FrameWriter
from streams.transport.local.head import Head, _checksum
from streams.transport.local.keeper import StateKeeper
from streams.transport.local.state import LocalState
from tests.component.transport.local.build import ACCOUNTS, IDENTITY, LOGINS, NOW_MS, OFFSETS
from tests.fuzz.decoder import BETWEEN, HOSTILE, Decoder
from tests.fuzz.standins import empty_folder, file_of

STARTS, ENDS = dict.fromkeys(OFFSETS, 0), dict.fromkeys(OFFSETS, 1000)
CHANGES = {ACCOUNTS: {"1/a": b"changed", "gone": None}}
SEALED = b"s"
"""Begins an input that gets the right checksums: what is of another release, not what is damaged."""


class _Unheard:
    def state_refused(self, reason: StateRefusal) -> None:
        """Let it go."""

    def state_written(self, written_bytes: int, seconds: float) -> None:
        """Let it go."""


def _local(data: bytes) -> str:
    """Read head and frames as a start does; what is taken is written on, and comes back with what has changed."""
    folder = empty_folder()
    head, *payloads = data[1:].split(BETWEEN)
    frames = BETWEEN.join(payloads)
    if data[:1] == SEALED:
        head, frames = _sealed(head, payloads)
    (folder / "3.head").write_bytes(head)
    (folder / "3.0.data").write_bytes(frames)
    local = LocalState(folder, lambda _: IDENTITY, 4, _Unheard(), VirtualClock(from_epoch_ms(NOW_MS)))
    keeper = StateKeeper(local, IDENTITY.partition)
    try:
        found, offsets = keeper._find(STARTS, ENDS)
        keeper._files.write(CHANGES, offsets, NOW_MS)
        expected = {topic: {**entries} for topic, entries in found.items()}
        expected[ACCOUNTS]["1/a"] = b"changed"
        expected[ACCOUNTS].pop("gone", None)
        keeper._files.unlock()
        assert keeper._find(STARTS, ENDS) == (expected, offsets)
        keeper._files.rewrite()
        keeper._files.unlock()
        assert keeper._find(STARTS, ENDS) == (expected, offsets)
    except StateRefused as refused:
        return refused.reason
    finally:
        keeper._files.unlock()
    assert keeper._files.head is not None
    assert {path.name for path in folder.iterdir()} == {"3.head", "3.lock", keeper._files.head.data}
    return "found"


def _sealed(text: bytes, payloads: list[bytes]) -> tuple[bytes, bytes]:
    """Give head and frames with the checksums that belong there, in the head for LENGTH and DIGEST as well."""
    file = BytesIO()
    writer = FrameWriter(file)
    writer.write(payloads)
    text = text.replace(b"LENGTH", b"%d" % writer.length).replace(b"DIGEST", b64encode(writer.digest))
    return _checksum(text) + b"\n" + text + b"\n", file.getvalue()


def _local_seeds() -> list[bytes]:
    head = Head(IDENTITY, OFFSETS, NOW_MS, "3.0.data", 0, b"", 0)
    text = msgspec.json.encode(head).replace(b'"length":0,"digest":""', b'"length":LENGTH,"digest":"DIGEST"')
    frame = msgspec.msgpack.encode({ACCOUNTS: {"1/a": b"one", "gone": b"x"}, LOGINS: {"1/l": b"\x00\xff"}})
    other = msgspec.msgpack.encode({"other": {"1": b""}})
    odd = [
        text.replace(b'"3.0.data"', name)
        for name in (
            b'"../3.head"',
            b'"3.data"',
            b'"3.x.data"',
            b'"."',
            b'"3.lock"',
            b'"4.0.data"',
            b'"3.\\u0660.data"',
            b'"\xff"',
        )
    ]
    odd += [text.replace(b'"app-logins-changelog":7', offsets) for offsets in (b'"x":7', b'"x":-1', b'"app-l":1e400')]
    odd += [
        text.replace(b"%d" % NOW_MS, b"9" * 400),
        text.replace(b"LENGTH", b"-1"),
        text.replace(b"LENGTH", b"9" * 99),
    ]
    odd.append(text.removesuffix(b"}") + b',"more":' + b"[" * 3000 + b"]" * 3000 + b"}")
    bad = [b"\x81\xa1\xff\x80", b"\x91" * 3000, b"\xdf\xff\xff\xff\xff", b"\x81\xa1a\x81\xa1\xff\xc4\x00", other, b""]
    sealed = [
        SEALED + BETWEEN.join(one) for one in ((text, frame), (text, frame, frame), (text,), (text, frame, other))
    ]
    sealed += [SEALED + BETWEEN.join((one, frame)) for one in odd] + [SEALED + text + BETWEEN + one for one in bad]
    sealed += [
        SEALED + one for one in (odd[4], text.replace(b':"cluster"', b':"other"'), text.replace(b"%d" % NOW_MS, b"0"))
    ]
    head_bytes, frames = _sealed(text, [frame])
    whole = b"r" + head_bytes + BETWEEN + frames
    return [*sealed, whole, whole[:-1], whole.replace(b"one", b"two"), *(SEALED + one for one in HOSTILE), *HOSTILE]


def _store(data: bytes) -> str:
    """Open a service's store; what is taken goes on, and is there after the next start."""
    path = empty_folder() / "store"
    lines = data[1:].split(b"\n")
    sealed = b"".join(b"%08x %b\n" % (zlib.crc32(line), line) for line in lines)
    path.write_bytes(sealed if data[:1] == SEALED else data[1:])
    try:
        with FileStore(path) as store:
            owner = store.claim("group mailer")
            before = dict(store._numbers)
            store.raise_to({"read/commands/0": 7})
    except StoreCorruptError:
        return "corrupt"
    with FileStore(path) as store:
        assert store.claim("group other") == owner
        expected = before | {"read/commands/0": max(7, before.get("read/commands/0", 7))}
        assert store.read(expected.keys()) == expected
    return "empty" if not before else "store"


def _store_seeds() -> list[bytes]:
    header = orjson.dumps({"format": FORMAT, "version": VERSION, "owner": "group mailer"})
    good = b"\n".join((header, b'{"begun/1":3,"acknowledged/1":2}', b'{"read/commands/0":9,"begun/1":4}'))
    lines = (*HOSTILE, b"7", b"[]", b'[["a",1]]', b'{"a":"b"}', b'{"a":true}', b'{"a":1.5}', b'{"a":[]}', b'{"a":NaN}')
    heads = [b"{}", b'{"format":"txpush-subscribe-store"}', header.replace(b'"version":1', b'"version":[]'), b'"a"']
    heads += (header.replace(b'"group mailer"', b"[]"), header.replace(b'"group mailer"', b'"\\ud800"'))
    sealed = [SEALED + one for one in (good, header, *heads, *lines)]
    sealed += [SEALED + header + b"\n" + line for line in lines]
    whole = b"".join(b"%08x %b\n" % (zlib.crc32(line), line) for line in good.split(b"\n"))
    return [
        *sealed,
        b"r" + whole,
        b"r" + whole[:-9],
        b"r" + whole.replace(b"3", b"4"),
        *(b"r" + one for one in HOSTILE),
    ]


def _resume(data: bytes) -> str:
    """Read where a sweep has come to; what is taken is saved and read the same, and leaves nobody out."""
    path = empty_folder() / "sweep.json"
    path.write_bytes(data)
    try:
        state = load(path, "mark")
    except StateError as error:
        return "another" if "another sweep" in str(error) else "refused"
    save(path, state)
    assert msgspec.json.encode(load(path, "mark")) == msgspec.json.encode(state)
    assert list(told(state.report, is_dry=True))
    through, ahead, again = state.through, {*state.ahead}, {*state.again}
    order, taken = Order(["1", "2", "3"], state), set()
    while (customer_id := order.take()) is not None:
        taken.add(customer_id)
        order.done(customer_id)
    assert taken == {one for one in ("1", "2", "3") if one > through and one not in ahead} | again
    return "state"


def _resume_seeds() -> list[bytes]:
    state = State("mark", through="1", ahead=["3"], again=["2"])
    state.report.failed["2"] = "away"
    good = msgspec.json.encode(state)
    odd = [good.replace(b'"1"', text) for text in (b'"\xff"', b'"\\ud800"', b"1", b'""')]
    odd += [good.replace(b'["2"]', text) for text in (b'["2","2"]', b'["\xff"]', b"[]", b"{}")]
    odd += [good.replace(b'"customers":0', b'"customers":' + text) for text in (b"9" * 300, b"-1", b"1e5", b"null")]
    odd += [b'{"other":' + b"[" * 3000, b'{"fingerprint":"other"}', b'{"fingerprint":"mark","version":2}']
    return [good, b'{"fingerprint":"mark"}', *odd, *HOSTILE]


def _cluster(data: bytes) -> str:
    """Read what a data folder was made with; what is taken is written and read the same, and can be said in words."""
    with file_of(data) as path:
        try:
            found = read_cluster(path)
        except DataMismatchError:
            return "refused"
    assert found.shape
    assert found.ports.bootstrap
    check_same(found, Path(), found, found.ports.clients[0] and None)
    folder = empty_folder()
    assert cluster_of(folder, found, None) == read_cluster(folder / CLUSTER_FILE) == found
    return "cluster"


def _cluster_seeds() -> list[bytes]:
    good = new_cluster("4.3.1", 3, 19092).to_json().encode()
    small = orjson.dumps(orjson.loads(good))
    changes = [
        (b"[19092", b'"abc",[19092'),
        (b"19092", b'"19092"'),
        (b"[19092,19093,19094]", b"[]"),
        (b"19092", b"1e9"),
    ]
    changes += ((b'"4.3.1"', b"null"), (b'"directory_ids":[', b'"directory_ids":[7,'), (b'"ports":{', b'"ports":[{'))
    odd = [small.replace(*change) for change in changes]
    return [good, small, *odd, b"[]", b"7", b'{"format":' + b"[" * 3000, *HOSTILE]


class _Connection:
    """A broker that has said all that it will ever say, whatever it is asked."""

    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sendall(self, data: bytes) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return self._data.read(min(size, 1 << 16))


def _broker(data: bytes) -> str:
    """Read what something on a broker's port answers: that it is none yet, or none at all, is told in words."""
    reason = unready_reason(19092, connect=lambda _: cast("Any", _Connection(data)))
    return "ready" if reason is None else reason.partition("19092 ")[2].partition(" (")[0]


def _broker_seeds() -> list[bytes]:
    def framed(answer: bytes) -> bytes:
        return len(answer).to_bytes(4, "big") + answer

    known = b"\0\0\0\1" + b"\0\0\0\0" + b"\0\0" + b"\xff\xff" + b"\0\0\0\1" + b"\0\x091270.0.1" + b"\0\0J\x94"
    known = known.replace(b"1270.0.1", b"127.0.0.1")
    loading = known.replace(b"\0\0\xff\xff", b"\0\x0f\xff\xff")
    odd = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\2\0\0"]
    odd += [framed(known[:cut]) for cut in (4, 8, 9, 12, 20)] + [framed(known.replace(b"\0\x09", b"\x7f\xff"))]
    odd.append(framed(known.replace(b"127", b"\xff\xfe\xfd")))
    return [framed(known) * 200, framed(known), framed(loading), *odd, b""]


DISK = (
    Decoder("local", _local, _local_seeds, frozenset({"found", "broken", "foreign"})),
    Decoder("store", _store, _store_seeds, frozenset({"store", "empty", "corrupt"})),
    Decoder("resume", _resume, _resume_seeds, frozenset({"state", "another", "refused"})),
    Decoder("cluster", _cluster, _cluster_seeds, frozenset({"cluster", "refused"})),
    Decoder("broker", _broker, _broker_seeds, frozenset({"ready"})),
)
