"""A subscription as its service sees it, on the in-memory twin."""

import asyncio
from datetime import timedelta

import pytest

from schemas.catalogue import Kind
from schemas.commands import Action
from streams.subscribe import CommandLostError, MemoryStore, NotAcknowledgedError, Options
from streams.subscribe import commands as commands_on_kafka
from streams.subscribe.testing import START, CommandStory, TicketStory, tickets
from tests.unit.subscribe.bench import HOUR, PLACE, Bench


async def test_first_start_hands_out_what_is_open() -> None:
    """Of all that the topic holds, only commands that still need something come, each once with its latest state."""
    bench = Bench()
    closed, changed, old, fresh = (CommandStory(str(number)) for number in range(4))
    bench.log.put(closed.issue(), changed.issue(), closed.withdraw(), changed.update(103), fresh.issue(), at=START)
    bench.log.put(old.issue(START - 2 * HOUR - timedelta(days=1)), at=START)
    assert bench.count("last_acknowledged_timestamp_seconds") == 0
    async with bench.started() as subscription:
        said = []
        async for delivery in subscription:
            async with delivery:
                said.append((delivery.command.customer_id, delivery.action, delivery.command.reason.code))
    assert said == [("1", Action.ISSUE, 103), ("3", Action.ISSUE, 185)]
    assert bench.expired == [f"{old.command_id}:0"]
    assert bench.count("not_handed_out_total", reason="superseded") == 1
    assert bench.count("not_handed_out_total", reason="expired") == 1
    assert bench.count("acknowledged_total") == 2
    assert bench.count("last_acknowledged_timestamp_seconds") > 0


async def test_then_each_message_as_it_comes() -> None:
    """Once caught up, issue, update, remind and the end of a command come one by one."""
    bench, story = Bench(), CommandStory("1")
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == []
        for message in (story.issue(), story.update(103), story.remind(), story.complete()):
            bench.log.put(message, at=START)
            assert await bench.handled(subscription) == [f"1 {message.action.value}"]


async def test_a_repeated_record_is_skipped() -> None:
    """The same message once more, in this run or after a restart, is not handed out."""
    bench, story = Bench(), CommandStory("1")
    issue = story.issue()
    bench.log.put(issue, at=START)
    assert await bench.run() == ["1 issue"]
    bench.log.put(issue, issue, at=START)
    assert await bench.run() == []
    assert bench.count("not_handed_out_total", reason="repeated") == 2


async def test_a_crash_repeats_and_says_so() -> None:
    """What was in hand when the process died comes again with the same id, marked as repeated."""
    bench, story = Bench(), CommandStory("1")
    bench.log.put(story.issue(), at=START)
    async with bench.started() as subscription:
        first = await anext(subscription)
    async with bench.started() as subscription:
        second = await anext(subscription)
        await second.done()
    assert (first.id, first.repeated) == (second.id, not second.repeated)
    assert await bench.run() == []


async def test_the_end_of_what_a_crash_left_open_still_comes() -> None:
    """Begun before the crash and withdrawn during it: the withdrawal is handed out, as someone may have been told."""
    bench, story = Bench(), CommandStory("1")
    bench.log.put(story.issue(), at=START)
    async with bench.started() as subscription:
        await anext(subscription)
    bench.log.put(story.withdraw(), at=START)
    assert await bench.run() == ["1 withdraw"]


async def test_a_crash_does_not_turn_an_issue_into_a_reminder() -> None:
    """A first contact that failed stays an `issue`."""
    bench, story = Bench(), CommandStory("1")
    bench.log.put(story.issue(), at=START)
    async with bench.started() as subscription:
        delivery = await anext(subscription)
        delivery.hand_back()
        bench.clock.advance(HOUR)
        assert await bench.handled(subscription) == ["1 issue"]


async def test_an_exception_hands_the_command_back() -> None:
    """It goes on its way; the command comes again after a delay, others before it."""
    bench = Bench()
    bench.log.put(CommandStory("1").issue(), at=START)
    async with bench.started() as subscription:
        with pytest.raises(OSError, match="mail server"):
            async with await anext(subscription):
                raise OSError("mail server")
        bench.log.put(CommandStory("2").issue(), at=START)
        assert await bench.handled(subscription) == ["2 issue"]
        bench.clock.advance(timedelta(seconds=1))
        assert await bench.handled(subscription) == ["1 issue"]
    assert bench.count("handed_back_total") == 1


