"""What holds for any log of a customer (R1, R3, R4, R5, R12)."""

from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.commands import Action, Command
from schemas.events import Event
from schemas.state import encode
from streams.domain import Decision, Outcome
from tests.unit.domain.build import DAY, HOUR, START, Story, connected, deleted, looked, nightly, tick

CODES = (0, 0, 102, 103, 169, 185, 187, 900, 945, 948, 949, 931, 777_777)
ACCOUNTS, LOGINS = ("a1", "a2", "a3"), ("L1", "L2", None)
OVER = (Action.COMPLETE, Action.WITHDRAW)

hours = st.integers(0, 24 * 40).map(lambda count: START + count * HOUR)
snapshots = st.builds(
    looked,
    st.sampled_from((*CODES, None)),
    hours,
    st.none() | hours,
    st.sampled_from(ACCOUNTS),
    st.sampled_from(LOGINS),
)
deletions = st.builds(deleted, hours, st.sampled_from(ACCOUNTS), st.sampled_from(LOGINS))
fixes = st.builds(
    connected,
    st.sampled_from(("done", "started")),
    hours,
    institution_login_ids=st.sampled_from(((), ("L1",), ("L2",))),
)
ticks = st.builds(tick, hours)
logs = st.lists(snapshots | snapshots | snapshots | deletions | fixes | ticks, min_size=1, max_size=25)


def open_commands(commands: Sequence[Command]) -> list[tuple[str, str]]:
    """Give login and kind of the commands whose last message leaves them open, checking every sequence."""
    by_id: dict[str, list[Command]] = defaultdict(list)
    for one in commands:
        by_id[one.command_id].append(one)
    for messages in by_id.values():
        assert [one.sequence for one in messages] == list(range(len(messages)))
        assert messages[0].action is Action.ISSUE
        assert not any(one.action in OVER for one in messages[:-1])
    last = [messages[-1] for messages in by_id.values()]
    return [(one.institution_login_id, one.kind.value) for one in last if one.action not in OVER]


@given(logs)
def test_one_open_command(log: list[Event]) -> None:
    """At every point a case has at most one open command of a kind, which is what the state says is open."""
    story = Story()
    for event in log:
        story.hear(event)
        found = open_commands(story.commands)
        assert len(found) == len(set(found))
        logins = {} if story.customer is None else story.customer.logins
        assert sorted(found) == sorted((key, kind) for key, login in logins.items() for kind in login.episodes)


@given(logs)
def test_all_healthy(log: list[Event]) -> None:
    """Once every account was seen at 0, every command that was issued is closed."""
    story = Story()
    story.hear(*log)
    story.hear(*(nightly(0, 50, account, "L1") for account in ACCOUNTS))
    assert open_commands(story.commands) == []


@given(logs, st.data())
def test_redelivery(log: list[Event], data: st.DataObject) -> None:
    """Any record delivered once more, at once or at the end, changes nothing."""
    story = Story()
    story.hear(*log)
    known = [event for event in log if "tick" not in event.type and event.time >= START + 36 * DAY]
    if not known or story.customer is None:
        return
    before = story.known
    again = story.hear(data.draw(st.sampled_from(known)))
    assert again.outcome is Outcome.DUPLICATE_EVENT
    assert not again.changed
    assert (story.known.accounts, story.known.logins) == (before.accounts, before.logins)


@given(logs)
@settings(max_examples=50)
def test_same_log_same_bytes(log: list[Event]) -> None:
    """The same log gives the same messages and the same state, byte for byte."""

    def bytes_of(decision: Decision) -> list[bytes]:
        customer = decision.customer
        records = [] if customer is None else [customer.state, *customer.accounts.values(), *customer.logins.values()]
        return [message.data.model_dump_json().encode() for message in decision.messages] + [*map(encode, records)]

    first, second = Story(), Story()
    for event in log:
        assert bytes_of(first.hear(event)) == bytes_of(second.hear(event))


@given(logs)
@settings(max_examples=50)
def test_header_is_true(log: list[Event]) -> None:
    """The customer's header lists exactly its accounts and its cases."""
    story = Story()
    for event in log:
        story.hear(event)
        if story.customer is not None:
            assert story.customer.state.account_ids == tuple(story.customer.accounts)
            assert story.customer.state.login_ids == tuple(story.customer.logins)
