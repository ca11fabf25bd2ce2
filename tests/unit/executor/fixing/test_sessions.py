"""Sessions at the vendor: one however often the button is pressed, and again after a failure."""

import asyncio
import gc
from dataclasses import replace

import pytest
from pydantic import SecretStr

from streams.executor.fixing.limits import Limits, TooManyError, TooOftenError
from streams.executor.fixing.sessions import Click, Sessions
from streams.executor.fixing.standing import OpenCommand
from streams.executor.lookups.answer import Answerer
from streams.vendor import GoneError, StaleLoginError
from tests.unit.executor.double import BANK, COMMAND, CUSTOMER, LINK, LOGIN, FakeLog, FakeVendor, HandClock

OPEN = OpenCommand(0, 0, CUSTOMER, LOGIN, BANK)
RETURN = "https://fix.example.com/fix/token/done"
CLICK = Click(COMMAND, OPEN, RETURN, "es")
VENDOR_WORDS = "not there"


class World:
    """Sessions with a vendor and a clock."""

    def __init__(self, **changed: float) -> None:
        self.clock, self.vendor = HandClock(), FakeVendor()
        settings = replace(LINK, **changed)  # type: ignore[arg-type] # numbers
        self.log = FakeLog()
        answerer = Answerer(self.vendor, self.log, self.clock, 5.0)
        self.sessions = Sessions(self.vendor, answerer, Limits.of(settings), settings, self.clock.monotonic)

    async def url(self, click: Click = CLICK) -> str:
        """Give the vendor's link."""
        return (await self.sessions.session(click)).url.get_secret_value()


def command_with(*account_ids: str) -> OpenCommand:
    """Give the command with accounts."""
    return OpenCommand(0, 0, CUSTOMER, LOGIN, BANK, account_ids)


def another(number: int) -> Click:
    """Give a click on another command."""
    return replace(CLICK, command_id=f"{number:08d}{COMMAND[8:]}")


async def test_what_the_vendor_is_asked_for() -> None:
    """Customer and login of the command, our webhook with the command's id, the way back, and the language."""
    world = World()
    await world.url()
    (request,) = world.vendor.requests
    assert (request.customer_id, request.institution_login_id, request.institution_id) == (CUSTOMER, LOGIN, BANK)
    assert (request.webhook, request.webhook_data) == (LINK.webhook, {"command_id": COMMAND})
    assert (request.redirect_uri, request.language) == (RETURN, "es")


async def test_a_double_click_makes_one() -> None:
    """Two clicks at once, and one a moment later, lead to the same session."""
    world = World()
    world.vendor.hold = asyncio.Event()
    clicks = [asyncio.create_task(world.url()) for _ in range(2)]
    await asyncio.sleep(0)
    world.vendor.hold.set()
    first = await asyncio.gather(*clicks)
    world.clock.move(seconds=29)
    assert {*first, await world.url()} == {first[0]}
    assert len(world.vendor.requests) == 1


async def test_a_later_click_makes_another() -> None:
    """After a while the session may be used up."""
    world = World()
    first = await world.url()
    world.clock.move(seconds=30)
    assert await world.url() != first


async def test_a_failure_is_not_kept() -> None:
    """The next click asks again."""
    world = World()
    world.vendor.failures = [GoneError(VENDOR_WORDS)]
    with pytest.raises(GoneError):
        await world.url()
    assert await world.url()


async def test_a_customer_who_leaves_ends_nothing() -> None:
    """The other one still gets the session."""
    world = World()
    world.vendor.hold = asyncio.Event()
    leaving, staying = (asyncio.create_task(world.url()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    world.vendor.hold.set()
    assert await staying
    assert len(world.vendor.requests) == 1


async def test_a_slow_vendor() -> None:
    """The customer is let go after a while; a later click gets what came meanwhile."""
    world = World(answer_seconds=0.01)
    world.vendor.hold = asyncio.Event()
    with pytest.raises(TimeoutError):
        await world.url()
    world.vendor.hold.set()
    assert await world.url()
    assert len(world.vendor.requests) == 1


async def test_a_session_that_is_made_for_ever() -> None:
    """Whatever it hangs on, accounts that are read included, it ends and makes room: a later click asks anew."""
    world = World(making_seconds=0.01, max_making=1)
    world.vendor.hold = asyncio.Event()

    async def stale(_request: object) -> SecretStr:
        raise StaleLoginError(VENDOR_WORDS, code=38007)

    made, world.vendor.fix_url = world.vendor.fix_url, stale  # type: ignore[assignment, method-assign]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.url(replace(CLICK, command=command_with("5900000001"))), 5)
    world.vendor.fix_url, world.vendor.hold = made, None  # type: ignore[method-assign]
    assert await world.url()


async def test_a_failure_that_nobody_waits_for() -> None:
    """It is no noise: warnings are errors here."""
    world = World(answer_seconds=0.01)
    world.vendor.hold = asyncio.Event()
    world.vendor.failures = [GoneError(VENDOR_WORDS)]
    with pytest.raises(TimeoutError):
        await world.url()
    (making,) = world.sessions._made.values()
    world.vendor.hold.set()
    await asyncio.wait([making.task])
    world.sessions._made.clear()
    del making
    gc.collect()


async def test_one_command_again_and_again() -> None:
    """Past the limit no session is made, and nothing is asked of the vendor."""
    world = World(command_burst=2, reuse_seconds=0)
    await world.url()
    await world.url()
    with pytest.raises(TooOftenError):
        await world.url()
    assert len(world.vendor.requests) == 2


async def test_what_the_vendor_failed_is_not_the_customer_s() -> None:
    """Clicks during an outage leave the link its own sessions, and none beyond them."""
    world = World(command_burst=2, reuse_seconds=0)
    world.vendor.failures = [GoneError(VENDOR_WORDS)] * 5
    for _ in range(5):
        with pytest.raises(GoneError):
            await world.url()
    await world.url()
    await world.url()
    with pytest.raises(TooOftenError):
        await world.url()


async def test_too_many_at_once() -> None:
    """The number of sessions under way has a limit of its own; one that ends makes room."""
    world = World(max_making=2)
    world.vendor.hold = asyncio.Event()
    under_way = [asyncio.create_task(world.url(another(number))) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyError):
        await world.url(another(3))
    world.vendor.hold.set()
    await asyncio.gather(*under_way)
    assert await world.url(another(3))


async def test_what_is_past_is_forgotten() -> None:
    """Neither sessions nor failures pile up."""
    world = World()
    world.vendor.failures = [GoneError(VENDOR_WORDS)]
    with pytest.raises(GoneError):
        await world.url(another(1))
    await world.url(another(2))
    world.clock.move(seconds=31)
    await world.url(another(3))
    assert list(world.sessions._made) == [another(3).command_id]


async def test_the_end() -> None:
    """What is being made ends with the process."""
    world = World()
    await world.sessions.stop()
    world.vendor.hold = asyncio.Event()
    waiting = asyncio.create_task(world.url())
    await asyncio.sleep(0)
    await world.sessions.stop()
    await asyncio.wait([waiting])
    assert waiting.cancelled()


def test_secrets_are_in_no_repr() -> None:
    """Neither the webhook's token nor the way back of a customer shows."""
    assert "secret-token" not in repr(LINK)
    assert RETURN not in repr(CLICK)
