"""One broker's process: a JVM under its guard."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.kafka.embedded.errors import BrokerDied

GUARD = Path(__file__).with_name("guard.py")
STOP_SECONDS = 15.0
END_SECONDS = 10.0
TAIL_LINES = 12


def last_lines(path: Path) -> list[str]:
    """Give the end of a log, nothing when there is none."""
    try:
        return path.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        return []


class Broker:
    """Broker `number` (from 1), which keeps all its files in `folder` and is run by `command`."""

    def __init__(self, number: int, folder: Path, command: Sequence[str], *, temporary: bool) -> None:
        self.number = number
        self.folder = folder
        self.log = folder / "server.log"
        self._console = folder / "console.log"
        self._command = command
        self._temporary = temporary
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """Give the JVM's process id while it lives."""
        return self._pid if self.alive else None

    @property
    def alive(self) -> bool:
        """Tell whether the JVM runs: its guard ends with it."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start the JVM unless it runs; it is not ready yet."""
        if self.alive:
            return
        removal = ["--remove", str(self.folder.parent)] if self._temporary else []
        guarded = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *removal, "--", *self._command]
        with self._console.open("wb") as console:
            self._guard = subprocess.Popen(  # noqa: S603 - the command is ours
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=console,
                cwd=self.folder,
                start_new_session=True,
            )
        self._pid = self._reported_pid(self._guard)

    def _reported_pid(self, guard: subprocess.Popen[bytes]) -> int:
        """Read the line in which the guard names the JVM."""
        with guard.stdout or os.fdopen(0) as pipe:
            line = pipe.readline()
        if not line:
            guard.wait(END_SECONDS)
            raise self.death()
        return int(line)

    def kill(self) -> None:
        """End the JVM with SIGKILL and wait until it is gone."""
        self._end(signal.SIGKILL, END_SECONDS)

    def stop(self) -> None:
        """End the JVM in order; with SIGKILL when that takes too long."""
        try:
            self._end(signal.SIGTERM, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def signal_stop(self) -> None:
        """Ask the JVM to end and do not wait, so that several can end side by side."""
        if self._guard is not None and self._pid is not None and self.alive:
            os.kill(self._pid, signal.SIGTERM)

    def _end(self, how: signal.Signals, seconds: float) -> None:
        if self._guard is None or self._pid is None or not self.alive:
            return
        os.kill(self._pid, how)
        self._guard.wait(seconds)

    def death(self) -> BrokerDied:
        """Describe the death of the JVM by the end of what it wrote."""
        return BrokerDied(self.number, self.log, "\n".join(last_lines(self.log) + last_lines(self._console)))
