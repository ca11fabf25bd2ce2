"""Times as scenarios write them: `day 2 03:00`, `+24h`, `-1ms`, `day 2 03:00 -1ms`; day 1 is 2026-11-01, UTC."""

import re
from datetime import UTC, datetime, timedelta

DAY_ONE = datetime(2026, 11, 1, tzinfo=UTC)
UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_SHIFT = r"[+-]\d+(?:ms|d|h|m|s)\b"
_TIME = re.compile(rf"(?:day (-?\d+) (\d\d):(\d\d)(?::(\d\d))?)?((?:\s*{_SHIFT})*)")
_ONE_SHIFT = re.compile(r"([+-]\d+)(ms|d|h|m|s)")


def leading_time(text: str, before: datetime) -> tuple[datetime, str]:
    """Take the time off the head of a text; what is relative, or absent, counts from the time `before`."""
    match = _TIME.match(text)
    if match is None or not match[0].strip():
        return before, text.strip()
    base = before if match[1] is None else _absolute(int(match[1]), *match.group(2, 3, 4))
    return base + _shift(match[5] or ""), text[match.end() :].strip()


def read_time(text: str, before: datetime) -> datetime:
    """Read a text that is a time and nothing else; raises ValueError."""
    at, rest = leading_time(text.strip(), before)
    if rest or not text.strip():
        raise ValueError(f"{text!r} is not a time: write `day 2 03:00`, `+24h`, `-1ms`, or both together")
    return at


def write_time(at: datetime) -> str:
    """Write a time as a scenario would."""
    day, clock = (at - DAY_ONE).days + 1, at.strftime("%H:%M:%S")
    fraction = f".{at.microsecond // 1000:03d}" if at.microsecond else ""
    return f"day {day} {clock.removesuffix(':00') if not fraction else clock}{fraction}"


def _absolute(day: int, hour: str, minute: str, second: str | None) -> datetime:
    return DAY_ONE + timedelta(days=day - 1, hours=int(hour), minutes=int(minute), seconds=int(second or 0))


def _shift(text: str) -> timedelta:
    return sum((int(number) * UNITS[unit] for number, unit in _ONE_SHIFT.findall(text)), timedelta())
