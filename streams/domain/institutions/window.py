"""The logins of one institution seen within the window of incidents (R9): who fails with what, and how many there are.

Memory: up to `LOGINS` logins are remembered by name, and all numbers are exact. Beyond it one login in 2, in 4, ... is
remembered, chosen by a hash of its name and counted for 2, 4, ... So a share comes with a standard error of at most
sqrt(0.25 / n) over the n logins remembered, n being 128 to 512: 2.2 to 4.4 percentage points, at 80 % and 20 % 1.8 to
3.5. When failures ebb, the logins of the flood leave with the window and until then have the error of what is left of
them. Logins that were only counted, as healthy, are numbers by the time of their count; of these `CELLS` are exact to
the millisecond, and more are rounded up to cells of 2, 4, ... ms: a count then stays up to 1/100 of the window (18 s of
30 min) too long. A record takes some 60 kB where each login has one code, and 300 kB at most, with `CODES` codes each.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from schemas.state import CodeMark, WindowLogin, WindowState, replace

LOGINS = 512
"""Logins remembered by name, at most."""
CELLS = 256
"""Counts remembered, at most."""
CODES = 8
"""Codes remembered of a login, the latest."""
FEW = 4
"""Below a limit by this factor, the window becomes finer again."""
GIVEN_UP_AFTER = timedelta(days=7)
"""How long the window of an institution is kept that nothing is heard of; one that is heard of lets go by itself.

