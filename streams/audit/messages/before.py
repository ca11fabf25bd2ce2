"""Whether a message can be of a decision in front of what is read: there nothing names it, and it is no fault."""

import re
from collections.abc import Callable
from datetime import timedelta

from streams.audit.messages.found import Found

SKEW_MS = timedelta(hours=1) // timedelta(milliseconds=1)
"""A message is never younger than the record that led to it; clocks of machines differ."""
_LETTER = re.compile(r".*/(\d{1,18})#\d+")

Before = Callable[[Found], bool]
"""Tells whether a message can be of a decision in front of what is read."""


def before_time(time_ms: int) -> Before:
    """Tell messages by their times: what lies behind one that is too young is too young as well."""
    newest = 0

    def is_before(found: Found) -> bool:
        nonlocal newest
        newest = max(newest, found.record.timestamp)
        return newest <= time_ms + SKEW_MS

    return is_before


def before_offset(offset: int) -> Before:
    """Tell dead letters by the offset of what was set aside: their own time is that of writing."""

    def is_before(found: Found) -> bool:
        origin = _LETTER.fullmatch(found.id)
        return origin is not None and int(origin[1]) < offset

    return is_before
