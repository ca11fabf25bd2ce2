"""Support tickets under any signals in any order: what R10 says when it is told with plain sets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.commands import Action, Ticket
from schemas.policy import Ticket as TicketPolicy
from streams.domain.institutions import case_key, tickets
from streams.domain.messages import Outgoing
from tests.unit.domain.institutions.build import BANK, DAY, HOUR, OTHER_BANK, START, Desk, data, failing, left, ruled


@dataclass
class Model:
    """R10 told with plain sets, for one institution and code."""

    said: list[tuple[str, int, int, datetime]] = field(default_factory=list)
    is_open: bool = False
    standing: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    quiet_since: datetime | None = None

    def pass_time(self, until: datetime, *, inclusive: bool) -> None:
        if self.is_open and self.quiet_since is not None:
            due = self.quiet_since + 7 * DAY
            if due < until or (inclusive and due == until):
                self._say("complete", due)
                self.is_open, self.quiet_since, self.counted = False, None, set()

    def enter(self, login: str, at: datetime) -> None:
        new, opens = login not in self.counted, not self.is_open
        self.is_open, self.quiet_since = True, None
        self.standing.add(login)
        self.counted.add(login)
        if opens:
            self._say("issue", at)
        elif new and len(self.counted) in {2, 4}:
            self._say("update", at)

    def leave(self, login: str, at: datetime) -> None:
        if login in self.standing:
            self.standing.remove(login)
            if not self.standing:
                self.quiet_since = at

    def _say(self, action: str, at: datetime) -> None:
        sequence = 0 if action == "issue" else self.said[-1][1] + 1
        self.said.append((action, sequence, len(self.counted), at))


LOGINS = ("71", "72", "73", "74", "75")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["failing", "failing", "left", "all left", "tick"]),
        st.sampled_from([BANK, BANK, OTHER_BANK]),
        st.sampled_from([148, 148, 900]),
        st.sampled_from(LOGINS),
        st.sampled_from([-48, -1, 0, 0, 0, 1, 24, 24 * 7, 24 * 8]),
    ),
    min_size=20,
    max_size=50,
)


def _run(steps: list[tuple[str, str, int, str, int]]) -> Iterator[tuple[Desk, dict[tuple[str, int], Model]]]:
    desk = Desk(ruled(ticket=TicketPolicy(update_at=(2, 4))))
    models = {(bank, code): Model() for bank in (BANK, OTHER_BANK) for code in (148, 900)}
    now = START
    for what, bank, code, login, hours in steps:
        time = now + hours * HOUR
        now = max(now, time)
        if what == "tick":
            desk.tick(now)
            for model in models.values():
                model.pass_time(now, inclusive=True)
        else:
            clock = max(desk.event_time(bank) or time, time)
            for other in (148, 900):
                models[bank, other].pass_time(time, inclusive=False)
            for one in LOGINS if what == "all left" else (login,):
                (models[bank, code].enter if what == "failing" else models[bank, code].leave)(one, clock)
                desk.hear((failing if what == "failing" else left)(one, time, code, bank))
        yield desk, models
    desk.tick(now + 30 * DAY)


def _said(desk: Desk, bank: str, code: int) -> list[tuple[str, int, int, datetime]]:
    return [
        (one.action.value, one.sequence, one.logins_affected, message.time)
        for message in desk.messages
        if (one := data(message)).institution_id == bank and one.codes == (code,)
    ]


@settings(max_examples=settings().max_examples // 2, deadline=None)  # a long story each
@given(STEPS)
def test_any_signals_say_what_plain_sets_say(steps: list[tuple[str, str, int, str, int]]) -> None:
    """Whatever arrives in whatever order: messages, counts and times are those of R10 told with plain sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tickets, "DROPPED_AT_ONCE", 2)
        for desk, models in _run(steps):
            for (bank, code), model in models.items():
                assert _said(desk, bank, code) == model.said
                ticket = desk.ticket(case_key(bank, code))
                assert (ticket is not None and ticket.drop_at is None) == model.is_open
                if ticket is not None and ticket.drop_at is None:
                    assert (ticket.standing, ticket.affected) == (len(model.standing), len(model.counted))


@settings(max_examples=settings().max_examples // 2, deadline=None)  # a long story each
@given(STEPS)
def test_any_signals_keep_readers_right(steps: list[tuple[str, str, int, str, int]]) -> None:
    """At most one ticket is open per institution and code, sequences count up by one, counts and times never fall."""
    *_, (desk, _models) = _run(steps)
    by_key: dict[str, list[Outgoing]] = {}
    for message in desk.messages:
        by_key.setdefault(message.subject, []).append(message)
    for messages in by_key.values():
        assert [message.time for message in messages] == sorted(message.time for message in messages)
        last: Ticket | None = None
        for one in map(data, messages):
            if last is None or last.action is Action.COMPLETE:
                assert (one.action, one.sequence) == (Action.ISSUE, 0)
            else:
                assert (one.command_id, one.sequence) == (last.command_id, last.sequence + 1)
                assert one.action in {Action.UPDATE, Action.COMPLETE}
                assert one.logins_affected >= last.logins_affected
            last = one
        issued = [message.id for message in messages]
        assert len(set(issued)) == len(issued)


@settings(max_examples=settings().max_examples // 2, deadline=None)  # a long story each
@given(STEPS)
def test_all_records_go_in_the_end(steps: list[tuple[str, str, int, str, int]]) -> None:
    """Once every login has left and the quiet period is over, no record is left of any ticket or login."""
    leaving = [("all left", bank, code, "71", 0) for bank in (BANK, OTHER_BANK) for code in (148, 900)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tickets, "DROPPED_AT_ONCE", 2)
        runs = [desk for desk, _ in _run(steps + leaving)]
    assert (runs[-1].tickets, runs[-1].standings) == ({}, {})
