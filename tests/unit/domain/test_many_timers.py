"""What a turn with many timers costs, and that it decides what the plain way decides."""

import sys
from collections.abc import Callable
from datetime import timedelta
from random import Random
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Event, EventType, OverrideAction
from schemas.state import encode
from streams.domain import Decision, Outcome, decide
from streams.domain.customers import customer as customer_
from tests.unit.domain import plain_timers
from tests.unit.domain.build import (
    BANK,
    DAY,
    HOUR,
    RULES,
    SHIPPED,
    START,
    UNINTEGRATED,
    Story,
    command,
    connected,
    deleted,
    fixed,
    forgotten,
    looked,
    overridden,
    silenced,
    tick,
)
from tests.unit.domain.test_properties import is_own, logs

AHEAD: dict[str, Any] = {"authorization_end_date": START + 20 * DAY, "authorization_expires": True}
CODES = (185, 185, 103, 169, 931, 949, 0, 0, 102, 777_777)


class Both(Story):
    """A story that is told in the plain way too: nothing may differ, not even the order of what is kept."""

    def hear(self, *events: Event) -> Decision:
        """Decide both ways on each event."""
        for event in events:
            if event.type == EventType.CLOCK_TICK:
                self.ticked_at = max(event.time, self.ticked_at or event.time)
            said = decide(self.customer, event, self.rules, self.ticked_at, self.around)
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(customer_, "INDEXED", sys.maxsize)
                plain = plain_timers.decide(self.customer, event, self.rules, self.ticked_at, self.around)
            assert said == plain
            assert _bytes(said) == _bytes(plain)
            self.keep(said)
        return said


def _bytes(decision: Decision) -> list[bytes]:
    """Give all that is kept of a customer, encoded, in its order."""
    known = decision.customer
    if known is None:
        return []
    named = [*known.accounts.items(), *known.logins.items()]
    return [encode(known.state), *(key.encode() + encode(record) for key, record in named)]


@pytest.fixture(params=[0, 4], ids=["indexed", "from the fifth account"])
def indexed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have logins looked up by an index although the customer is small."""
    monkeypatch.setattr(customer_, "INDEXED", request.param)


@given(logs, st.integers(0, 24))
@settings(max_examples=150)
def test_as_the_plain_way(log: list[Event], changed_at: int) -> None:
    """Whatever a customer's log: messages, state and order are those of firing with everything looked at anew."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(customer_, "INDEXED", 1)
        story = Both(SHIPPED)
        for place, event in enumerate(log):
            story.rules = UNINTEGRATED if place >= changed_at else SHIPPED
            if not is_own(event) and event.type != EventType.CLOCK_TICK:
                story.surround(event)
            else:
                story.hear(event)
        story.hear(tick(START + 400 * DAY))


