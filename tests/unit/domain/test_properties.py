"""What holds for any log of a customer (R1, R3 to R8, R12 to R18)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS, Action, Command
from schemas.events import Event, EventType, OverrideAction
from schemas.state import encode
from streams.domain import Decision, Outcome
from streams.domain.rules import FIX_KINDS
from tests.unit.domain.build import (
    BANK,
    CUSTOMER,
    DAY,
    HOUR,
    MINUTE,
    MS,
    SHIPPED,
    START,
    Story,
    challenged,
    command,
    connected,
    deleted,
    forgotten,
    incident,
    looked,
    overridden,
    silenced,
    tick,
)

CODES = (0, 0, 0, 185, 185, 102, 103, 169, 187, 900, 945, 948, 949, 931, 777_777)
ACCOUNTS, LOGINS = ("a1", "a2", "a3"), ("L1", "L2", None)
OVER = (Action.COMPLETE, Action.WITHDRAW)
CONTACTS = (Action.ISSUE, Action.REMIND)
LAST = START + 400 * DAY

hours = st.integers(0, 24 * 40).map(lambda count: START + count * HOUR)
accounts, logins = st.sampled_from(ACCOUNTS), st.sampled_from(LOGINS)
snapshots = st.builds(
    looked,
    st.sampled_from((*CODES, None)),
    hours,
    st.none() | hours,
    accounts,
    logins,
    kind=st.sampled_from((EventType.ACCOUNT_MODIFIED, EventType.ACCOUNT_OBSERVED)),
    baseline=st.booleans(),
    authorization_end_date=st.none() | hours,
    authorization_expires=st.sampled_from((None, True, False)),
)
deletions = st.builds(deleted, hours, accounts, logins)
fixes = st.builds(
    connected,
    st.sampled_from(("done", "started", "added")),
    hours,
    made=st.none() | hours,
    institution_login_ids=st.sampled_from(((), ("L1",), ("L2",))),
    institution_id=st.sampled_from((None, BANK)),
)
ticks = st.builds(tick, hours)
overrides = st.builds(
    overridden,
    st.sampled_from((OverrideAction.CLOSE_CASE, OverrideAction.MARK_OTP, OverrideAction.UNMARK_OTP)),
    hours,
    account_id=accounts,
) | st.builds(overridden, st.just(OverrideAction.RELEASE_BASELINE), hours)
own_silences = st.builds(silenced, hours, st.none() | hours, account_id=st.none() | accounts)
around = st.builds(silenced, hours, st.none() | hours, customer=st.none(), all=st.just(value=True)) | st.builds(
    incident, hours, st.sampled_from((185, 102)), st.integers(1, 5), is_open=st.booleans()
)
of_the_customer = snapshots | snapshots | snapshots | snapshots | fixes | deletions | overrides | own_silences
of_all = of_the_customer | st.builds(challenged, hours, accounts) | around | ticks
logs = st.lists(of_all, min_size=1, max_size=25)


def is_own(event: Event) -> bool:
    """Whether a record is the customer's, neither a tick nor about the partition."""
    return getattr(event.data, "customer_id", None) == CUSTOMER


def take(story: Story, event: Event) -> Decision | None:
    """Fold an event; one about the partition, which has no customer, surrounds it."""
    if not is_own(event) and event.type != EventType.CLOCK_TICK:
        story.surround(event)
        return None
    return story.hear(event)


def pass_time(story: Story, event: Event) -> None:
    """Let the timers fire that are due up to an event, each by a tick of its own."""
    if story.customer is not None and event.time > story.known.state.event_time:
        story.wait(event.time)


def commands_of(decision: Decision) -> list[Command]:
    """Give the commands of a decision, its look-ups apart."""
    return [message.data for message in decision.messages if isinstance(message.data, Command)]


def open_commands(commands: Sequence[Command]) -> list[tuple[str, str]]:
    """Give login and kind of the commands whose last message leaves them open, checking every sequence."""
    by_id: dict[str, list[Command]] = defaultdict(list)
    for one in commands:
        by_id[one.command_id].append(one)
    for messages in by_id.values():
        assert [one.sequence for one in messages] == list(range(len(messages)))
        assert messages[0].action is Action.ISSUE
        assert not any(one.action in (*OVER, Action.ISSUE) for one in messages[1:-1])
    last = [messages[-1] for messages in by_id.values()]
    return [(one.institution_login_id, one.kind.value) for one in last if one.action not in OVER]


@given(logs)
def test_one_open_command(log: list[Event]) -> None:
    """At every point a case has at most one open command of a kind, which is what the state says is open."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
        found = open_commands(story.commands)
        assert len(found) == len(set(found))
        logins = {} if story.customer is None else story.customer.logins
        issued = [
            (key, kind) for key, login in logins.items() for kind, one in login.episodes.items() if one.sequence >= 0
        ]
        assert sorted(found) == sorted(issued)


OVERTAKEN = [
    looked(0, START),
    silenced(START, None, customer=None, all=True),
    looked(185, START + MINUTE, START + MINUTE),
    silenced(START + HOUR, START, customer=None, all=True),
    looked(0, START + 2 * MINUTE, START + 2 * MINUTE),
]
"""A silence for all ends, and what came in before its end is read after it."""


@given(logs)
@example(OVERTAKEN)
def test_contacts_are_a_day_apart(log: list[Event]) -> None:
    """A case contacts its customer at most once in 24 hours, and its messages go in the order of time."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
    story.wait(LAST)
    times = [message.time for message in story.told]
    assert times == sorted(times)
    contacts = defaultdict(list)
    for message in story.told:
        if isinstance(message.data, Command) and message.data.kind in CONTACT_KINDS:
            one = command(message)
            assert (one.not_after is not None) is (one.action in CONTACTS)
            if one.action in CONTACTS:
                contacts[one.institution_login_id].append(message.time)
                assert one.not_after == message.time + DAY
    for some in contacts.values():
        assert all(later - earlier >= DAY for earlier, later in pairwise(some))


