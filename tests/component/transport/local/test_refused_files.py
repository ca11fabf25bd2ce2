"""State on disk that is not used: cut off, changed, forged, of somebody else, too old, or in use."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.observe.labels import StateRefusal
from streams.transport.local import frames
from streams.transport.local import head as head_module
from streams.transport.local.files import MAX_AGE_MS, MAX_AHEAD_MS
from streams.transport.local.head import Head
from tests.component.transport.local.build import (
    ACCOUNTS,
    IDENTITY,
    LOGINS,
    NOW_MS,
    OFFSETS,
    locked,
    on_disk,
    read,
    refusal,
)


@pytest.mark.parametrize("suffix", [".head", ".0.data"])
def test_a_file_cut_off_anywhere_is_refused(folder: Path, suffix: str) -> None:
    """Whatever number of bytes is missing at the end, nothing of it is used."""
    path = folder / f"3{suffix}"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refusal(folder) is StateRefusal.BROKEN, length
    path.unlink()
    assert refusal(folder) is (StateRefusal.MISSING if suffix == ".head" else StateRefusal.BROKEN)


@pytest.mark.parametrize("suffix", [".head", ".0.data"])
@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_a_changed_byte_anywhere_is_refused(folder: Path, suffix: str, flip: int) -> None:
    """Whatever byte is another one, nothing of it is used."""
    path = folder / f"3{suffix}"
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= flip
        path.write_bytes(changed)
        assert refusal(folder) is StateRefusal.BROKEN, place


def test_frames_of_an_earlier_time_are_refused(folder: Path) -> None:
    """Data that is whole in itself, but not what the head tells of, is not used."""
    old = (folder / "3.0.data").read_bytes()
    files = locked(folder)
    files.load(files.examine(NOW_MS))
    files.write({ACCOUNTS: {"3/c": b"THREE"}, LOGINS: {}}, OFFSETS, NOW_MS)
    files.unlock()
    new = (folder / "3.0.data").read_bytes()
    (folder / "3.0.data").write_bytes(old + old[-(len(new) - len(old)) :])
    assert refusal(folder) is StateRefusal.BROKEN


def test_what_was_not_finished_does_not_count(folder: Path) -> None:
    """Bytes behind those that the head tells of are those of a write that was cut short, and are written over."""
    with (folder / "3.0.data").open("ab") as file:
        file.write(b"half a fra")
    before = read(folder)
    files = locked(folder)
    files.load(files.examine(NOW_MS))
    files.write({ACCOUNTS: {"4/d": b"4"}, LOGINS: {}}, OFFSETS, NOW_MS)
    files.unlock()
    assert b"half a fra" not in on_disk(folder)
    assert read(folder)[0][ACCOUNTS] == before[0][ACCOUNTS] | {"4/d": b"4"}


@pytest.mark.parametrize(
    "change",
    [
        {"cluster": "another"},
        {"application": "another"},
        {"partition": 4},
        {"topic_ids": {ACCOUNTS: "id-1", LOGINS: "recreated"}},
        {"topic_ids": {ACCOUNTS: "id-1"}},
        {"state_version": IDENTITY.state_version + 1},
        {"format": IDENTITY.format + 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_state_of_something_else_is_refused(folder: Path, change: dict[str, Any]) -> None:
    """Another cluster, application, partition, changelog or version makes it another state."""
    other = msgspec.structs.replace(IDENTITY, **change)
    for path in folder.glob("3.*"):
        path.rename(folder / path.name.replace("3.", f"{other.partition}.", 1))
    assert refusal(folder, identity=other) is StateRefusal.FOREIGN


def forged(folder: Path, old: bytes, new: bytes) -> None:
    """Change the text of the head, and give it the checksum that belongs to it."""
    path = folder / "3.head"
    text = path.read_bytes().splitlines()[1]
    assert old in text
    text = text.replace(old, new)
    path.write_bytes(head_module._checksum(text) + b"\n" + text + b"\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"cluster"', b'"\xff"'),
        (b'{"identity"', b'{"more":' + b"[" * 3000 + b"]" * 3000 + b',"identity"'),
        (str(NOW_MS).encode(), b"9" * 400),
        (LOGINS.encode() + b'":17', b'another":17'),
        (b',"' + LOGINS.encode() + b'":17', b""),
        (b'"3.0.data"', b'"../3.0.data"'),
        (b'"3.0.data"', b'"4.0.data"'),
        (b'"3.0.data"', b'"3.lock"'),
        (b'"3.0.data"', b'"3.0.data\\n"'),
        (b'"length":', b'"length":-'),
    ],
    ids=[
        "no text",
        "endless",
        "no time",
        "other topic",
        "topic less",
        "elsewhere",
        "another's",
        "lock",
        "line",
        "length",
    ],
)
def test_a_whole_head_of_another_form_is_refused(folder: Path, old: bytes, new: bytes) -> None:
    """As a broken one is: nothing else comes out, and nothing is read or written but the partition's own data."""
    forged(folder, old, new)
    assert refusal(folder) is StateRefusal.BROKEN


@pytest.mark.parametrize("payload", [b"\x81\xa1\xff\x80", b"\x91" * 3000, b"\x07", b"\x81\xa5other\x80"])
def test_a_whole_frame_of_another_form_is_refused(tmp_path: Path, payload: bytes) -> None:
    """The same for data with every checksum right."""
    files = locked(tmp_path)
    with (tmp_path / "3.0.data").open("wb") as file:
        writer = frames.FrameWriter(file)
        writer.write([payload])
    files._replace_head(Head(IDENTITY, OFFSETS, NOW_MS, "3.0.data", writer.length, writer.digest, writer.length))
    files.unlock()
    assert refusal(tmp_path) is StateRefusal.BROKEN


@pytest.mark.parametrize(
    ("age_ms", "is_refused"),
    [(MAX_AGE_MS, False), (MAX_AGE_MS + 1, True), (-MAX_AHEAD_MS, False), (-MAX_AHEAD_MS - 1, True)],
)
def test_state_that_may_have_missed_a_tombstone_is_refused(folder: Path, age_ms: int, *, is_refused: bool) -> None:
    """Past half of delete.retention.ms it is too old, and so is one from a future that a changed clock has seen."""
    if is_refused:
        assert refusal(folder, NOW_MS + age_ms) is StateRefusal.TOO_OLD
    else:
        assert read(folder, NOW_MS + age_ms)


def test_another_process_keeps_its_files(folder: Path) -> None:
    """Who has them has them alone, until it lets go."""
    files = locked(folder)
    assert refusal(folder) is StateRefusal.LOCKED
    files.unlock()
    assert read(folder)
