"""Incidents under any signals in any order: what R9 says when it is told with plain lists and sets."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.commands import Action, TicketCause
from schemas.events import Event, EventType, Incident
from schemas.policy import Incident as IncidentPolicy
from tests.unit.domain.institutions.build import BANK, HOUR, MINUTE, START, Desk, data, failing, healthy, left, ruled

WINDOW, LONGEST = 30 * MINUTE, 2 * HOUR
RULES = ruled(incident=IncidentPolicy(min_logins=2, open_share=0.6, close_share=0.4, max_hours=2))
OPENABLE, NEVER = (103, 101), 945
LOGINS = ("71", "72", "73", "74", "75")

STEPS = st.lists(
    st.tuples(
        st.sampled_from([*["enters"] * 5, "fails", "left", "healthy", "healthy", "otp", "tick", "restart"]),
        st.sampled_from(LOGINS),
        st.sampled_from([103, 103, 103, 101, NEVER]),
        st.sampled_from([0, 0, 0, 0, 0, 1, 1, 1, 10, 29, 30, 31, 90, -10, -30, -31]),
    ),
    min_size=15,
    max_size=60,
)


@dataclass
class Model:
    """R9 for one institution; every number is counted anew from all that was heard."""

    heard: list[tuple[str, str, int, datetime]] = field(default_factory=list)
    counts: list[datetime] = field(default_factory=list)
    open_since: dict[int, datetime] = field(default_factory=dict)
    last_opened: dict[int, datetime] = field(default_factory=dict)
    told: list[tuple[str, int, datetime, int, int]] = field(default_factory=list)

    def pass_time(self, until: datetime, since: datetime, *, inclusive: bool) -> None:
        for due, code in sorted((at + LONGEST, code) for code, at in self.open_since.items()):
            if due < until or (inclusive and due == until):
                self._tell("closed", code, due, since)

    def hear(self, what: str, login: str, code: int, time: datetime, at: datetime) -> None:
        since = at - WINDOW
        if time < since:
            return
        if what == "healthy":
            self.counts.append(time)
        elif what == "otp":
            self.heard = [one for one in self.heard if one[1] != login]
        else:
            self.heard.append((what, login, code, time))
        self._close(at, since)
        if what in {"enters", "fails"} and code != NEVER and code not in self.open_since:
            self._open(code, at, since)

    def _close(self, at: datetime, since: datetime) -> None:
        seen = self.seen(since)
        for code in sorted(self.open_since):
            if seen >= 2 and len(self.failing(code, since)) / seen <= 0.4:
                self._tell("closed", code, at, since)

    def _open(self, code: int, at: datetime, since: datetime) -> None:
        entered = {login for what, login, its, time in self.heard if (what, its) == ("enters", code) and time >= since}
        is_enough = len(entered) >= 2 and len(self.failing(code, since)) / self.seen(since) >= 0.6
        if is_enough and self.last_opened.get(code) != at:
            self._tell("opened", code, at, since)

    def seen(self, since: datetime) -> int:
        by_name = {login for _, login, _, time in self.heard if time >= since}
        return len(by_name) + sum(time >= since for time in self.counts)

    def failing(self, code: int, since: datetime) -> set[str]:
        failing: dict[str, datetime] = {}
        for what, login, its, time in self.heard:
            if its == code and what == "left":
                failing.pop(login, None)
            elif its == code:
                failing[login] = max(time, failing.get(login, time))
        return {login for login, time in failing.items() if time >= since}

    def _tell(self, what: str, code: int, at: datetime, since: datetime) -> None:
        if what == "opened":
            self.open_since[code] = self.last_opened[code] = at
        else:
            del self.open_since[code]
        self.told.append((what, code, at, len(self.failing(code, since)), self.seen(since)))


def _run(steps: list[tuple[str, str, int, int]]) -> tuple[Desk, Model]:
    desk, model, now, since = Desk(RULES), Model(), START, START - WINDOW
    for what, login, code, minutes in steps:
        time = now + timedelta(minutes=minutes)
        now = max(now, time)
        if what == "restart":
            desk.restart()
        elif what == "tick":
            model.pass_time(now, since, inclusive=True)
            desk.tick(now)
        else:
            model.pass_time(time, since, inclusive=False)
            at = max(desk.event_time(BANK) or time, time)
            since = since if time < at - WINDOW else at - WINDOW
            model.hear(what, login, code, time, at)
            desk.hear(_event(what, login, code, time))
    return desk, model


def _event(what: str, login: str, code: int, time: datetime) -> Event:
    if what == "healthy":
        return healthy(1, time)
    if what == "left":
        return left(login, time, code)
    return failing(login, time, code, entered=what == "enters", otp=what == "otp")


@settings(max_examples=settings().max_examples // 2, deadline=None)  # a long story each
@given(STEPS)
def test_any_signals_tell_what_plain_sets_tell(steps: list[tuple[str, str, int, int]]) -> None:
    """Openings and closings, their times and numbers are those of R9 told with plain sets."""
    desk, model = _run(steps)
    told = [
        (
            "opened" if one.type == EventType.INCIDENT_OPENED else "closed",
            one.data.code,
            one.time,
            one.data.logins_failing,
            one.data.logins_seen,
        )
        for one in desk.announced
        if isinstance(one.data, Incident)
    ]
    assert told == model.told


@settings(max_examples=settings().max_examples // 2, deadline=None)  # a long story each
@given(STEPS)
def test_any_signals_keep_readers_right(steps: list[tuple[str, str, int, int]]) -> None:
    """Sequences rise, ids are never given twice, and each ticket is issued once and completed once."""
    desk, _ = _run(steps)
    assert len({one.id for one in desk.announced}) == len(desk.announced)
    for code in OPENABLE:
        events = [one for one in desk.announced if isinstance(one.data, Incident) and one.data.code == code]
        sequences = [one.data.sequence for one in events if isinstance(one.data, Incident)]
        assert sequences == sorted({*sequences})
        assert [one.time for one in events] == sorted(one.time for one in events)
        tickets = [one for one in map(data, desk.messages) if (one.cause, one.codes) == (TicketCause.INCIDENT, (code,))]
        assert len(tickets) == len(events)
        for issued, completed in zip(tickets[::2], tickets[1::2], strict=False):
            assert (issued.action, issued.sequence) == (Action.ISSUE, 0)
            assert (completed.action, completed.sequence) == (Action.COMPLETE, 1)
            assert issued.command_id == completed.command_id
        assert len({one.command_id for one in tickets}) == (len(tickets) + 1) // 2
