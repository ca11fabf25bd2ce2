"""The log of a test, written as a process writes it, and everything as it was after it."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from streams import pseudonyms
from streams.observe.logs import LogFormat, LogOptions, log_to_stderr
from streams.observe.logs.limit import LimitedHandler

KEY = b"\x07" * 32
"""Of the pseudonyms."""
NAMES = pseudonyms.Pseudonyms([KEY])


class Written:
    """A log; `begin` has it written from there on."""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    def begin(self, form: LogFormat = "json", level: int = logging.INFO, component: str = "agent") -> None:
        """Write in this form, from this level on."""
        log_to_stderr(LogOptions(component, f"{component}-0", form, level, (KEY,)), self._stream)

    @property
    def text(self) -> str:
        """All of it."""
        return self._stream.getvalue()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Each JSON line as the object that it is."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        """Give the objects of one place, without what every line has."""
        usual = ("timestamp", "level", "logger", "component", "instance")
        lines = [line for line in self.objects if line["logger"] == logger]
        return [{name: value for name, value in line.items() if name not in usual} for line in lines]

    def named(self, marks: Sequence[str]) -> list[str]:
        """Give the lines that have one of these marks in clear."""
        return [line for line in self.text.splitlines() if any(mark in line for mark in marks)]


@contextmanager
def written_log() -> Iterator[Written]:
    """Have the log for oneself."""
    levels = {name: logging.getLogger(name).level for name in ("", "streams", "schemas", "aiokafka")}
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)
    hooks, ours = (sys.excepthook, threading.excepthook), pseudonyms.OURS
    pseudonyms.OURS = pseudonyms.Pseudonyms()
    try:
        yield Written()
    finally:
        pseudonyms.OURS = ours
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        sys.excepthook, threading.excepthook = hooks
        root = logging.getLogger()
        for handler in [one for one in root.handlers if isinstance(one, LimitedHandler)]:
            root.removeHandler(handler)
            handler.close()
