"""A small disk of its own for one broker: a file system in memory that can be made full, and given room again."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOM_MB = 4096
LEFT_KB = 256
MOUNT_SECONDS = 10.0


def may_mount() -> bool:
    """Tell whether this process may mount: only then there is a disk to be filled."""
    return os.geteuid() == 0 and Path("/proc/self/mounts").exists() and _can_unshare()


def _can_unshare() -> bool:
    """Try it, on a folder that nobody needs."""
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],  # noqa: S607 - wherever it is
        capture_output=True,
        timeout=MOUNT_SECONDS,
        check=False,
    )
    return tried.returncode == 0


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A tmpfs mounted at `place`, which holds nothing else."""

    place: Path

    def mount(self) -> None:
        """Mount it, with much room."""
        self.place.mkdir(parents=True, exist_ok=True)
        self._run("mount", "-t", "tmpfs", "-o", f"size={ROOM_MB}m", "tmpfs", str(self.place))

    def fill(self) -> None:
        """Leave no more room than for some records."""
        held = os.statvfs(self.place)
        used_kb = (held.f_blocks - held.f_bfree) * held.f_frsize // 1024
        self._run("mount", "-o", f"remount,size={used_kb + LEFT_KB}k", str(self.place))

    def make_room(self) -> None:
        """Give the room back."""
        self._run("mount", "-o", f"remount,size={ROOM_MB}m", str(self.place))

    def unmount(self) -> None:
        """Let it go with all that it holds; who still has a file open there keeps it until closing it."""
        self._run("umount", "--lazy", str(self.place))

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=MOUNT_SECONDS)
