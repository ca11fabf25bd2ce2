"""A vendor that shows what it is told to, an account.health of one's own, and a log that keeps what it gets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events import AccountSnapshot, Event
from schemas.health import AccountHealth, Phase
from streams.kafka.view import ViewRecord
from streams.sweep.book import Book, Known
from streams.sweep.customer import Allowance, CustomerSweep
from streams.vendor import GoneError

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
LAST_NIGHT = NOW - timedelta(hours=1)
BEFORE = NOW - timedelta(days=1)
CUSTOMER, ACCOUNT, LOGIN, INSTITUTION = "7000000042", "5900000001", "7100000007", "102105"
SECOND = timedelta(seconds=1)


def shown(account_id: str = ACCOUNT, **fields: Any) -> AccountSnapshot:  # noqa: ANN401 - fields of a snapshot
    """Give an account as the vendor shows it: at 0 since last night."""
    usual: dict[str, Any] = {
        "customer_id": CUSTOMER,
        "account_id": account_id,
        "institution_id": INSTITUTION,
        "institution_login_id": LOGIN,
        "aggregation_status_code": 0,
        "aggregation_attempt_date": LAST_NIGHT,
    }
    return AccountSnapshot(**{**usual, **fields})


def known(account_id: str = ACCOUNT, **fields: Any) -> Known:  # noqa: ANN401 - fields of a known account
    """Give the same account as it is known."""
    usual: dict[str, Any] = {
        "account_id": account_id,
        "institution_id": INSTITUTION,
        "login_id": LOGIN,
        "code": 0,
        "attempted_at": LAST_NIGHT,
        "heard_at": LAST_NIGHT,
        "is_deleted": False,
    }
    return Known(**{**usual, **fields})


def health(one: Known, customer_id: str = CUSTOMER, offset: int = 0) -> ViewRecord:
    """Give the record of `account.health` that says so."""
    value = AccountHealth(
        customer_id=customer_id,
        account_id=one.account_id,
        institution_id=one.institution_id,
        institution_login_id=one.login_id,
        phase=Phase.DELETED if one.is_deleted else Phase.HEALTHY,
        code=one.code,
        attempted_at=one.attempted_at,
        heard_at=one.heard_at,
        healthy_at=None,
        commands=(),
    )
    key = f"{customer_id}/{one.account_id}".encode()
    return ViewRecord("account.health", 0, offset, key, value.model_dump_json().encode(), 0)


def gone(account_id: str = ACCOUNT, customer_id: str = CUSTOMER) -> ViewRecord:
    """Give the tombstone of an account."""
    return ViewRecord("account.health", 0, 0, f"{customer_id}/{account_id}".encode(), None, 0)


def book_of(*accounts: Known, customer_id: str = CUSTOMER) -> Book:
    """Give a book with these accounts of a customer."""
    book = Book()
    for one in accounts:
        book.hear(health(one, customer_id))
    return book


class TickingClock:
    """Goes on by a second with every look."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        self.at += SECOND
        return self.at


@dataclass
class VendorDouble:
    """Answers from `lists` and `accounts`; an exception there is raised. `during` is done while it is asked."""

    lists: dict[str, list[AccountSnapshot] | Exception] = field(default_factory=dict)
    accounts: dict[str, AccountSnapshot | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    during: Any = None

    async def customer_accounts(self, customer_id: str) -> list[AccountSnapshot]:
        self.asked.append(customer_id)
        if self.during is not None:
            self.during()
        answer = self.lists.get(customer_id, GoneError("there is no such thing", code=14001))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def account_simple(
        self, customer_id: str, account_id: str, *, institution_id: str | None = None
    ) -> AccountSnapshot:
        self.asked.append(f"{customer_id}/{account_id} at {institution_id}")
        answer = self.accounts.get(account_id, GoneError("not the customer's", code=38003))
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Bench:
    """A sweep of customers with everything around it."""

    vendor: VendorDouble = field(default_factory=VendorDouble)
    book: Book = field(default_factory=Book)
    published: list[Event] = field(default_factory=list)
    settling: Any = None
    named: frozenset[str] = frozenset()
    allowance: Allowance | None = None
    known_before: frozenset[str] = frozenset()

    def customer(self) -> CustomerSweep:
        """Give what sweeps a customer."""
        return CustomerSweep(
            self.vendor,
            self.book,
            self._settled,
            self._publish,
            TickingClock(),
            self.named,
            self.allowance,
            self.known_before,
        )

    def told(self) -> list[tuple[str, str]]:
        """Give type and account of everything published."""
        return [
            (event.type, event.data.account_id) for event in self.published if isinstance(event.data, AccountSnapshot)
        ]

    async def _settled(self) -> None:
        if self.settling is not None:
            self.settling()

    async def _publish(self, events: Sequence[Event]) -> None:
        self.published += events
