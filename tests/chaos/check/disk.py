"""Holds the state that workers keep on disk against what was committed below the offsets that it tells of."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.fold.memory import apply_changes
from streams.transport.local.frames import read_frames
from streams.transport.local.head import decode_head
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import Place, Record


def check_disk(findings: Findings, folder: Path, records: Mapping[Place, Sequence[Record]]) -> None:
    """Compare every file that a run has left below its folder, those of partitions that went elsewhere as well."""
    for path in sorted(folder.glob("*.state/*/*.head")):
        head = decode_head(path.read_bytes())
        held: dict[str, dict[str, bytes]] = {topic: {} for topic in head.offsets}
        with (path.parent / head.data).open("rb") as file:
            for frame in read_frames(file, head.length, head.digest):
                for topic, entries in frame.items():
                    apply_changes(held[topic], entries)
        findings.compared["files_of_state"] += 1
        for topic, end in head.offsets.items():
            written = records.get((topic, head.identity.partition), ())
            _compare(findings, f"{path.relative_to(folder)} {topic}", held[topic], written, end)


def _compare(findings: Findings, place: str, held: Mapping[str, bytes], written: Sequence[Record], end: int) -> None:
    """Compare values by key with the last ones below an offset, but for those that compaction has removed since."""
    below: dict[str, bytes | None] = {}
    replaced: set[str] = set()
    for record in written:
        key = (record.key or b"").decode()
        if record.offset < end:
            below[key] = record.value
        else:
            replaced.add(key)
    for key in sorted(held.keys() | below.keys()):
        if held.get(key) != below.get(key) and (key in below or key not in replaced):
            findings.found("disk_wrong", 1, f"{place} {key}: should be {below.get(key)!r}, is {held.get(key)!r}")
