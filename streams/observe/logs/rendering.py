"""From a record of `logging` to a line: JSON for machines, or text for people, with the same in both."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter, plain_traceback
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from streams.observe.logs.correlation import REQUEST_ID
from streams.observe.logs.errors import FOLLOWED, in_words, on_one_line, trace_of

_ESCAPED_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *FOLLOWED)}
"""What JSON may have as it is, and terminals and readers by lines follow."""
_OF_OTHER_HANDLERS = ("message", "asctime")
"""What other handlers leave on a record."""
_PLAIN = frozenset("-_.:/,+@%*")
_DIM, _RED, _YELLOW, _RESET = "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_COLOURS = {"WARNING": _YELLOW, "ERROR": _RED, "CRITICAL": _RED}


class LineFormatter(ProcessorFormatter):
    """Renders records; of errors among their arguments it shows no words that may quote a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, or the lines where there is a trace."""
        if isinstance(record.args, tuple) and any(isinstance(one, BaseException) for one in record.args):
            record = logging.makeLogRecord(record.__dict__)
            record.args = tuple(_Told(one) if isinstance(one, BaseException) else one for one in record.args or ())
        return super().format(record)


class _Told:
    """An error as an argument of a line."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        return in_words(self._error)

    def __str__(self) -> str:
        told = in_words(self._error)
        return str(self._error) if told == repr(self._error) else told


def line_formatter(form: str, always: Mapping[str, str], *, colours: bool = False) -> LineFormatter:
    """Give what renders: `json` or `human`.

    Args:
        form: as the setting has it.
        always: what every JSON line has; people see it from where they read.
        colours: whether levels of human lines are in colour.
    """
    # Outermost first: what a line says itself wins over what holds for all.
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _of_request,
        add_log_level,
        add_logger_name,
        ExtraAdder(),
        _discreet,
        _stamp,
    ]
    last: list[Processor] = [ProcessorFormatter.remove_processors_meta]
    if form == "json":
        last += [_with(always), structlog.processors.JSONRenderer(serializer=_dumped)]
    else:
        last += [_printable, _human(colours=colours)]
    return LineFormatter(foreign_pre_chain=before, processors=last)


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _of_request(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    if (request_id := REQUEST_ID.get()) is not None:
        line["request_id"] = request_id
    return line


def _discreet(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Put the trace into words of ours; leave out of asyncio's lines what they quote: tasks, with their errors."""
    for left in _OF_OTHER_HANDLERS:
        line.pop(left, None)
    if (told := line.pop("exc_info", None)) is not None:
        error = told[1] if isinstance(told, tuple) else None
        if error is not None:
            line["exception"] = trace_of(error)
    if line["logger"] == "asyncio":
        line["event"] = line["event"].partition("\n")[0].partition("(")[0]
    return line


def _with(always: Mapping[str, str]) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    def add(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        first = {name: line.pop(name) for name in ("timestamp", "level", "logger", "event")}
        return {**first, **always, **line}

    return add


def _dumped(line: EventDict, default: Callable[[Any], Any]) -> str:
    try:
        text = orjson.dumps(line, default=default, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # half of a character, or a number that no machine has
        return json.dumps(line, default=default, separators=(",", ":"))
    return text if text.isprintable() else text.translate(_ESCAPED_IN_JSON)


# -- for people


def _printable(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Keep an entry on its line, whoever has sent what it quotes."""
    line["event"] = on_one_line(str(line["event"]))
    line["level"] = line["level"].upper()
    return line


def _human(*, colours: bool) -> ConsoleRenderer:
    """Render as `2026-11-01T03:00:00.123456Z INFO streams.worker.readiness what was said, and=its fields`."""

    def bare(value: object) -> str:
        return str(value)

    def level(key: str, value: object) -> str:
        del key
        text = str(value)
        return f"{_COLOURS[text]}{text}{_RESET}" if colours and text in _COLOURS else text

    dim, reset = (_DIM, _RESET) if colours else ("", "")
    columns = [
        Column("timestamp", KeyValueColumnFormatter(None, dim, reset, bare)),
        Column("level", level),
        Column("logger", KeyValueColumnFormatter(None, dim, reset, bare)),
        Column("event", KeyValueColumnFormatter(None, "", "", bare)),
        Column("", KeyValueColumnFormatter(dim, "", reset, _shown)),
    ]
    return ConsoleRenderer(columns=columns, exception_formatter=plain_traceback, sort_keys=False)


def _shown(value: object) -> str:
    """Write a field: as it is where that is one plain word, else as JSON."""
    if isinstance(value, str) and value and all(one.isalnum() or one in _PLAIN for one in value):
        return value
    return _dumped({"": value}, str)[4:-1]
