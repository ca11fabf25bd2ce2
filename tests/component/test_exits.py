"""Processes that end though nobody reads what they write: real processes, real pipes."""

import subprocess
import sys

from streams.exits import EXIT_CRASH

WORDY = """
import logging
from streams.exits import bound_shutdown
from streams.observe.logs import log_to_stderr

log_to_stderr()
bound_shutdown(0.1)
while True:
    logging.getLogger("streams.some.place").info("x" * 1000)
"""


def test_a_shutdown_ends_in_its_time_though_the_log_takes_nothing() -> None:
    """A pipe is full whose reader has stopped, as where a node's disk is: whoever writes to it waits for ever."""
    with subprocess.Popen([sys.executable, "-c", WORDY], stderr=subprocess.PIPE) as process:
        try:
            assert process.wait(120) == EXIT_CRASH
        finally:
            process.kill()