Not shorter than it has to be: the tick that gives it up moves the clock of the partition, and signals of an agent that
lags behind it are too old for a window then.
"""

_Marks = tuple[CodeMark, ...]


class Window:
    """Changes in place while an institution's signals are folded: made from its record, written back by `state`.

    Times are milliseconds since 1970; `since` is the start of the window, inclusive, and never runs backwards.
    """

    __slots__ = (
        "_counts",
        "_due",
        "_entered",
        "_failing",
        "_healthy",
        "_level",
        "_logins",
        "_seen",
        "_since",
        "_width",
    )

    def __init__(self, state: WindowState) -> None:
        self._logins = dict(state.logins)
        self._level = state.level
        self._counts = dict(state.counts)
        self._width = state.width_ms
        self._healthy = sum(self._counts.values())
        self._seen = 0
        self._since = 0
        self._failing: Counter[int] = Counter()
        self._entered: Counter[int] = Counter()
        for login in self._logins.values():
            self._add(login, 1)
        self._due: list[tuple[int, str]] = [(_first_ms(login), name) for name, login in self._logins.items()]
        self._due += [(at, "") for at in self._counts]
        heapq.heapify(self._due)

    def state(self) -> WindowState:
        """Give the record, the same for the same signals however they were cut into polls."""
        return WindowState(dict(self._logins), self._level, dict(self._counts), self._width)

    @property
    def is_empty(self) -> bool:
        """Whether it is as new."""
        return not (self._logins or self._counts or self._level) and self._width == 1

    @property
    def seen(self) -> int:
        """Logins seen in the window."""
        return self._seen + max(0, self._healthy)

    def failing(self, code: int) -> int:
        """Logins of which the latest observation of some account failed with the code."""
        return self._failing[code]

    def entered(self, code: int) -> int:
        """Logins that newly failed with the code."""
        return self._entered[code]

    def has_entered(self, name: str, code: int) -> bool:
        """Tell whether the login is remembered to have newly failed with the code."""
        login = self._logins.get(name)
        return login is not None and any(mark.code == code and mark.entered_ms for mark in login.marks)

    def marks(self, code: int) -> list[CodeMark]:
        """Give the marks of the logins that newly failed with the code, in the order in which they did."""
        found = [mark for login in self._logins.values() for mark in login.marks if mark.code == code]
        return sorted((mark for mark in found if mark.entered_ms), key=lambda mark: (mark.entered_ms, mark.account))

    def pass_to(self, since: int) -> None:
        """Let go of all that was before `since`."""
        due, self._since = self._due, since
        while due and due[0][0] < since:
            at, name = heapq.heappop(due)
            if not name:
                self._healthy -= self._counts.pop(at, 0)
            elif name in self._logins and _first_ms(self._logins[name]) < since:
                self._replace(name, _within(self._logins[name], since))
        self._refine()

    def failed(self, name: str, code: int, at: int, *, entered: bool, account: str) -> None:
        """Take a failing observation of a login."""
        entered_ms = at if entered else 0
        self._see(name, at, lambda marks: _with(marks, CodeMark(code, at, entered_ms, account)))

    def left(self, name: str, code: int, at: int) -> None:
        """Take that no account of a login stands at the code any more: it was seen, and does not fail with it."""
        self._see(name, at, lambda marks: tuple(_not_failing(mark, code) for mark in marks))

    def count(self, logins: int, at: int) -> None:
        """Take a count of healthy logins; a negative one takes them back."""
        cell = self._cell(at)
        if cell not in self._counts:
            heapq.heappush(self._due, (cell, ""))
        self._counts[cell] = self._counts.get(cell, 0) + logins
        self._healthy += logins
        while len(self._counts) > CELLS:
            self._regrid(self._width * 2)

    def uncount(self, name: str, counted_at: int) -> None:
        """Take a login out of the count that it was in, unless it was heard of by name since: that was done then.

        A count that has left the window has taken the login with it.
        """
        if self._cell(counted_at) < self._since:
            return
        login = self._logins.get(name)
        if login is None and not self._is_sampled(name):
            return
        if login is None or login.seen_ms < counted_at:
            self.count(-(1 << self._level), counted_at)

    def forget(self, name: str) -> None:
        """Take a login out of all numbers."""
        self._replace(name, None)

    def _see(self, name: str, at: int, change: Callable[[_Marks], _Marks]) -> None:
        before = self._logins.get(name)
        if before is None and not self._is_sampled(name):
            return
        seen_ms, marks = (at, ()) if before is None else (max(before.seen_ms, at), before.marks)
        self._replace(name, None)
        self._replace(name, WindowLogin(seen_ms, self._level, change(marks)))
        while len(self._logins) > LOGINS:
            self._thin_out()

    def _replace(self, name: str, login: WindowLogin | None) -> None:
        before = self._logins.get(name)
        if before is not None:
            self._add(before, -1)
        if login is None:
            self._logins.pop(name, None)
        else:
            self._logins[name] = login
            self._add(login, 1)
            heapq.heappush(self._due, (_first_ms(login), name))

    def _add(self, login: WindowLogin, times: int) -> None:
        weight = times << login.level
        self._seen += weight
        for mark in login.marks:
            if mark.failed_ms:
                self._failing[mark.code] += weight
            if mark.entered_ms:
                self._entered[mark.code] += weight

    def _cell(self, at: int) -> int:
        return -(-at // self._width) * self._width

    def _is_sampled(self, name: str) -> bool:
        return not self._level or _place(name) % (1 << self._level) == 0

    def _thin_out(self) -> None:
        self._level += 1
        for name, login in list(self._logins.items()):
            heavier = WindowLogin(login.seen_ms, max(login.level, self._level), login.marks)
            self._replace(name, heavier if self._is_sampled(name) else None)

    def _refine(self) -> None:
        if self._level and len(self._logins) < LOGINS // FEW:
            self._level -= 1
        if self._width > 1 and len(self._counts) < CELLS // FEW:
            self._width //= 2

    def _regrid(self, width: int) -> None:
        self._width = width
        counts: dict[int, int] = {}
        for at, logins in self._counts.items():
            cell = -(-at // width) * width
            if cell not in self._counts and cell not in counts:
                heapq.heappush(self._due, (cell, ""))
            counts[cell] = counts.get(cell, 0) + logins
        self._counts = counts


def window_due(heard: datetime, span: timedelta) -> datetime:
    """Give when a window is given up whose institution was last heard of at `heard`: all of it lies behind by then."""
    return heard + max(GIVEN_UP_AFTER, span + timedelta(milliseconds=1))


def _first_ms(login: WindowLogin) -> int:
    times = [at for mark in login.marks for at in (mark.failed_ms, mark.entered_ms) if at]
    return min([login.seen_ms, *times])


def _within(login: WindowLogin, since: int) -> WindowLogin | None:
    if login.seen_ms < since:
        return None
    marks = [
        replace(mark, failed_ms=_kept(mark.failed_ms, since), entered_ms=_kept(mark.entered_ms, since))
        for mark in login.marks
    ]
    return replace(login, marks=tuple(mark for mark in marks if mark.failed_ms or mark.entered_ms))


def _kept(at: int, since: int) -> int:
    return at if at >= since else 0


def _with(marks: _Marks, new: CodeMark) -> _Marks:
    for old in marks:
        if old.code == new.code:
            new = CodeMark(
                new.code,
                max(old.failed_ms, new.failed_ms),
                max(old.entered_ms, new.entered_ms),
                new.account if new.entered_ms > old.entered_ms else old.account,
            )
    return (*(old for old in marks if old.code != new.code), new)[-CODES:]


def _not_failing(mark: CodeMark, code: int) -> CodeMark:
    return replace(mark, failed_ms=0) if mark.code == code else mark


def _place(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