async def test_one_command_at_a_time() -> None:
    """Asking for the next with one in hand is refused in words."""
    bench = Bench()
    bench.log.put(CommandStory("1").issue(), CommandStory("2").issue(), at=START)
    async with bench.started() as subscription:
        delivery = await anext(subscription)
        with pytest.raises(NotAcknowledgedError, match="use `async with delivery`"):
            await anext(subscription)
        await delivery.done()
        await delivery.done()
        second = await anext(subscription)
        second.hand_back()
        with pytest.raises(RuntimeError, match="handed back"):
            await second.done()


async def test_a_partition_lost_in_hand() -> None:
    """When the rebalance will not wait any longer, the acknowledgement fails and nothing of it is kept."""
    bench = Bench(revoke_seconds=0.01)
    bench.log.put(CommandStory("1").issue(), at=START)
    async with bench.started() as subscription:
        delivery = await anext(subscription)
        await subscription._give_up([PLACE])
        with pytest.raises(CommandLostError, match="another reader"):
            await delivery.done()
        delivery.hand_back()
    assert bench.count("lost_total") == 1
    assert await bench.run() == ["1 issue"]


async def test_a_rebalance_waits_for_the_command_in_hand() -> None:
    """Done in time, it is acknowledged before the partition goes."""
    bench = Bench()
    bench.log.put(CommandStory("1").issue(), at=START)
    async with bench.started() as subscription:
        delivery = await anext(subscription)
        leaving = asyncio.create_task(subscription._give_up([PLACE]))
        await asyncio.sleep(0)
        await delivery.done()
        await asyncio.wait_for(leaving, 5)
        assert await bench.handled(subscription) == []
    assert await bench.run() == []


async def test_stop_ends_the_iteration() -> None:
    """A service that is told to end takes no further command."""
    bench = Bench()
    bench.log.put(CommandStory("1").issue(), CommandStory("2").issue(), at=START)
    async with bench.started() as subscription:
        async for delivery in subscription:
            async with delivery:
                subscription.stop()
    assert await bench.run() == ["2 issue"]


async def test_tickets_are_typed_as_such() -> None:
    """A ticket opener gets tickets, however old: opened once, then updated, then closed."""
    bench, story = Bench(), TicketStory()
    said: list[tuple[str, int]] = []
    bench.clock.advance(1000 * HOUR)
    async with tickets(bench.log, bench.store, bench.options, clock=bench.clock) as subscription:
        for message in (story.issue(), story.update(10), story.complete()):
            bench.log.put(message, at=START)
            async for delivery in subscription:
                async with delivery:
                    said.append((delivery.action.value, delivery.command.logins_affected))
    assert said == [("issue", 1), ("update", 10), ("complete", 10)]


def test_tickets_are_no_commands() -> None:
    """One subscription has one type of message."""
    with pytest.raises(ValueError, match="use tickets"):
        commands_on_kafka(MemoryStore(), Options(group="mailer"), [Kind.SUPPORT_TICKET])


async def test_a_log_line_names_no_customer() -> None:
    """A delivery shows its action and its id."""
    bench, story = Bench(), CommandStory("7000000099")
    bench.log.put(story.issue(), at=START)
    async with bench.started() as subscription:
        assert repr(await anext(subscription)) == f"<Delivery issue {story.command_id}:0>"


@pytest.mark.parametrize(
    "wrong",
    [
        {"group": ""},
        {"max_per_hour": 0},
        {"max_waiting": 0},
        {"poll_seconds": 0.0},
        {"kafka": {"isolation_level": "read_uncommitted"}},
    ],
)
def test_options_that_cannot_be_meant(wrong: dict[str, object]) -> None:
    """Limits are positive, and what the guarantees rest on is not to be set."""
    with pytest.raises(ValueError, match=r"must|at least"):
        Options(**({"group": "mailer"} | wrong))  # type: ignore[arg-type]
