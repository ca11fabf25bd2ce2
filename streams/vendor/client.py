"""The vendor's API as this product needs it: accounts, Fix links, subscriptions and institutions, already reduced."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import SecretStr

from schemas.events import AccountSnapshot
from schemas.observations import UnreadableAccount, read_account
from streams.clock import Clock
from streams.observe.labels import VendorCall
from streams.vendor import records
from streams.vendor.answers import NO_DETAILS_CODES, UNSUBSCRIBED_CODES, Answer, unreadable
from streams.vendor.calls import Calls, request_of
from streams.vendor.errors import GoneError, StaleLoginError, VendorError
from streams.vendor.gate import Gate
from streams.vendor.meters import VendorMeters
from streams.vendor.pace import REAL, Timing
from streams.vendor.records import Authorization, FixRequest, Institution, Subscription
from streams.vendor.settings import VendorSettings

T = TypeVar("T")


class Vendor:
    """Calls the vendor within its limits; one for a process, a context manager.

    Every method raises a `VendorError` that says what to do, after `deadline_seconds` at the latest. Names, numbers and
    balances are dropped before anything is returned. Where a call concerns one institution, name it if it is known:
    such calls have a limit of their own. Nothing here refreshes an account.

    Args:
        settings: where the API is, who we are there, and limits.
        gate: whether the credentials may be tried.
        clock: what a token's age is told by.
        meters: counts calls.
        institutions_of: gives the institutions that a customer is known to have, where a call about the customer names
            none: those rest where the vendor has too many calls for one of them (977).
        timing: of waits and turns.
        transport: another one than the network, in tests.
    """

    def __init__(
        self,
        settings: VendorSettings,
        gate: Gate,
        clock: Clock,
        meters: VendorMeters,
        *,
        institutions_of: Callable[[str], Collection[str]] = lambda _customer_id: (),
        timing: Timing = REAL,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._partner_id = settings.partner_id
        self._gate = gate
        self._institutions_of = institutions_of
        self._meters = meters
        self._calls = Calls(settings, gate, clock, meters, timing=timing, transport=transport)

    async def __aenter__(self) -> Self:
        """Make the HTTP client; nothing is called yet."""
        await self._calls.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self._calls.close()

    async def authenticate(self) -> None:
        """Get a token now, so that `problems` knows whether the credentials hold; raises as every call."""
        await self._calls.tokens.current()

    def problems(self) -> list[str]:
        """Say in words why no call can succeed now; nothing when one can. A refused process stays up with this."""
        refused = self._calls.refused()
        return [*([] if refused is None else [refused]), *self._gate.problems()]

    async def account(self, customer_id: str, account_id: str, *, institution_id: str | None = None) -> AccountSnapshot:
        """Read an account."""
        ids = {"customer": customer_id, "account": account_id}
        return await self._read(VendorCall.ACCOUNT, read_account, ids, institution_id=institution_id)

    async def account_simple(
        self, customer_id: str, account_id: str, *, institution_id: str | None = None
    ) -> AccountSnapshot:
        """Read an account without what is personal: the same to us, and less that could leak on the way."""
        ids = {"customer": customer_id, "account": account_id}
        return await self._read(VendorCall.ACCOUNT_SIMPLE, read_account, ids, institution_id=institution_id)

    async def customer_accounts(self, customer_id: str) -> list[AccountSnapshot]:
        """Read all accounts of a customer; those without usable ids are left out and counted."""
        return await self._read(VendorCall.CUSTOMER_ACCOUNTS, self._accounts, {"customer": customer_id})

    async def login_accounts(
        self, customer_id: str, institution_login_id: str, *, institution_id: str | None = None
    ) -> list[AccountSnapshot]:
        """Read all accounts of a login; `StaleLoginError` where none stands under it."""
        ids = {"customer": customer_id, "login": institution_login_id}
        return await self._read(VendorCall.LOGIN_ACCOUNTS, self._accounts, ids, institution_id=institution_id)

    async def fix_url(self, request: FixRequest) -> SecretStr:
        """Make a Data Connect Fix link: a bearer secret that lives two hours.

        The vendor calls the webhook first, and refuses where it does not answer. It is not made again by itself.
        """
        body = request.body(self._partner_id)
        return await self._read(
            VendorCall.FIX_URL, records.read_link, {}, body=body, institution_id=request.institution_id
        )

    async def subscribe(self, customer_id: str, account_id: str, callback_url: str) -> tuple[Subscription, ...]:
        """Subscribe to an account's notifications in JSON, one subscription a class, each with its signing key.

        The vendor checks the callback first. There is no way to ask for the keys later: keep them.
        """
        ids = {"customer": customer_id, "account": account_id}
        body = {"callbackUrl": callback_url}
        return await self._read(VendorCall.SUBSCRIBE, records.read_subscriptions, ids, body=body)

    async def unsubscribe(self, customer_id: str, account_id: str) -> None:
        """End all subscriptions of an account; that there are none is no error."""
        await self._delete(VendorCall.UNSUBSCRIBE, {"customer": customer_id, "account": account_id})

    async def delete_subscription(self, customer_id: str, subscription_id: str) -> None:
        """End one subscription; that it is not there is no error."""
        ids = {"customer": customer_id, "subscription": subscription_id}
        await self._delete(VendorCall.DELETE_SUBSCRIPTION, ids)

    async def institution(self, institution_id: str) -> Institution:
        """Read how an institution stands, and whether it moves to another entry."""
        ids = {"institution": institution_id}
        return await self._read(VendorCall.INSTITUTION, records.read_institution, ids, institution_id=institution_id)

    async def authorization_details(self, institution_login_id: str) -> Authorization | None:
        """Read the consent window of a login; None for one without, as all at institutions without OAuth are."""
        try:
            return await self._read(
                VendorCall.AUTHORIZATION_DETAILS, records.read_authorization, {"login": institution_login_id}
            )
        except (GoneError, StaleLoginError) as error:
            if error.code in NO_DETAILS_CODES:
                return None
            raise

    async def _read(
        self,
        call: VendorCall,
        read: Callable[[Mapping[str, Any]], T],
        ids: Mapping[str, str],
        *,
        body: Mapping[str, Any] | None = None,
        institution_id: str | None = None,
    ) -> T:
        with self._counted(call):
            answer = await self._calls.make(request_of(call, ids, body, institution_id, self._resting(ids)))
            found = _read_as(read, answer)
            if found is None:
                raise unreadable(answer)
            return found

    def _resting(self, ids: Mapping[str, str]) -> Collection[str]:
        customer_id = ids.get("customer")
        return () if customer_id is None else self._institutions_of(customer_id)

    async def _delete(self, call: VendorCall, ids: Mapping[str, str]) -> None:
        try:
            with self._counted(call):
                await self._calls.make(request_of(call, ids))
        except GoneError as error:
            if error.code not in UNSUBSCRIBED_CODES:
                raise

    def _accounts(self, body: Mapping[str, Any]) -> list[AccountSnapshot]:
        accounts, unreadable_accounts = records.read_accounts(body)
        self._meters.unreadable.inc(unreadable_accounts)
        return accounts

    @contextlib.contextmanager
    def _counted(self, call: VendorCall) -> Iterator[None]:
        try:
            yield
        except VendorError as error:
            self._meters.called(call, error)
            raise
        self._meters.called(call)


def _read_as(read: Callable[[Mapping[str, Any]], T], answer: Answer) -> T | None:
    """Read a body, or give None: what is wrong with it would quote it."""
    try:
        return read(answer.json())
    except (UnreadableAccount, records.UnreadableRecord):
        return None
