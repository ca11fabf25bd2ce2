"""A broker that sleeps, as a machine does that hangs: its connections stay open, and nothing is answered."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.kafka.embedded import EmbeddedKafka
from tests.waiting import wait_until


@contextmanager
def asleep(broker: EmbeddedKafka) -> Iterator[int]:
    """Have the only broker sleep (SIGSTOP) until the end of the block, and give its process."""
    pid = broker.pid(1)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: _stands_still(pid))
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    """Tell whether every thread of a process has stopped: the signal reaches them one by one."""
    states = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(state.rpartition(")")[2].split()[0] == "T" for state in states)
