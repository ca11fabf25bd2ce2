"""What inputs come to in a decoder: counts of outcomes, and each failure once, with an input that shows it."""

import hashlib
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.fuzz.decoder import ROOT, Decoder

SLOW_SECONDS = 1.0
"""Of the processor: an input of 20 kB that takes longer is a finding, too."""


class Judge:
    """Runs inputs through a decoder.

    Args:
        decoder: what is fuzzed.
        folder: where inputs that fail are kept, as `NAME-SHA`; must be there.
        slow_seconds: see `SLOW_SECONDS`.
    """

    def __init__(self, decoder: Decoder, folder: Path, slow_seconds: float = SLOW_SECONDS) -> None:
        self.decoder = decoder
        self.executions = 0
        self.outcomes: Counter[str] = Counter()
        self.failures: dict[str, str] = {}
        """Files by what was raised and where."""
        self._folder = folder
        self._slow_seconds = slow_seconds

    def __call__(self, data: bytes) -> None:
        """Run one input; never raises."""
        self.executions += 1
        began = time.thread_time()
        try:
            self.outcomes[self.decoder.run(data)] += 1
        except Exception as error:  # noqa: BLE001 - whatever a decoder raises is what is looked for
            self._failed(_place(error), data)
        if time.thread_time() - began > self._slow_seconds:
            self._failed(f"slower than {self._slow_seconds:g} s", data)

    def _failed(self, what: str, data: bytes) -> None:
        if what not in self.failures:
            file = self._folder / f"{self.decoder.name}-{hashlib.sha256(data).hexdigest()[:16]}"
            file.write_bytes(data)
            self.failures[what] = str(file)


def _place(error: Exception) -> str:
    """Name an error by the last line of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename]
    frame = (ours or frames)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
