"""Files of one partition's state in a folder, and what is put into them."""

from pathlib import Path

import pytest
from hypothesis import strategies as st

from streams.observe.labels import StateRefusal
from streams.transport.local.files import PartitionFiles, StateRefused
from streams.transport.local.frames import Changes, Contents
from streams.transport.local.head import Identity

ACCOUNTS, LOGINS = "app-accounts-changelog", "app-logins-changelog"
OFFSETS = {ACCOUNTS: 10, LOGINS: 7}
IDENTITY = Identity("cluster", "app", 3, {ACCOUNTS: "id-1", LOGINS: "id-2"})
NOW_MS = 1_790_000_000_000
STATE: Changes = {ACCOUNTS: {"1/a": b"one", "2/b": b"two" * 50}, LOGINS: {"1/l": b"\x00\xff"}}

keys = st.text(max_size=8)
values = st.binary(max_size=40)
contents = st.fixed_dictionaries(
    {topic: st.dictionaries(keys, st.one_of(st.none(), values), max_size=6) for topic in OFFSETS}
)
"""Changes of both tables; None drops a key."""


def locked(folder: Path, identity: Identity = IDENTITY) -> PartitionFiles:
    """Give the files, held by this process."""
    files = PartitionFiles(folder, identity)
    files.lock()
    return files


def written(folder: Path, *changes: Changes, proven_ms: int = NOW_MS) -> None:
    """Write changes one after the other, each ending ten offsets further, rewrite what is worth it, and let go."""
    files = locked(folder)
    for number, one in enumerate(changes):
        files.write(one, {topic: offset + 10 * number for topic, offset in OFFSETS.items()}, proven_ms)
        if files.is_worth_rewriting(proven_ms):
            files.rewrite()
    files.unlock()


def on_disk(folder: Path) -> bytes:
    """Give every byte that is there."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def read(folder: Path, now_ms: int = NOW_MS, identity: Identity = IDENTITY) -> tuple[Contents, dict[str, int]]:
    """Read as a start does; raises StateRefused."""
    files = locked(folder, identity)
    try:
        head = files.examine(now_ms)
        return files.load(head), head.offsets
    finally:
        files.unlock()


def refusal(folder: Path, now_ms: int = NOW_MS, identity: Identity = IDENTITY) -> StateRefusal:
    """Give why it is refused."""
    with pytest.raises(StateRefused) as refused:
        read(folder, now_ms, identity)
    return refused.value.reason
