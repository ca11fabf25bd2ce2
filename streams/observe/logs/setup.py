"""Where the lines of a process go, in which form, and from which level on; told once, at its start."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

from streams import pseudonyms
from streams.observe.logs.limit import LimitedHandler
from streams.observe.logs.rendering import line_formatter

LogFormat = Literal["human", "json"]

OURS = ("streams", "schemas")
"""Loggers that follow the level that is set. Libraries warn only, whatever it is: below that aiokafka and Faust tell of
every step and quote records, and httpx names customers in paths.
"""
INHERITED = logging.getLogger("faust.inherited")
"""What Faust's classes say through ours, as their `logger`: mode would have it said by the modules of ours."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How a process writes its log.

    Attributes:
        component: which of ours it is; every JSON line says so, and the instance where there is one.
        format: `json`, an object a line, or `human`.
        level: of `logging`; what is below is not written.
        keys: of pseudonyms, 32 bytes each, the first for new ones; none has one made up.
    """

    component: str = "txpush"
    instance: str | None = None
    format: LogFormat = "human"
    level: int = logging.INFO
    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def always(self) -> dict[str, str]:
        """Give what every JSON line has."""
        named = {"component": self.component, "instance": self.instance}
        return {name: value for name, value in named.items() if value is not None}


def log_to_stderr(options: LogOptions | None = None, stream: TextIO | None = None) -> None:
    """Write the log to stderr, or to another stream, from here on; a second call takes the place of the first.

    What ends the process, or a thread of it, unheard is a line of the log as well.
    """
    options = options or LogOptions()
    # Whoever closed stderr before the process began wants no log, and no memory full of it.
    stream = stream or sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    handler = LimitedHandler(stream)
    handler.setFormatter(line_formatter(options.format, options.always(), colours=stream.isatty()))
    root = logging.getLogger()
    for other in [one for one in root.handlers if isinstance(one, LimitedHandler)]:
        root.removeHandler(other)
        other.close()
    root.addHandler(handler)
    root.setLevel(max(options.level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(options.level)
    if options.keys:
        pseudonyms.OURS.take(options.keys)
    sys.excepthook = _tell_uncaught(sys.__excepthook__)
    threading.excepthook = _tell_thread


def _tell_uncaught(otherwise: Callable[..., Any]) -> Callable[..., None]:
    """Log what nobody has caught: Python's own words would quote what the error says."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            logging.getLogger("streams").critical("ended by an error", exc_info=(kind, error, trace))
        else:
            otherwise(kind, error, trace)

    return tell


def _tell_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and isinstance(failed.exc_value, Exception):
        told = (failed.exc_type, failed.exc_value, failed.exc_traceback)
        logging.getLogger("streams").error("a thread was ended by an error", exc_info=told)
