"""The sandbox in the vendor's place: customers whom the traffic tells of, faults on request, and all calls kept."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import Message, Receive, Scope, Send

from streams.clock import Clock
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.books.profiles import Opening
from streams.sandbox.delivery.faults import FaultName
from streams.sandbox.server import serving
from tests.chaos.load.traffic import Account, Login

BANKS = 4
OPENINGS = (Opening("checking", "Checking", 10.0), Opening("savings", "Savings", 20.0))
FAULTS = (
    FaultName.SLOW,
    FaultName.UNAVAILABLE,
    FaultName.GARBLED,
    FaultName.CHALLENGED,
    FaultName.XML,
    FaultName.DUPLICATED,
    FaultName.LOST,
)
"""Not `throttled`: after a 429 our client asks nothing for a minute, which is most of a short run."""
SHARE = 0.5
SLOW_SECONDS = 2.0
OK = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A call of our client, answered with `status` at epoch seconds `at`."""

    path: str
    status: int
    at: float


@dataclass(slots=True)
class Vendor:
    """A sandbox on a port; its controls may be used from the same event loop."""

    clock: Clock
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    logins: list[Login] = field(default_factory=list)
    _sandbox: Sandbox = field(init=False)

    def __post_init__(self) -> None:
        """Make the sandbox; everything that is asked of it is noted on the way."""
        self._sandbox = Sandbox(SandboxSettings(), self.clock)
        app = self._sandbox.app

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start" and not scope["path"].startswith("/sandbox/"):
                    self.calls.append(Call(scope["path"], message["status"], time.time()))
                await send(message)

            await app(scope, receive, noting)

        self._sandbox.app = noted  # type: ignore[assignment]  # served as it is

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer while it is open."""
        async with serving(self._sandbox) as self.url:
            yield

    def enrol(self, customers: int) -> None:
        """Connect customers with one login each."""
        banks = [self._sandbox.add_institution(f"Bank {number}").id for number in range(BANKS)]
        for number in range(customers):
            customer = self._sandbox.add_customer()
            login = self._sandbox.add_login(customer, banks[number % BANKS], "demo", "go", OPENINGS)
            accounts = [Account(account) for account in self._sandbox.accounts_of(login.id)]
            self.logins.append(Login(customer, login.id, login.institution_id, accounts, at_vendor=True))

    def break_login(self, login_id: str, code: int) -> None:
        """Let a login fail until it is repaired."""
        self._sandbox.set_login(login_id, trouble=code)

    def begin_fault(self, number: int) -> str:
        """Let one of its faults happen; gives the name."""
        name = FAULTS[number % len(FAULTS)]
        self._sandbox.set_fault(name, share=SHARE, seconds=SLOW_SECONDS if name is FaultName.SLOW else None)
        return name

    def end_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._sandbox.clear_faults()

    def reads(self) -> Iterator[Call]:
        """Give the reads of accounts that succeeded."""
        return (call for call in self.calls if call.status == OK and "/accounts" in call.path)
