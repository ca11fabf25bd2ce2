"""The brackets at the end of a phrase: `(attempt day 1 02:00, bank B2)`."""

import re
from collections.abc import Iterator
from datetime import datetime

from tests.scenarios.notation.times import read_time

_BRACKETS = re.compile(r"\(([^()]*)\)\s*$")
NONE = "none"


class Options:
    """Names with values, each to be taken once; `close` refuses what nobody took."""

    def __init__(self, given: dict[str, str], at: datetime) -> None:
        self._given = given
        self._at = at

    def __contains__(self, name: str) -> bool:
        """Whether a name is there and not yet taken."""
        return name in self._given

    def peek(self, name: str) -> str:
        """Give a value, and leave it."""
        return self._given[name]

    def split(self, **more: str) -> "Iterator[Options]":
        """Give these options, and `more`, any number of times."""
        given, self._given = {**self._given, **more}, {}
        while True:
            yield Options(dict(given), self._at)

    def flag(self, name: str) -> bool:
        """Whether a name without a value is there."""
        return self._given.pop(name, None) is not None

    def text(self, name: str, default: str | None = None) -> str | None:
        """Take a word; `none` gives None."""
        value = self._given.pop(name, None)
        return default if value is None else None if value == NONE else value

    def words(self, name: str) -> tuple[str, ...]:
        """Take several words."""
        return tuple(self._given.pop(name, "").split())

    def time(self, name: str, default: datetime | None = None) -> datetime | None:
        """Take a time, relative ones from the time of the line."""
        value = self.text(name, "")
        return None if value is None else read_time(value, self._at) if value else default

    def close(self) -> None:
        """Refuse what is left; raises ValueError."""
        if self._given:
            raise ValueError(f"({', '.join(self._given)}) says nothing here: see tests/scenarios/README.md")


def take_options(text: str, at: datetime) -> tuple[str, Options]:
    """Take the brackets off the end of a phrase."""
    match = _BRACKETS.search(text)
    if match is None:
        return text.strip(), Options({}, at)
    return text[: match.start()].strip(), Options(dict(_pairs(match[1])), at)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, _, value = part.strip().partition(" ")
        yield name, value.strip()
