"""Sessions at the vendor: one per command at a time, however often and from wherever its button is pressed."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pydantic import SecretStr

from schemas.commands import Lookup, LookupAction
from schemas.events import AccountSnapshot
from streams.executor.fixing.limits import Limits, TooManyError
from streams.executor.fixing.standing import OpenCommand
from streams.executor.settings import LinkSettings
from streams.vendor.errors import StaleLoginError
from streams.vendor.records import FixRequest

BUSY_SECONDS = 5.0
"""What is asked for where too many sessions are being made."""


class SessionMaker(Protocol):
    """The vendor, as far as it is needed here."""

    async def fix_url(self, request: FixRequest) -> SecretStr:
        """Make a session, within a deadline; raises VendorError."""


class Answering(Protocol):
    """Who reads accounts and tells the log of them."""

    async def answer(self, lookup: Lookup) -> Sequence[AccountSnapshot]:
        """Give the accounts seen, once they are in the log; raises VendorError or LogError."""


class Session(NamedTuple):
    """A session at the vendor: its link, a bearer secret for two hours, and whether the command's login has moved."""

    url: SecretStr
    is_moved: bool = False


@dataclass(frozen=True, slots=True)
class Click:
    """A press of the button on an open command."""

    command_id: str
    command: OpenCommand
    return_url: str = field(repr=False)
    language: str | None


@dataclass(slots=True)
class _Making:
    """A session that is being made, or was made a moment ago."""

    task: asyncio.Task[Session]
    has_read: bool = False
    """Whether the vendor was asked for accounts on the way."""
    done_at: float | None = None

    def is_usable(self, now: float, reuse_seconds: float) -> bool:
        if self.done_at is None:
            return True
        return not self.has_failed() and now - self.done_at < reuse_seconds

    def has_failed(self) -> bool:
        return self.task.cancelled() or self.task.exception() is not None


class Sessions:
    """Makes sessions; a second click within a moment gets the same one."""

    def __init__(
        self,
        vendor: SessionMaker,
        answerer: Answering,
        limits: Limits,
        settings: LinkSettings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vendor = vendor
        self._answerer = answerer
        self._limits = limits
        self._settings = settings
        self._monotonic = monotonic
        self._made: dict[str, _Making] = {}

    async def session(self, click: Click) -> Session:
        """Give the vendor's session for a click.

        A customer who leaves or waits too long does not end what others wait for.

        Raises:
            TooOftenError: this command's link, or all links together (TooManyError), are used too often.
            VendorError: the vendor gives none.
            LogError: the login has moved, and the log cannot be told.
            TimeoutError: the vendor takes longer than a customer shall wait; a later click gets what it gave, or has
                another made after `making_seconds`.
        """
        now = self._monotonic()
        self._forget(now)
        making = self._made.get(click.command_id)
        if making is None:
            making = self._begin(click, now)
        return await asyncio.wait_for(asyncio.shield(making.task), self._settings.answer_seconds)

    def _begin(self, click: Click, now: float) -> _Making:
        if sum(one.done_at is None for one in self._made.values()) >= self._settings.max_making:
            raise TooManyError(BUSY_SECONDS)
        self._limits.take(click.command_id, now)
        making = _Making(asyncio.create_task(self._bounded(click), name="fix-session"))
        making.task.add_done_callback(lambda _task: self._ended(click.command_id, making))
        self._made[click.command_id] = making
        return making

    async def _bounded(self, click: Click) -> Session:
        async with asyncio.timeout(self._settings.making_seconds):
            return await self._make(click)

    async def _make(self, click: Click) -> Session:
        """Make a session for the command's login, and where no account stands under that, once for the present one."""
        try:
            return Session(await self._asked(click, click.command.institution_login_id))
        except StaleLoginError:
            self._made[click.command_id].has_read = True
            login_id = await self._present_login(click.command)
            if login_id is None:
                raise
        return Session(await self._asked(click, login_id), is_moved=True)

    async def _present_login(self, command: OpenCommand) -> str | None:
        """Read the command's accounts, tell the log, and give the login that most of them stand under now."""
        asked = Lookup(
            action=LookupAction.LOCATE,
            customer_id=command.customer_id,
            institution_login_id=None,
            account_ids=command.account_ids,
        )
        found = Counter(one.institution_login_id for one in await self._answerer.answer(asked))
        known = (None, command.institution_login_id)
        return next((login_id for login_id, _ in found.most_common() if login_id not in known), None)

    async def _asked(self, click: Click, login_id: str) -> SecretStr:
        request = FixRequest(
            customer_id=click.command.customer_id,
            institution_login_id=login_id,
            institution_id=click.command.institution_id,
            webhook=self._settings.webhook,
            webhook_data={"command_id": click.command_id},
            redirect_uri=click.return_url,
            language=click.language,
        )
        return await self._vendor.fix_url(request)

    def _ended(self, command_id: str, making: _Making) -> None:
        making.done_at = self._monotonic()
        has_failed = making.has_failed()  # its error is seen by that: nobody may be waiting for it any more
        if has_failed and not making.has_read:
            self._limits.give_back(command_id)

    def _forget(self, now: float) -> None:
        over = [name for name, one in self._made.items() if not one.is_usable(now, self._settings.reuse_seconds)]
        for name in over:
            del self._made[name]

    async def stop(self) -> None:
        """End what is being made."""
        tasks = [one.task for one in self._made.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
