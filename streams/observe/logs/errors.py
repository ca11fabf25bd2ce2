"""Errors in the log: where they were raised, and what they say only where that cannot name a customer."""

import traceback
from collections.abc import Iterator

import httpx

from streams.places import placed

MAX_FRAMES = 30
"""Of one error, the innermost."""
MAX_ERRORS = 8
"""Causes and members of one error that are told."""
_WORDED = ("aiokafka.", "streams.")
"""Modules whose errors speak of brokers and places. Whatever else says something may quote the record it fails at."""

FOLLOWED = (0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that end a line for some readers, or have it shown in another order than it was written in."""
_ESCAPED = (
    {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
    | {code: f"\\u{code:04x}" for code in FOLLOWED}
    | {10: "\\n", 13: "\\r", 9: "\\t"}
)


def on_one_line(text: str) -> str:
    """Keep a text on its line, and show what a terminal would follow, whoever has written it."""
    return text.translate(_ESCAPED)


def is_told(error: BaseException) -> bool:
    """Tell whether the words of an error may stand in a line."""
    if isinstance(error, OSError):
        return True
    if isinstance(error, httpx.TransportError):
        return True
    return f"{type(error).__module__}.".startswith(_WORDED)


def in_words(error: BaseException) -> str:
    """Name an error, with what it says or, where that may quote somebody, with its place."""
    return repr(error) if is_told(error) else placed(_kind(error), error)


def trace_of(error: BaseException) -> str:
    """Give the trace of an error and of what led to it, outermost first as Python does; no line has a variable."""
    told: list[BaseException] = []
    return "\n".join(_traces(error, told))


def _traces(error: BaseException, told: list[BaseException]) -> Iterator[str]:
    if len(told) >= MAX_ERRORS or any(error is one for one in told):
        return
    told.append(error)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _traces(before, told)
        yield "which led to:" if error.__cause__ is not None else "while that was handled:"
    frames = traceback.extract_tb(error.__traceback__, limit=-MAX_FRAMES)
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_list(frames)).rstrip("\n")
    yield f"{_kind(error)}: {on_one_line(str(error))}" if is_told(error) else _kind(error)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield "of which one is:"
            yield from _traces(one, told)


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
