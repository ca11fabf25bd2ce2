"""Sweeps one customer: reads its accounts at the vendor, compares, and tells the log of what differs."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.events import AccountSnapshot, Event, Source
from schemas.observations import missed, observed
from streams.clock import Clock
from streams.sweep.book import Book, Known
from streams.sweep.compare import Difference, Silence, compared
from streams.sweep.report import Findings
from streams.vendor import GoneError


class VendorCalls(Protocol):
    """What is asked of the vendor."""

    async def customer_accounts(self, customer_id: str) -> list[AccountSnapshot]:
        """Read all accounts of a customer; those without usable ids are left out."""

    async def account_simple(
        self, customer_id: str, account_id: str, *, institution_id: str | None = None
    ) -> AccountSnapshot:
        """Read an account."""


class TooManyDeletionsError(Exception):
    """More accounts are missing at the vendor than may be told of."""


class Reading(NamedTuple):
    """What the vendor showed of a customer; None where it does not know the customer."""

    asked_at: datetime
    answered_at: datetime
    accounts: Mapping[str, AccountSnapshot] | None


@dataclass(slots=True)
class Allowance:
    """How many deletions may still be told of: with another account at the vendor every customer would be gone."""

    left: int

    def take(self, count: int) -> None:
        """Take some.

        Raises:
            TooManyDeletionsError: so many are not left; nothing was taken.
        """
        if count > self.left:
            raise TooManyDeletionsError
        self.left -= count


@dataclass(frozen=True, slots=True)
class CustomerSweep:
    """Sweeps customers, one a call.

    Attributes:
        book: what is known, kept up by whoever made it.
        settled: returns once the book has everything that was committed when it was called.
        publish: writes events durably, in order.
        named: customers who are swept though nothing is known of them.
        allowance: of deletions; None without a limit.
        known_before: those of the named of whom something was known when the sweep began.
    """

    vendor: VendorCalls
    book: Book
    settled: Callable[[], Awaitable[None]]
    publish: Callable[[Sequence[Event]], Awaitable[None]]
    clock: Clock
    named: frozenset[str] = frozenset()
    allowance: Allowance | None = None
    known_before: frozenset[str] = frozenset()

    async def sweep(self, customer_id: str) -> Findings:
        """Sweep a customer; what is told was written when this returns.

        Raises:
            VendorError: the vendor could not be asked, or did not say.
            TooManyDeletionsError: see there.
            LogError, TimeoutError: Kafka does not take it, or cannot be read.
        """
        reading, findings = await self._read(customer_id), Findings()
        await self._tell_shown(customer_id, reading, findings)
        missing = await self._missing(customer_id, reading, findings)
        if missing:
            await self._tell_missing(customer_id, missing, reading, findings)
        return findings

    async def _read(self, customer_id: str) -> Reading:
        asked_at = self.clock.now()
        try:
            accounts = await self.vendor.customer_accounts(customer_id)
        except GoneError as error:
            if not _is_vendors_word(error):
                raise
            return Reading(asked_at, self.clock.now(), None)
        return Reading(asked_at, self.clock.now(), {one.account_id: one for one in accounts})

    async def _tell_shown(self, customer_id: str, reading: Reading, findings: Findings) -> None:
        shown = (reading.accounts or {}).values()
        own = [one for one in shown if one.customer_id == customer_id]
        findings.accounts, findings.foreign = len(own), len(shown) - len(own)
        await self._tell(customer_id, own, reading.answered_at, findings)

    async def _tell(
        self, customer_id: str, accounts: Iterable[AccountSnapshot], at: datetime, findings: Findings
    ) -> None:
        """Compare accounts with what is known at this moment, and tell of those that differ."""
        known, events = self.book.known(customer_id), list[Event]()
        for one in accounts:
            found = compared(known.get(one.account_id), one, at)
            if isinstance(found, Silence):
                findings.silent[found] = findings.silent.get(found, 0) + 1
                continue
            _count(findings, found)
            events.append(observed(one, at, Source.SWEEP, baseline=Difference.UNKNOWN in found))
        if events and self._is_forgotten(customer_id):
            findings.forgotten = 1
        elif events:
            await self.publish(events)
            findings.observed += len(events)

    def _is_forgotten(self, customer_id: str) -> bool:
        """Whether a customer was known when the sweep began, and is not any more (R18)."""
        is_new = customer_id in self.named and customer_id not in self.known_before
        return not is_new and not self.book.has(customer_id)

    async def _missing(self, customer_id: str, reading: Reading, findings: Findings) -> list[Known]:
        """Give the accounts that are not there any more: each was asked for by itself, as lists may leave one out."""
        known = [one for one in self.book.known(customer_id).values() if not one.is_deleted]
        if reading.accounts is None:
            findings.gone = 1
            return known
        return [
            one
            for one in known
            if one.account_id not in reading.accounts and await self._is_gone(customer_id, one, findings)
        ]

    async def _is_gone(self, customer_id: str, account: Known, findings: Findings) -> bool:
        try:
            shown = await self.vendor.account_simple(
                customer_id, account.account_id, institution_id=account.institution_id
            )
        except GoneError as error:
            if not _is_vendors_word(error):
                raise
            return True
        findings.accounts += 1
        await self._tell(customer_id, [shown], self.clock.now(), findings)
        return False

    async def _tell_missing(
        self, customer_id: str, missing: Sequence[Known], reading: Reading, findings: Findings
    ) -> None:
        """Tell of deletions, but for accounts of which something was heard after the vendor was asked.

        Told at the time of asking: an attempt since then brings an account back (R12).
        """
        await self.settled()
        known = self.book.known(customer_id)
        still = [known[one.account_id] for one in missing if one.account_id in known]
        told = [one for one in still if not one.is_deleted and one.heard_at < reading.asked_at]
        findings.heard_since += len(missing) - len(told)
        if not told:
            return
        if self.allowance is not None:
            self.allowance.take(len(told))
        await self.publish([missed(_last_seen(customer_id, one), reading.asked_at, Source.SWEEP) for one in told])
        findings.deleted += len(told)
        findings.differing[Difference.DELETED] = len(told)


def _is_vendors_word(error: GoneError) -> bool:
    """Whether the vendor itself says so: a 404 without a code of its own may come from anything on the way."""
    return error.code is not None


def _count(findings: Findings, differences: Iterable[Difference]) -> None:
    for one in differences:
        findings.differing[one] = findings.differing.get(one, 0) + 1


def _last_seen(customer_id: str, account: Known) -> AccountSnapshot:
    return AccountSnapshot(
        customer_id=customer_id,
        account_id=account.account_id,
        institution_id=account.institution_id,
        institution_login_id=account.login_id,
    )
