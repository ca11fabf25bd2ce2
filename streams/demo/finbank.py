"""The second part: a FinBank customer, whose bank asks a question, and asks again, night after night."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from streams.demo.expected import FINBANK_ACCOUNTS, FINBANK_CUSTOMER
from streams.demo.reading.seen import Heard, Message
from streams.demo.scene import LOOK_SECONDS, Scene
from streams.demo.stage.pace import HOURS
from streams.demo.stage.person import FINBANK, connect, repair
from streams.demo.stage.processes import DemoError
from streams.demo.story import PEOPLE

KNOWN_DAYS = 2.0
"""How long FinBank knows a device here: it asks again in the third night. The sandbox's own are 60."""
NIGHT_HOUR = 8
BEFORE_NIGHT = timedelta(seconds=20)
LOOKED_UP_AFTER = timedelta(minutes=20)
"""R6 has the login looked up 15 minutes after a repair of which nothing is heard."""
CODE_SECONDS = 15.0
CHALLENGED = 185


class FinBankCustomer:
    """Plays the second part."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def play(self) -> None:
        """Connect, be challenged, repair, and again, until the bank is found to ask at every connection."""
        scene = self._scene
        await scene.partner.set_device_days(FINBANK, KNOWN_DAYS)
        await self._connects()
        await self._is_refreshed()
        await self._repairs(await self._asked(0))
        await self._completed(0)
        await self._nights(3, "185 came back")
        await self._repairs(await self._asked(1), is_lost=True)
        await self._completed(1)
        await self._nights(3, "185 a second time")
        await self._repairs(await self._asked(2))

    async def _connects(self) -> None:
        """Connect every account on the vendor's page, and subscribe to them."""
        scene, since = self._scene, len(self._scene.seen.heard)
        customer = await scene.partner.enrol("customer-of-finbank")
        await connect(scene.client, await scene.partner.connect_link(customer, scene.cast.connect))
        accounts = await scene.partner.accounts(customer)
        if (customer, tuple(one["id"] for one in accounts)) != (FINBANK_CUSTOMER, FINBANK_ACCOUNTS):
            raise DemoError(f"The sandbox gave customer {customer} other ids than the story is written for.")
        secrets = [secret for one in accounts for secret in (one["number"], str(one["balance"]))]
        scene.seen.secrets += tuple(secret.encode() for secret in secrets)
        await scene.hear("FinBank is connected on the vendor's page", since, _of_connect, _ends_with_done)
        known = sum(len(person.accounts) for person in PEOPLE) + len(accounts)
        await scene.subscribe([(customer, account) for account in FINBANK_ACCOUNTS], known)
        scene.board.tell("txpush subscribe: its 3 accounts", "subscribed; their signing keys are kept, sealed")

    async def _is_refreshed(self) -> None:
        since = len(self._scene.seen.heard)
        await self._scene.partner.refresh(FINBANK_CUSTOMER)
        await self._scene.hear("refreshed: FinBank asks", since, *_at(CHALLENGED))

    async def _asked(self, number: int) -> Message:
        """Give the first message of the customer's command of that number."""
        seen = self._scene.seen
        await self._scene.until(
            lambda: bool(seen.command(FINBANK_CUSTOMER, number)), "a command for FinBank's customer"
        )
        return seen.command(FINBANK_CUSTOMER, number)[0]

    async def _repairs(self, command: Message, *, is_lost: bool = False) -> None:
        """Open the command's link, answer at the bank, and hear of the repair: by notification, or by a look-up."""
        scene, since = self._scene, len(self._scene.seen.heard)
        if command.fix_url is None:
            raise DemoError("The command has no link.")
        if is_lost:
            await scene.partner.set_fault("lost", times=len(FINBANK_ACCOUNTS))
        await repair(scene.client, command.fix_url)
        await scene.hear("link opened, question answered: done", since, _of_connect, _ends_with_done)
        await self._is_mended()
        if is_lost:
            scene.board.tell("its notifications are lost", "nothing is heard; 15 minutes later it is looked up")
            await scene.pace.pass_until(scene.pace.now() + LOOKED_UP_AFTER, HOURS)
        title = "looked up: 0 on 3 accounts" if is_lost else "0 on 3 accounts"
        await scene.hear(title, since, *_at(0))

    async def _is_mended(self) -> None:
        """Wait for the refresh that follows a repair: only the sandbox knows of it at first."""
        end = time.monotonic() + CODE_SECONDS
        while any((await self._scene.partner.codes(FINBANK_CUSTOMER)).values()):
            if time.monotonic() > end:
                raise DemoError(f"No refresh followed the repair within {CODE_SECONDS:.0f} s.")
            await asyncio.sleep(LOOK_SECONDS)

    async def _completed(self, number: int) -> None:
        seen = self._scene.seen
        await self._scene.until(
            lambda: seen.command(FINBANK_CUSTOMER, number)[-1].said.action == "complete", "the end of the command"
        )

    async def _nights(self, count: int, title: str) -> None:
        """Let nights pass, a day in two seconds, until the one in which FinBank asks again."""
        scene, since = self._scene, len(self._scene.seen.heard)
        night = night_after(scene.pace.now(), count)
        scene.board.status = f"{count} nights, a day in two seconds"
        await scene.pace.pass_until(night - BEFORE_NIGHT)
        scene.board.status = ""
        await scene.hear(f"night of {night:%d %b}: {title}", since, *_at(CHALLENGED))


def night_after(now: datetime, count: int) -> datetime:
    """Give the time of the vendor's nightly batch that is the `count`th from now."""
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night + timedelta(days=count if night <= now else count - 1)


def _of_connect(one: Heard) -> bool:
    return one.customer == FINBANK_CUSTOMER and one.is_connect


def _ends_with_done(heard: Sequence[Heard]) -> bool:
    return any(one.type == "connect.done" for one in heard)


def _at(code: int) -> tuple[Callable[[Heard], bool], Callable[[Sequence[Heard]], bool]]:
    """Tell what belongs to a code on every account of the customer, and whether it has come of all of them."""

    def belongs(one: Heard) -> bool:
        return one.customer == FINBANK_CUSTOMER and one.code == code

    def is_whole(heard: Sequence[Heard]) -> bool:
        return {one.account for one in heard} >= set(FINBANK_ACCOUNTS)

    return belongs, is_whole