@given(logs)
def test_no_contact_about_healthy_logins(log: list[Event]) -> None:
    """Nobody is asked to mend a login whose accounts all stand at 0, or one without accounts."""
    story = Story(SHIPPED)
    for event in [*log, tick(LAST)]:
        pass_time(story, event)
        decision = take(story, event)
        for one in [] if decision is None else commands_of(decision):
            if one.action in CONTACTS and one.kind in FIX_KINDS:
                failing = [key for key, it in story.known.live_at(one.institution_login_id) if it.standing]
                assert failing


@given(logs)
def test_all_healthy(log: list[Event]) -> None:
    """Once every account was seen at 0, every command that was issued is closed, renewals and escalations apart."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
    at = START + 50 * DAY
    story.hear(*(looked(0, at, at, account, "L1") for account in ACCOUNTS))
    others = (Kind.OTP_ESCALATION.value, Kind.CONSENT_RENEWAL.value)
    assert [one for one in open_commands(story.commands) if one[1] not in others] == []
    story.wait(LAST + DAY)
    assert open_commands(story.commands) == [] or story.known.logins["L1"].otp is not None


@given(logs)
def test_forgotten(log: list[Event]) -> None:
    """Once a customer is forgotten no command of theirs is open, and nothing of them is kept."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
    assert story.hear(forgotten(START + 41 * DAY)).customer is None
    assert open_commands(story.commands) == []


@given(logs)
def test_escalations_are_one(log: list[Event]) -> None:
    """A login that is marked OTP has no command whose reason is a challenge of 185."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
        for login in {} if story.customer is None else story.customer.logins.values():
            fix = login.episodes.get(Kind.CONNECT_FIX)
            assert login.otp is None or fix is None or fix.reason_code != 185


@given(logs, st.data())
def test_redelivery(log: list[Event], data: st.DataObject) -> None:
    """Any record delivered once more, at once or at the end, changes nothing."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
    known = [event for event in log if event.time >= START + 36 * DAY and is_own(event)]
    if not known or story.customer is None:
        return
    before = story.known
    again = story.hear(data.draw(st.sampled_from(known)))
    assert again.outcome is Outcome.DUPLICATE_EVENT
    assert (again.changed, again.messages, again.signals, again.counted) == (False, (), (), ())
    assert (story.known.accounts, story.known.logins) == (before.accounts, before.logins)


@given(logs, accounts, st.sampled_from(CODES), st.sampled_from((MS, MINUTE, DAY)), logins)
def test_stale(log: list[Event], account: str, code: int, older: timedelta, login: str | None) -> None:
    """A record whose attempt is older than the account's last changes nothing but clocks, whatever it says."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
    known = None if story.customer is None else story.customer.accounts.get(account)
    if known is None or known.attempted_at is None or known.deleted_at is not None:
        return
    before, end = story.known, START + 100 * DAY
    at = before.state.event_time
    late = looked(code, at, known.attempted_at - older, account, login, authorization_end_date=end)
    decision = story.hear(late)
    assert (decision.outcome, decision.changed, decision.messages) == (Outcome.STALE, False, ())
    assert (story.known.accounts, story.known.logins) == (before.accounts, before.logins)


@given(logs)
@settings(max_examples=50)
def test_same_log_same_bytes(log: list[Event]) -> None:
    """The same log gives the same messages and the same state, byte for byte."""

    def bytes_of(story: Story) -> list[bytes]:
        customer = story.customer
        records = [] if customer is None else [customer.state, *customer.accounts.values(), *customer.logins.values()]
        return [message.data.model_dump_json().encode() for message in story.told] + [*map(encode, records)]

    first, second = Story(SHIPPED), Story(SHIPPED)
    for event in log:
        take(first, event)
        take(second, event)
    assert bytes_of(first) == bytes_of(second)


@given(logs)
@settings(max_examples=50)
def test_header_is_true(log: list[Event]) -> None:
    """The customer's header lists exactly its accounts and its cases."""
    story = Story(SHIPPED)
    for event in log:
        take(story, event)
        if story.customer is not None:
            assert story.customer.state.account_ids == tuple(story.customer.accounts)
            assert story.customer.state.login_ids == tuple(story.customer.logins)


@given(logs, st.sets(st.integers(0, 24 * 40)))
def test_ticks_in_between(log: list[Event], ticked: set[int]) -> None:
    """Ticks decide nothing by themselves: with more of them the same messages go out, with the same times."""
    own = sorted((event for event in log if is_own(event)), key=lambda event: event.time)
    quiet, ticking = Story(SHIPPED), Story(SHIPPED)
    for event in own:
        quiet.hear(event)
    between = [tick(START + n * HOUR + MINUTE) for n in ticked]
    for event in sorted([*own, *between], key=lambda event: event.time):
        if event.type != EventType.CLOCK_TICK or ticking.customer is not None:
            ticking.hear(event)
    for story in (quiet, ticking):
        if story.customer is not None:
            story.wait(LAST)
    assert [(message.id, message.time) for message in ticking.told] == [(one.id, one.time) for one in quiet.told]
