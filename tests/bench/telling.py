"""How a benchmark of minutes talks, and how it ends when it is asked to."""

import signal
import sys


def say(line: str = "") -> None:
    """Print at once: a run takes minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def end_on_sigterm() -> None:
    """End in order at a SIGTERM, so that contestants are ended, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