def a_bad_month(random: Random, logins: int) -> list[Event]:
    """Give the events of a customer with many logins, of which several have timers at the same times."""
    found, at = list[Event](), START
    for _ in range(120):
        at += random.choice((timedelta(0), HOUR, HOUR, DAY, DAY, 3 * DAY))
        number = random.randrange(logins)
        account, login = f"a{number}", random.choice((f"L{number}", f"L{number // 2}", None))
        many = tuple(f"L{one}" for one in range(0, logins, 2))
        found += random.choice(
            (
                [looked(random.choice(CODES), at, at, account, login, **(AHEAD if number % 3 else {}))],
                [looked(random.choice(CODES), at, at, f"a{one}", f"L{one}", **AHEAD) for one in range(logins)],
                [fixed(at, f"L{number}"), connected("done", at, institution_login_ids=many)],
                [connected("done", at, made=at - 2 * DAY, institution_login_ids=many)],
                [deleted(at, account, login), connected("done", at, institution_id=BANK)],
                [silenced(at, at + 2 * DAY, institution_login_id=f"L{number}"), tick(at + 30 * HOUR)],
                [overridden(OverrideAction.CLOSE_CASE, at, account_id=account), tick(at)],
                [overridden(OverrideAction.MARK_OTP, at, account_id=account)],
            )
        )
    return [*found, tick(at + 40 * DAY), tick(at + 200 * DAY)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("indexed")
def test_many_logins_as_the_plain_way(seed: int) -> None:
    """The same holds where many cases of a customer are due at once, some by what others did."""
    story, random = Both(SHIPPED), Random(seed)  # noqa: S311 - the same log every time
    for event in a_bad_month(random, 8):
        story.hear(event)
    assert len(story.told) > 50


def test_a_silence_moves_timers() -> None:
    """A silence of the customer moves the timers of cases that nothing else has changed."""
    story, until = Both(RULES), START + 5 * DAY
    story.hear(looked(185, START, START), looked(169, START + HOUR, START + HOUR, "a2"))
    assert story.hear(silenced(START + 2 * HOUR, until)).next_due == until


def test_an_account_that_goes_moves_timers() -> None:
    """A login that is quiet but for one account is lifted in time when that one has moved to another login."""
    story = Both(SHIPPED)
    story.hear(looked(931, START, START), looked(931, START, START, "a2"), looked(0, START + DAY, START + DAY))
    story.hear(overridden(OverrideAction.CLOSE_CASE, START + DAY, institution_login_id="L1"))
    assert story.hear(looked(0, START + 2 * DAY, START + DAY, "a2", "L2")).next_due == START + 91 * DAY


def calls(work: Callable[[], object]) -> int:
    """Count the calls of functions, generators and built-ins that some work makes."""
    count = 0

    def note(_frame: FrameType, what: str, _value: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def many(count: int, code: int, *, login: bool = True, **more: Any) -> Story:  # noqa: ANN401 - fields of a snapshot
    """Give a customer with as many logins, all of which stand at a code."""
    story = Story(SHIPPED)
    for number in range(count):
        story.hear(looked(code, START, START, f"a{number:04}", f"L{number:04}" if login else None, **more))
    return story


def worse(count: int) -> Story:
    """Give many logins whose commands and authorisations are due together."""
    return many(count, 185, **AHEAD)


def repaired(count: int) -> Story:
    """Give many logins that were repaired by one fix event."""
    story = many(count, 185)
    story.hear(connected("done", START + HOUR, institution_login_ids=tuple(f"L{number:04}" for number in range(count))))
    return story


def gone(count: int) -> Story:
    """Give many deleted accounts."""
    story = many(count, 103)
    story.hear(
        connected("accountsDeleted", START + HOUR, account_ids=tuple(f"a{number:04}" for number in range(count)))
    )
    return story


def quiet(count: int) -> Story:
    """Give many logins that asked for a passcode, and have worked since."""
    story = many(count, 931)
    for number in range(count):
        story.hear(looked(0, START + DAY, START + DAY, f"a{number:04}", f"L{number:04}"))
    return story


MANY: dict[str, tuple[Callable[[int], Story], timedelta]] = {
    "reminders": (lambda count: many(count, 103), DAY),
    "authorisations": (worse, 13 * DAY),
    "ends of authorisations": (worse, 21 * DAY),
    "look-ups": (repaired, 2 * HOUR),
    "fixes given up": (repaired, 28 * HOUR),
    "deleted accounts": (gone, 31 * DAY),
    "unknown logins": (lambda count: many(count, 103, login=False), 2 * HOUR),
    "unknown codes": (lambda count: many(count, 777_777), 4 * DAY),
    "quiet logins": (quiet, 120 * DAY),
}


@pytest.mark.parametrize("what", MANY)
def test_a_tick_is_linear(what: str) -> None:
    """A tick costs in proportion to the timers that are due, whatever they are: twice as many, twice the work."""
    begin, after = MANY[what]
    costs = []
    for count in (100, 200):
        story = begin(count)
        costs.append(calls(lambda story=story: story.hear(tick(START + after))))  # type: ignore[misc]
    assert costs[1] < 2.3 * costs[0]


def test_all_that_is_due_fires() -> None:
    """Hundreds of logins whose authorisations come near at once are all told, by one tick."""
    story = worse(300)
    decision = story.hear(tick(START + 13 * DAY))
    assert decision.outcome is Outcome.TICK
    assert {command(one).institution_login_id for one in decision.messages} == {f"L{one:04}" for one in range(300)}


@pytest.mark.parametrize("order", ["forget", "delete"])
def test_the_end_of_a_large_customer(order: str) -> None:
    """To forget a customer, or to delete all of its accounts in one event, is linear as well."""
    costs = []
    for count in (100, 200):
        story, at = many(count, 103), START + DAY
        ids = tuple(f"a{number:04}" for number in range(count))
        event = forgotten(at) if order == "forget" else connected("accountsDeleted", at, account_ids=ids)
        costs.append(calls(lambda story=story, event=event: story.hear(event)))  # type: ignore[misc]
    assert costs[1] < 2.3 * costs[0]
