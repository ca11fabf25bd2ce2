"""A broker whose guard does not say what it has started."""

import os
import socket
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest

from streams.kafka.embedded import process
from streams.kafka.embedded.errors import BrokerDiedError
from streams.kafka.embedded.process import Broker, Jvm


class Guard:
    """A guard that says nothing, or one line, on its pipe."""

    def __init__(self, said: bytes | None) -> None:
        reading, self.writing = os.pipe()
        self.stdout = os.fdopen(reading, "rb")
        self.was_killed = False
        if said is not None:
            os.write(self.writing, said)

    def kill(self) -> None:
        self.was_killed = True

    def wait(self, timeout: float) -> int:
        assert timeout > 0
        return 0


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    monkeypatch.setattr(process, "START_SECONDS", 0.05)
    return Broker(1, tmp_path, Jvm(Path("java"), (), ""), temporary=True)


def test_a_guard_that_says_nothing_is_not_waited_for(broker: Broker) -> None:
    """A start that hangs is ended, and told as the death of the broker."""
    guard = Guard(None)
    with pytest.raises(BrokerDiedError):
        broker._reported_pid(guard)  # type: ignore[arg-type] # what is asked of a process
    assert guard.was_killed
    os.close(guard.writing)


def test_a_guard_names_the_process(broker: Broker) -> None:
    """Its line is the process id of the JVM, and it lives on."""
    guard = Guard(b"4711\n")
    assert broker._reported_pid(guard) == 4711  # type: ignore[arg-type] # what is asked of a process
    assert not guard.was_killed
    os.close(guard.writing)


class Connection(AbstractContextManager["Connection"]):
    """A connection to something that says one thing whatever it is asked, and then hangs up."""

    def __init__(self, said: bytes) -> None:
        self._said = BytesIO(said)

    def __exit__(self, *_: object) -> None:  # noqa: D105 - nothing to close
        pass

    def sendall(self, data: bytes) -> None:
        pass

    def recv(self, size: int) -> bytes:
        assert size <= process.MAX_ANSWER_BYTES
        return self._said.read(size)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\0\4\0\0\0\1",
        b"\0\0\0\x0c" + b"\x7f" * 12,
    ],
)
def test_what_answers_and_is_no_broker_is_told(said: bytes) -> None:
    """Another program may have the port: it counts as a broker that does not answer, and is never read without end."""
    reason = process.unready_reason(9092, lambda _: cast("socket.socket", Connection(said)))
    assert reason is not None
    assert reason.startswith("port 9092 does not answer (")
