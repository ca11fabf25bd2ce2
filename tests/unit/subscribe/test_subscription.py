"""A subscription as its service sees it, on the in-memory twin."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from schemas.catalogue import Kind
from schemas.commands import Action, Command, Ticket
from streams.subscribe import (
    CommandLostError,
    MemoryStore,
    Message,
    Meters,
    NotAcknowledgedError,
    Options,
    StoreRefusedError,
    StoreUnavailableError,
    Subscription,
    UnreadableCommandError,
)
from streams.subscribe import commands as commands_on_kafka
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.stores import shelf
from streams.subscribe.testing import START, CommandStory, MemoryLog, SettableClock, TicketStory, commands, tickets

PLACE = Partition("remediation.connect-fix", 0)
HOUR = timedelta(hours=1)


class Bench:
    """A log, a store and a clock that outlive the subscriptions on them."""

    def __init__(self, **options: object) -> None:
        self.log = MemoryLog()
        self.store = MemoryStore()
        self.clock = SettableClock()
        self.meters = Meters()
        self.expired: list[str] = []
        self.options = Options(group="mailer", on_expired=self.note, **options)  # type: ignore[arg-type]

    def note(self, message: Message[Command] | Message[Ticket]) -> None:
        """Keep what expired."""
        self.expired.append(message.id)

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Subscription[Command]]:
        """Start a subscription, as a new process would."""
        async with commands(
            self.log, self.store, self.options, [Kind.CONNECT_FIX], clock=self.clock, meters=self.meters
        ) as subscription:
            yield subscription

    async def handled(self, subscription: Subscription[Command]) -> list[str]:
        """Acknowledge all there is, and give it as customer and action."""
        said = []
        async for delivery in subscription:
            async with delivery:
                said.append(f"{delivery.command.customer_id} {delivery.action.value}")
        return said

    async def run(self) -> list[str]:
        """Do the same in a process of its own."""
        async with self.started() as subscription:
            return await self.handled(subscription)

    def count(self, name: str, **labels: str) -> float:
        """Read a metric."""
        value = self.meters.registry.get_sample_value(f"txpush_subscribe_{name}", labels)
        assert value is not None
        return value


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


async def test_an_expired_command_still_ends() -> None:
    """Too late for contact it is counted and told of; its later end is handed out."""
    bench, story = Bench(), CommandStory("1")
    bench.log.put(story.issue(), at=START)
    bench.clock.advance(25 * HOUR)
    assert await bench.run() == []
    assert bench.expired == [f"{story.command_id}:0"]
    bench.log.put(story.complete(), at=START)
    assert await bench.run() == ["1 complete"]
    assert bench.count("not_handed_out_total", reason="expired") == 1


async def test_contacts_pause_above_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    """Above `max_per_hour` contacts wait and withdrawals do not; they go on as the hour slides, over a restart too."""
    caplog.set_level(logging.INFO, "streams.subscribe")
    bench = Bench(max_per_hour=2)
    told = CommandStory("9")
    bench.log.put(told.issue(), *(CommandStory(str(number)).issue() for number in range(3)), at=START)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == ["9 issue", "0 issue"]
        bench.log.put(told.withdraw(), at=START)
        assert await bench.handled(subscription) == ["9 withdraw"]
        assert (bench.count("contacts_paused"), bench.count("commands_waiting")) == (1, 2)
    bench.clock.advance(HOUR / 2)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == []
        bench.clock.advance(HOUR / 2)
        assert await bench.handled(subscription) == ["1 issue", "2 issue"]
    assert bench.count("contacts_paused") == 0
    assert bench.count("contact_pauses_total") == 2
    assert "max_per_hour is reached: 2 contacts wait until 2026-11-01 04:00:00" in caplog.text
    assert "contacts go on" in caplog.text


async def test_a_contact_that_waits_can_be_withdrawn_or_expire() -> None:
    """Waiting for its turn, a command that ends is dropped, and one whose time passes is told of."""
    bench = Bench(max_per_hour=1)
    first, ended, late = CommandStory("1"), CommandStory("2"), CommandStory("3")
    bench.log.put(first.issue(), ended.issue(), late.issue(), at=START)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == ["1 issue"]
        bench.log.put(ended.withdraw(), at=START)
        assert await bench.handled(subscription) == []
        bench.clock.advance(25 * HOUR)
        assert await bench.handled(subscription) == []
    assert bench.expired == [f"{late.command_id}:0"]


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


async def test_an_unreadable_record_ends_or_is_passed_by() -> None:
    """Without `on_unreadable` it stops the service in words; with it, it is told of and the next command comes."""
    bench = Bench()
    bench.log.put_raw(PLACE.topic, b'{"command_id": "x"}', START)
    bench.log.put(CommandStory("1").issue(), at=START)
    async with bench.started() as subscription:
        for _ in range(2):
            with pytest.raises(UnreadableCommandError, match=r"connect-fix \[0\] offset 0 .*sequence"):
                await anext(subscription)
    told: list[int] = []
    bench.options = Options(group="mailer", on_unreadable=lambda record, _: told.append(record.offset))
    assert await bench.run() == ["1 issue"]
    assert told == [0]


@pytest.mark.parametrize("timestamp_ms", [2**62, -(2**62)])
async def test_a_time_that_no_calendar_has_is_unreadable(timestamp_ms: int) -> None:
    """A record with such a timestamp is passed by as others that cannot be read."""
    bench, told = Bench(), list[str]()
    value = CommandStory("1").issue().model_dump_json().encode()
    bench.log.records[PLACE].append(RawRecord(PLACE, 0, value, timestamp_ms))
    bench.log.put(CommandStory("2").issue(), at=START)
    bench.options = Options(group="mailer", on_unreadable=lambda _, error: told.append(str(error)))
    assert await bench.run() == ["2 issue"]
    (words,) = told
    assert words.startswith("remediation.connect-fix [0] offset 0 is no command")
    assert words.endswith(f"timestamp {timestamp_ms}: no time")


async def test_fields_of_a_later_version_are_ignored() -> None:
    """A newer agent may say more; the words that this version knows are read."""
    bench = Bench()
    value = CommandStory("1").issue().model_dump_json().replace('"text":', '"severity":3,"text":', 1)
    bench.log.put_raw(PLACE.topic, value.encode(), START)
    assert await bench.run() == ["1 issue"]


async def test_a_store_of_another_group_is_refused() -> None:
    """Two services cannot share what they have done."""
    bench = Bench()
    bench.store.claim("group tickets")
    with pytest.raises(StoreRefusedError, match="belongs to 'group tickets', not to 'group mailer'"):
        await bench.run()


@pytest.mark.parametrize(("committed", "known", "words"), [(5, None, "nowhere"), (5, 4, "this store to 4")])
async def test_a_store_that_missed_something_is_refused(committed: int, known: int | None, words: str) -> None:
    """A lost disk, or a second reader with a store of its own, would contact customers again: it is said instead."""
    bench = Bench()
    bench.log.put(*(CommandStory(str(number)).issue() for number in range(6)), at=START)
    bench.log.committed[PLACE] = committed
    if known is not None:
        bench.store.raise_to({"read/remediation.connect-fix/0": known})
    with pytest.raises(StoreRefusedError, match=words):
        await bench.run()


async def test_a_topic_made_anew_is_refused() -> None:
    """A store that has read further than the topic goes belongs to another topic."""
    bench = Bench()
    bench.store.raise_to({"read/remediation.connect-fix/0": 3})
    with pytest.raises(StoreRefusedError, match="made anew"):
        await bench.run()


class Failing(MemoryStore):
    """A store that fails so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Fail, or keep."""
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("database")
        super().raise_to(numbers)


async def test_a_store_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice it is tried again; then the iteration ends in words, and a later one hands out what it could not."""
    monkeypatch.setattr(shelf, "BACKOFF_SECONDS", (0.0, 0.0))
    bench = Bench()
    bench.store = Failing(2)
    bench.log.put(CommandStory("1").issue(), at=START)
    assert await bench.run() == ["1 issue"]
    bench.log.put(CommandStory("2").issue(), at=START)
    bench.store.failures = 3
    async with bench.started() as subscription:
        with pytest.raises(StoreUnavailableError, match=r"failed 3 times: ConnectionError\('database'\)"):
            await anext(subscription)
        delivery = await anext(subscription)
        bench.store.failures = 3
        with pytest.raises(StoreUnavailableError):
            await delivery.done()
        assert await bench.handled(subscription) == ["2 issue"]


