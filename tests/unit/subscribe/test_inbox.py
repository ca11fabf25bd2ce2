"""What waits for a reader: one entry a command, oldest first, and how far each partition is dealt with."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.commands import Action, Command
from streams.subscribe.core import NO_MARKS, Inbox, Marks, Message, Partition
from streams.subscribe.core.inbox import Offer
from streams.subscribe.testing import START, CommandStory

ONE, TWO = Partition("remediation.connect-fix", 0), Partition("remediation.connect-fix", 1)


def opened(*partitions: Partition) -> Inbox[Command]:
    """Give an inbox with these partitions open from their beginning."""
    inbox: Inbox[Command] = Inbox()
    for partition in partitions:
        inbox.open(partition, 0)
    return inbox


def message(command: Command, offset: int, partition: Partition = ONE) -> Message[Command]:
    """Place a message; its time is an hour an offset after the start."""
    return Message(command, START + timedelta(hours=offset), partition, offset)


def offered(inbox: Inbox[Command], *, contacts: bool = True) -> Offer[Command]:
    """Take what is offered at the start."""
    offer = inbox.next(START, contacts=contacts)
    assert offer is not None
    return offer


def test_a_repeated_message_is_not_kept() -> None:
    """At or below the sequence that is done or waits, a message changes nothing but how far is read."""
    inbox, story = opened(ONE), CommandStory()
    issue, update = story.issue(), story.update(103)
    assert not inbox.take(message(issue, 0), Marks(begun=0, acknowledged=0))
    assert inbox.take(message(update, 1), NO_MARKS)
    assert not inbox.take(message(update, 2), NO_MARKS)
    assert not inbox.take(message(issue, 3), NO_MARKS)
    assert len(inbox) == 1
    assert inbox.positions() == {ONE: 1}


def test_what_is_not_open_is_not_kept() -> None:
    """Records of a partition that went to another reader are left to it."""
    inbox = opened(ONE, TWO)
    inbox.take(message(CommandStory().issue(), 0), NO_MARKS)
    inbox.forget([ONE])
    assert not inbox.take(message(CommandStory().issue(), 0), NO_MARKS)
    assert ONE not in inbox
    assert inbox.positions() == {TWO: 0}


def test_the_oldest_comes_first() -> None:
    """Across partitions the one with the earliest event time is offered."""
    inbox = opened(ONE, TWO)
    inbox.take(message(CommandStory("1").issue(), 5), NO_MARKS)
    inbox.take(message(CommandStory("2").issue(), 4, TWO), NO_MARKS)
    assert offered(inbox).pending.latest.command.customer_id == "2"


def test_a_partition_is_read_up_to_what_waits() -> None:
    """Acknowledged out of order, a partition counts as read up to the first message that is not dealt with."""
    inbox = opened(ONE)
    told, fresh = CommandStory("1"), CommandStory("2")
    told.issue()
    inbox.take(message(fresh.issue(), 7), NO_MARKS)
    inbox.take(message(told.withdraw(), 8), Marks(begun=0, acknowledged=0))
    withdrawal = offered(inbox, contacts=False)
    assert withdrawal.action is Action.WITHDRAW
    inbox.begun(withdrawal)
    inbox.done(withdrawal)
    assert inbox.positions() == {ONE: 7}
    issue = offered(inbox)
    inbox.begun(issue)
    inbox.done(issue)
    assert inbox.positions() == {ONE: 9}


def test_handed_back_it_comes_again_later_and_later() -> None:
    """One second, two, four, up to five minutes; it says that it is repeated and keeps its id."""
    inbox = opened(ONE)
    inbox.take(message(CommandStory().issue(), 0), NO_MARKS)
    now, delays, ids = START, list[float](), set[str]()
    for _ in range(11):
        offer = inbox.next(now, contacts=True)
        assert offer is not None
        assert offer.repeated is bool(delays)
        ids.add(offer.id)
        inbox.begun(offer)
        delays.append(inbox.hand_back(offer, now))
        assert inbox.next(now, contacts=True) is None
        now += timedelta(seconds=delays[-1])
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert len(ids) == 1


def test_news_of_a_command_is_offered_at_once() -> None:
    """A withdrawal does not wait until its handed-back command would have come again."""
    inbox, story = opened(ONE), CommandStory()
    inbox.take(message(story.issue(), 0), NO_MARKS)
    offer = offered(inbox)
    inbox.begun(offer)
    inbox.hand_back(offer, START)
    inbox.take(message(story.withdraw(), 1), NO_MARKS)
    assert (offered(inbox).action, offered(inbox).repeated) == (Action.WITHDRAW, False)


def test_newer_content_of_what_may_be_done_already_follows() -> None:
    """Begun before a crash, then updated: the `issue` keeps its id and the update comes after it."""
    inbox, story = opened(ONE), CommandStory()
    begun = Marks(begun=0)
    for offset, command in enumerate((story.issue(), story.update(103))):
        inbox.take(message(command, offset), begun)
    first = offered(inbox)
    assert (first.action, first.id, first.repeated) == (Action.ISSUE, f"{story.command_id}:0", True)
    inbox.begun(first)
    inbox.done(first)
    second = offered(inbox)
    assert (second.action, second.id) == (Action.UPDATE, f"{story.command_id}:1")
    inbox.done(second)
    assert len(inbox) == 0


STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["take", "done", "back", "repeat"])), max_size=40)


@given(STEPS)
def test_nothing_is_forgotten(steps: list[tuple[int, str]]) -> None:
    """Whatever comes and is done in whatever order, nothing that is not dealt with counts as read."""
    inbox, log, done = opened(ONE), list[Command](), set[str]()
    stories = [CommandStory(str(number)) for number in range(4)]
    for number, what in steps:
        if what == "take":
            log.append(stories[number].issue() if not stories[number]._next else stories[number].update(103))
            inbox.take(message(log[-1], len(log) - 1), Marks(*[_highest(done, log[-1])] * 2))
        elif what == "repeat" and log:
            inbox.take(
                message(log[number % len(log)], len(log) - 1), Marks(*[_highest(done, log[number % len(log)])] * 2)
            )
        elif (offer := inbox.next(START, contacts=True)) is not None:
            inbox.begun(offer)
            if what == "done":
                inbox.done(offer)
                done |= {f"{offer.command_id}:{sequence}" for sequence in range(offer.through + 1)}
            else:
                inbox.hand_back(offer, START - timedelta(minutes=5))
        for command in log[: inbox.positions()[ONE]]:
            assert f"{command.command_id}:{command.sequence}" in done
    while (offer := inbox.next(START, contacts=True)) is not None:
        inbox.begun(offer)
        inbox.done(offer)
    assert inbox.positions() == {ONE: len(log)}


def _highest(done: set[str], command: Command) -> int:
    return max((int(one.rpartition(":")[2]) for one in done if one.startswith(command.command_id)), default=-1)
