"""How processes end: what has to be said is said, and nothing keeps them."""

import io
import logging

import pytest

from streams.exits import EXIT_CRASH, exit_now


class Gone(io.StringIO):
    """A stream whose file is full or gone."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [None, Gone()], ids=["closed", "full"])
def test_a_crash_ends_whatever_its_output_is(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    """A worker that was started with its streams closed, or whose disk is full, goes all the same."""
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        patch.setattr("sys.stderr", stream)
        exit_now("so it is")
    assert ended == [EXIT_CRASH]
