"""Nightly traffic from a seed: nine in ten observations repeat a code 0, the rest fail, stay failing, or heal."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from random import Random

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import to_epoch_ms
from streams.fold.intake import partition_of

ACCOUNTS = 20_000
"""More than a poll holds, or one state record would stand for several events of an account."""
FAIL, HEAL = 0.03, 0.4
"""Chances of an account in a night; in the long run 7 % of the accounts fail and 90 % repeat a code 0."""
CODES = {185: 40, 103: 20, 948: 10, 187: 5, 108: 4, 945: 4, 109: 2, 102: 8, 900: 4, 7777: 3}
"""Failing codes with their weights: fixable ones, one of the institution, one for support, one unknown."""
MAX_ACCOUNTS = 5
INSTITUTIONS = 50
NIGHT = timedelta(hours=3)
NIGHT_MS = NIGHT // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Login:
    """One customer's login at an institution, with its accounts."""

    customer_id: str
    login_id: str
    institution_id: str
    account_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """An event as it lies in the log."""

    id: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int

    @property
    def time(self) -> str:
        """The event's time as its header has it."""
        return dict(self.headers)["ce_time"].decode()


Observation = tuple[Login, str, int]
"""An account of a login, and its code."""


class Portfolio:
    """Customers with one login and one to five accounts each, and the code that each account stands at."""

    def __init__(self, accounts: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - the same traffic every time
        self._logins = list(self._made(accounts))
        self._codes = {account_id: 0 for login in self._logins for account_id in login.account_ids}

    @property
    def accounts(self) -> int:
        """The number of accounts."""
        return len(self._codes)

    def within(self, partition: int, partitions: int) -> "Portfolio":
        """Keep the customers of a partition alone."""
        self._logins = [one for one in self._logins if partition_of(one.customer_id, partitions) == partition]
        self._codes = {account_id: 0 for login in self._logins for account_id in login.account_ids}
        return self

    def _made(self, accounts: int) -> Iterator[Login]:
        made = 0
        while made < accounts:
            count = min(self._random.randint(1, MAX_ACCOUNTS), accounts - made)
            account_ids = tuple(str(5_900_000_000 + made + n) for n in range(count))
            yield Login(
                str(7_000_000_000 + made), str(7_100_000_000 + made), str(102_105 + made % INSTITUTIONS), account_ids
            )
            made += count

    def night(self) -> Iterator[Observation]:
        """Give one observation of every account: logins in a new order, the accounts of a login together."""
        self._random.shuffle(self._logins)
        for login in self._logins:
            for account_id in login.account_ids:
                yield login, account_id, self._next_code(account_id)

    def _next_code(self, account_id: str) -> int:
        code = self._codes[account_id]
        if self._random.random() < (HEAL if code else FAIL):
            code = 0 if code else self._random.choices(list(CODES), list(CODES.values()))[0]
            self._codes[account_id] = code
        return code


def written(login: Login, account_id: str, code: int, at: datetime) -> Written:
    """Write an observation as the bridge does: its two dates are whole seconds, two minutes before it came in."""
    attempt = at.replace(microsecond=0) - timedelta(minutes=2)
    data = AccountSnapshot(
        customer_id=login.customer_id,
        account_id=account_id,
        institution_id=login.institution_id,
        institution_login_id=login.login_id,
        aggregation_status_code=code,
        aggregation_attempt_date=attempt,
        aggregation_success_date=None if code else attempt,
        last_updated_date=attempt + timedelta(seconds=5),
        account_type="checking",
    )
    event_id = hashlib.sha256(f"{account_id}/{at}".encode()).hexdigest() + ":0"
    event = Event(event_id, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, data, f"accounts/{account_id}")
    return Written(event_id, login.customer_id.encode(), to_value(data), to_headers(event), to_epoch_ms(at))


def history(portfolio: Portfolio, size: int, until: datetime) -> Iterator[Written]:
    """Give `size` events, a night a day up to the day of `until`, each night's evenly over three hours."""
    left, began = size, until - timedelta(days=ceil(size / portfolio.accounts))
    while left:
        events = list(islice(portfolio.night(), left))
        for n, (login, account_id, code) in enumerate(events):
            yield written(login, account_id, code, began + timedelta(milliseconds=n * NIGHT_MS // len(events)))
        left, began = left - len(events), began + timedelta(days=1)


def tonight() -> datetime:
    """Give the last midnight: the same log all day."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