class Slow:
    """An awaited store over a plain one, that hangs when told to."""

    def __init__(self) -> None:
        self.kept = MemoryStore()
        self.hangs = False

    async def claim(self, owner: str) -> str:
        """As the plain one."""
        return self.kept.claim(owner)

    async def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As the plain one, or never."""
        if self.hangs:
            await asyncio.Event().wait()
        return self.kept.read(names)

    async def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As the plain one."""
        self.kept.raise_to(numbers)


async def test_a_store_may_be_awaited_and_may_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """An async store works alike; one that hangs is given up after `step_seconds` a call."""
    monkeypatch.setattr(shelf, "BACKOFF_SECONDS", (0.0,))
    bench, store = Bench(step_seconds=0.01), Slow()
    bench.log.put(CommandStory("1").issue(), CommandStory("2").issue(), at=START)
    async with commands(bench.log, store, bench.options, clock=bench.clock) as subscription:
        await (await anext(subscription)).done()
        bench.log.put(CommandStory("3").issue(), at=START)
        store.hangs = True
        with pytest.raises(StoreUnavailableError, match="TimeoutError"):
            await anext(subscription)
        store.hangs = False
        assert await bench.handled(subscription) == ["2 issue", "3 issue"]


async def test_a_full_inbox_reads_no_further() -> None:
    """With `max_waiting` commands waiting nothing more is read until some have gone."""
    bench = Bench(max_waiting=2, max_per_hour=1)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == []
        bench.log.put(*(CommandStory(str(number)).issue() for number in range(3)), at=START)
        assert await bench.handled(subscription) == ["0 issue"]
        bench.log.put(CommandStory("3").issue(), at=START)
        assert await bench.handled(subscription) == []
        assert bench.count("commands_waiting") == 2
        bench.clock.advance(HOUR)
        assert await bench.handled(subscription) == ["1 issue"]
        assert bench.count("commands_waiting") == 2


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
