"""Look-ups that are tried again: a line for each institution, so that one in trouble takes the place of no other."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.executor.lookups.work import Work
from streams.executor.settings import LookupSettings

log = logging.getLogger(__name__)

Institution = str | None
"""An institution's id; None is the line of all look-ups whose institution is not known."""


class _Line:
    """Those that wait for one institution; `answers_when_full` is how many of all were answered when it was full."""

    def __init__(self) -> None:
        self.members: set[Work] = set()
        self.failures = 0
        self.turn = asyncio.Lock()
        self.answers_when_full: int | None = None


class WaitingLines:
    """The lines. They have `at_once // 2` tries at a time together, and each line one: the rest is for what is new.

    A line may fill half of what the others leave. Behind that it is closed as soon as any look-up is answered: then the
    vendor is well, and what waits is the institution's own. Where none is answered all lines may be filled.

    Those of no known institution may be of any: each has its first try before those that had one, one at a time.
    """

    def __init__(self, settings: LookupSettings) -> None:
        self._settings = settings
        self._lines: dict[Institution, _Line] = {}
        self._standing: dict[Work, Institution] = {}
        self._untried: set[Work] = set()
        """Of no known institution, and not tried since they stand in line."""
        self._first_tries = asyncio.Lock()
        self._answers = 0
        self._tries = asyncio.Semaphore(max(1, settings.at_once // 2))

    def __len__(self) -> int:
        """Count those that wait."""
        return len(self._standing)

    @property
    def is_full(self) -> bool:
        """Whether no further one may wait."""
        return len(self) >= self._settings.max_waiting

    def problems(self) -> list[str]:
        """Say in words that all places are taken, by whom, and what to do; nothing where there is room."""
        if not self.is_full:
            return []
        longest = max(self._lines, key=lambda one: len(self._lines[one].members))
        most = f"{len(self._lines[longest].members)} of them for {told(longest)}"
        what_to_do = "see whether the vendor is in trouble, and run `txpush sweep` once it is well"
        what = f"{len(self)} look-ups wait for the vendor, {most}, and none is answered: no further one is read"
        return [f"{what}; they are tried on by themselves for a day each: {what_to_do}"]

    def is_troubled(self, institution: Institution) -> bool:
        """Tell whether an institution has answered none of the latest tries; None is all that are not known."""
        line = self._lines.get(institution)
        return line is not None and line.failures >= self._settings.trouble_after

    def failed(self, work: Work, institution: Institution) -> bool:
        """Note a try in vain and have it wait; False where its line is closed."""
        if not self.take(work, institution):
            return False
        self._untried.discard(work)
        line = self._lines[self._standing[work]]
        line.failures += 1
        if line.failures == self._settings.trouble_after:
            log.warning("look-ups wait for %s: the latest %d tries were in vain", told(institution), line.failures)
        return True

    def take(self, work: Work, institution: Institution) -> bool:
        """Have one wait that is not tried yet, if it does not wait already; False where its line is closed."""
        if work in self._standing:
            return True
        line = self._lines.setdefault(institution, _Line())
        self._note_room(line)
        if line.answers_when_full is not None and self._answers > line.answers_when_full:
            return False
        line.members.add(work)
        self._standing[work] = institution
        if institution is None:
            self._untried.add(work)
        self._note_room(line)
        return True

    def _note_room(self, line: _Line) -> None:
        others = len(self) - len(line.members)
        if len(line.members) < (self._settings.max_waiting - others) // 2:
            line.answers_when_full = None
        elif line.answers_when_full is None:
            line.answers_when_full = self._answers

    def answered(self, institution: Institution) -> None:
        """Note that the vendor has answered one."""
        self._answers += 1
        if line := self._lines.get(institution):
            line.failures = 0

    def leave(self, work: Work) -> None:
        """Let go of one; one that does not wait changes nothing."""
        if work not in self._standing:
            return
        institution = self._standing.pop(work)
        self._untried.discard(work)
        line = self._lines[institution]
        line.members.discard(work)
        self._note_room(line)
        if not line.members:
            del self._lines[institution]

    @asynccontextmanager
    async def turn(self, work: Work) -> AsyncIterator[bool]:
        """Wait for the turn of its line, behind those who asked before; one that does not wait has it at once.

        Gives whether it waited, and so has none of the tries that are for what is new.
        """
        if work in self._untried:
            async with self._first_tries:
                yield True
        elif work in self._standing:
            async with self._lines[self._standing[work]].turn, self._tries:
                yield True
        else:
            yield False


def told(institution: Institution) -> str:
    """Name an institution in words."""
    return "institutions that are not known" if institution is None else f"institution {institution}"
