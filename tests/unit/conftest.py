"""Holds that tests of this folder do no I/O: whatever opens a connection, starts a process or writes a file fails."""

import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import PurePath

import pytest

_DOING_IO = {
    "os.exec",
    "os.fork",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.system",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_TOOLS = {"__pycache__", ".hypothesis"}
"""Folders of the interpreter and of the test tools, which write when they like."""
_done: list[str] | None = None
"""What the running test did; None while none runs: an audit hook cannot be taken away again."""


class IODoneError(AssertionError):
    """A test of this folder does I/O."""


def _refuse(event: str, details: tuple[object, ...]) -> None:
    if _done is None:
        return
    if event == "open":
        path, _, flags = details
        if isinstance(path, int) or not isinstance(flags, int) or not flags & _WRITING or path == os.devnull:
            return  # what is a number already was judged when it was opened
    elif event not in _DOING_IO:
        return
    if details and isinstance(details[0], str | os.PathLike) and _TOOLS & set(PurePath(details[0]).parts):
        return
    if any(frame.name == "save" and "hypothesis" in frame.filename for frame in traceback.extract_stack()):
        return  # an example that fails, for the next run
    _done.append(f"{event} {details[:2]}")
    raise IODoneError(_done[-1])


sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def _without_io() -> Iterator[None]:
    """Watch a test and its fixtures, also where what is tested catches the refusal."""
    global _done  # noqa: PLW0603 - the hook has no other place to look
    done: list[str] = []
    _done = done
    yield
    _done = None
    assert not done, "tests of tests/unit do no I/O: move this one to tests/component"
