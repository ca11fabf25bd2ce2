"""The answer to a look-up: which accounts are read, and what is written of them."""

import pytest

from schemas.cloudevents import from_record
from schemas.commands import Lookup, LookupAction
from schemas.events import AccountSnapshot, EventType, Source
from streams.executor.lookups.answer import Answerer
from streams.fold.intake import EVENT_SOURCES
from streams.kafka.log import LogUnavailable
from streams.vendor import GoneError, StaleLoginError, TryAgainError
from tests.unit.executor.double import CUSTOMER, LOGIN, FakeLog, FakeVendor, HandClock, snapshot

A, B = "5900000001", "5900000002"
GONE = GoneError("gone", code=14001)


class World:
    """An answerer with a vendor, a log and a clock."""

    def __init__(self) -> None:
        self.vendor, self.log, self.clock = FakeVendor(), FakeLog(), HandClock()
        self.counted: list[int] = []
        self.answerer = Answerer(self.vendor, self.log, self.clock, 5.0, self.counted.append)

    async def ask(self, action: LookupAction, *accounts: str, login: str | None = LOGIN) -> int:
        """Ask for accounts; give how many were seen."""
        lookup = Lookup(action=action, customer_id=CUSTOMER, institution_login_id=login, account_ids=accounts)
        seen = len(await self.answerer.answer(lookup))
        assert sum(self.counted) == seen
        return seen

    def seen(self) -> list[AccountSnapshot]:
        """Give what was written, as the agent reads it."""
        events = [
            from_record(one.headers, one.key, one.value, one.timestamp_ms or 0)
            for one in self.log.records
            if one.topic == "aggregation.events"
        ]
        assert {(one.type, one.source, one.partition_key) for one in events} <= {
            (EventType.ACCOUNT_OBSERVED, Source.EXECUTOR, CUSTOMER)
        }
        assert all(one.time == self.clock.at for one in events)
        return [one.data for one in events if isinstance(one.data, AccountSnapshot)]


@pytest.fixture
def world() -> World:
    return World()


def test_the_agent_takes_it_from_us() -> None:
    """Observations are what the executor may send, and deletions are not: those only the vendor tells of."""
    assert Source.EXECUTOR in EVENT_SOURCES[EventType.ACCOUNT_OBSERVED]
    assert Source.EXECUTOR not in EVENT_SOURCES[EventType.ACCOUNT_DELETED]


async def test_locate_reads_the_slim_form(world: World) -> None:
    """Each account once, with the least that is personal; its login comes back."""
    world.vendor.accounts = {A: snapshot(A), B: snapshot(B)}
    assert await world.ask(LookupAction.LOCATE, A, B, login=None) == 2
    assert world.seen() == [snapshot(A), snapshot(B)]
    assert world.vendor.asked == [("simple", CUSTOMER, A), ("simple", CUSTOMER, B)]


async def test_locate_reads_the_whole_where_the_slim_form_has_no_login(world: World) -> None:
    """That one account only."""
    world.vendor.accounts = {A: snapshot(A, login=None), B: snapshot(B), f"whole {A}": snapshot(A)}
    assert await world.ask(LookupAction.LOCATE, A, B, login=None) == 2
    assert sorted(one.account_id for one in world.seen()) == [A, B]
    assert {one.institution_login_id for one in world.seen()} == {LOGIN}
    assert world.vendor.asked[-1] == ("account", CUSTOMER, A)


async def test_verify_reads_the_login(world: World) -> None:
    """All accounts of it, those that were not asked about as well."""
    world.vendor.logins = {LOGIN: [snapshot(A), snapshot(B)]}
    assert await world.ask(LookupAction.VERIFY, A) == 2
    assert world.seen() == [snapshot(A), snapshot(B)]


async def test_verify_reads_what_the_login_lacks(world: World) -> None:
    """An account asked about that moved to another login is read for its present one; nothing is read twice."""
    world.vendor.logins = {LOGIN: [snapshot(B)]}
    world.vendor.accounts = {A: snapshot(A, login="7100000099")}
    assert await world.ask(LookupAction.VERIFY, A, B) == 2
    assert {one.account_id: one.institution_login_id for one in world.seen()} == {A: "7100000099", B: LOGIN}
    assert world.vendor.asked == [("login", CUSTOMER, LOGIN), ("simple", CUSTOMER, A)]


@pytest.mark.parametrize("error", [StaleLoginError("stale", code=38007), GONE])
async def test_verify_of_a_login_that_is_no_more(world: World, error: Exception) -> None:
    """The accounts asked about are read once for their present login (domain 3.4)."""
    world.vendor.logins = {LOGIN: error}
    world.vendor.accounts = {A: snapshot(A, login="7100000099")}
    assert await world.ask(LookupAction.VERIFY, A) == 1
    assert [one.institution_login_id for one in world.seen()] == ["7100000099"]
    assert world.vendor.asked == [("login", CUSTOMER, LOGIN), ("simple", CUSTOMER, A)]


@pytest.mark.parametrize("action", LookupAction)
async def test_accounts_that_are_gone(world: World, action: LookupAction) -> None:
    """Nothing is said of them; the others are answered."""
    world.vendor.logins = {LOGIN: GONE}
    world.vendor.accounts = {A: GONE, B: snapshot(B)}
    assert await world.ask(action, A, B) == 1
    assert world.seen() == [snapshot(B)]


async def test_nothing_is_left(world: World) -> None:
    """Nothing is written where all is gone."""
    world.vendor.accounts = {A: GONE}
    assert await world.ask(LookupAction.LOCATE, A) == 0
    assert world.log.records == []


async def test_an_account_of_someone_else(world: World) -> None:
    """What the vendor gives for another customer is not passed on under either name."""
    world.vendor.logins = {LOGIN: [snapshot(A), snapshot(B, customer="7000000043")]}
    assert await world.ask(LookupAction.VERIFY, A) == 1
    assert world.seen() == [snapshot(A)]


async def test_no_answer_without_the_log(world: World) -> None:
    """It stands when it is written, and not before."""
    world.vendor.logins = {LOGIN: [snapshot(A)]}
    world.log.failures = [LogUnavailable("away")]
    with pytest.raises(LogUnavailable):
        await world.ask(LookupAction.VERIFY, A)


async def test_no_half_answer(world: World) -> None:
    """One that cannot be read now leaves the whole look-up for later."""
    world.vendor.accounts = {A: snapshot(A), B: TryAgainError("busy", after_seconds=1)}
    with pytest.raises(TryAgainError):
        await world.ask(LookupAction.LOCATE, A, B)
    assert world.log.records == []
