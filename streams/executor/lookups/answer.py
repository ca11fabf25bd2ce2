"""The answer to a look-up: the accounts it is about, as the vendor has them now, as events of the inbound log."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from schemas.cloudevents import to_headers, to_value
from schemas.commands import Lookup, LookupAction
from schemas.events import AccountSnapshot, Event, Source
from schemas.observations import observed
from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.kafka.log import Log, LogRecord
from streams.kafka.topics import EVENTS
from streams.vendor.errors import GoneError, StaleLoginError


class Accounts(Protocol):
    """The vendor, as far as it is needed here; every call has a deadline and raises VendorError."""

    async def account(self, customer_id: str, account_id: str) -> AccountSnapshot:
        """Read an account."""

    async def account_simple(self, customer_id: str, account_id: str) -> AccountSnapshot:
        """Read what is least of it."""

    async def login_accounts(self, customer_id: str, institution_login_id: str) -> list[AccountSnapshot]:
        """Read all accounts of a login."""


class Answerer:
    """Reads accounts and writes what it saw; an answer stands when this returns.

    Args:
        vendor: where they are read.
        writer: the inbound log.
        clock: says when they were read.
        ack_seconds: how long Kafka may take.
        count: told how many accounts were written.
    """

    def __init__(
        self,
        vendor: Accounts,
        writer: Log,
        clock: Clock,
        ack_seconds: float,
        count: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._vendor = vendor
        self._log = writer
        self._clock = clock
        self._ack_seconds = ack_seconds
        self._count = count

    async def answer(self, lookup: Lookup) -> Sequence[AccountSnapshot]:
        """Answer and give the accounts seen; none where they are gone, of which only the vendor may tell (R12).

        Raises:
            VendorError: the vendor cannot be asked, or not now.
            LogError: the answer is not known to be in the log.
        """
        read = self._located if lookup.action is LookupAction.LOCATE else self._verified
        snapshots = [one for one in await read(lookup) if one.customer_id == lookup.customer_id]
        if snapshots:
            now = self._clock.now()
            records = [_record(observed(one, now, Source.EXECUTOR)) for one in snapshots]
            await self._log.send_all(records, self._ack_seconds)
            self._count(len(records))
        return snapshots

    async def _located(self, lookup: Lookup) -> Sequence[AccountSnapshot]:
        """Read accounts for their login: the slim form first, the whole one where that has none."""
        found = await self._each(lookup, self._vendor.account_simple)
        lost = [one.account_id for one in found if one.institution_login_id is None]
        if not lost:
            return found
        whole = await self._each(lookup.model_copy(update={"account_ids": tuple(lost)}), self._vendor.account)
        return [*(one for one in found if one.account_id not in lost), *whole]

    async def _verified(self, lookup: Lookup) -> Sequence[AccountSnapshot]:
        """Read the accounts of a login, and those asked about that are not there, for their present login."""
        found = await self._of_login(lookup.customer_id, lookup.institution_login_id)
        listed = {one.account_id for one in found}
        rest = tuple(one for one in lookup.account_ids if one not in listed)
        moved = lookup.model_copy(update={"account_ids": rest})
        return [*found, *await self._each(moved, self._vendor.account_simple)]

    async def _of_login(self, customer_id: str, login_id: str | None) -> Sequence[AccountSnapshot]:
        """Give the accounts of a login; none where it is no more."""
        if login_id is None:
            return []
        try:
            return await self._vendor.login_accounts(customer_id, login_id)
        except (StaleLoginError, GoneError):
            return []

    async def _each(
        self, lookup: Lookup, read: Callable[[str, str], Awaitable[AccountSnapshot]]
    ) -> list[AccountSnapshot]:
        found = []
        for account_id in lookup.account_ids:
            try:
                found.append(await read(lookup.customer_id, account_id))
            except GoneError:
                continue
        return found


def _record(event: Event) -> LogRecord:
    key = None if event.partition_key is None else event.partition_key.encode()
    return LogRecord(EVENTS, key, to_value(event.data), to_headers(event), to_epoch_ms(event.time))
