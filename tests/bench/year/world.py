"""Banks, logins and customers from a seed, and how they differ."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from random import Random

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

BANKS = 40
LARGE = 8
"""The first banks have most of the logins: outages and the migration are theirs."""
ASKING = frozenset({10, 15, 20, 25})
"""Banks that ask for a passcode at every connection."""
OTP_SHARE, SHORT_SHARE = 0.01, 0.01
"""Of logins elsewhere, without OAuth: a passcode at every connection by the customer's choice, and a device cookie that
lives one to three weeks.
"""
OTP_COOKIE, SHORT_COOKIE, COOKIE, TOKEN = (0.2, 2.9), (7.0, 21.0), (30.0, 90.0), (3650.0, 3650.0)
"""Days from a repair to the next challenge; a bank that gives OAuth tokens challenges nobody."""

LINKED_DAYS = 300
"""Days over which logins that ask always are linked; the others were linked before."""


class Temper(Enum):
    """How a customer takes a message: chance to act on it, and the hours until then."""

    PROMPT = (0.85, 0.2, 12.0)
    SLOW = (0.5, 6.0, 96.0)
    NEVER = (0.0, 0.0, 0.0)


TEMPERS = {Temper.PROMPT: 45, Temper.SLOW: 35, Temper.NEVER: 20}


@dataclass(frozen=True, slots=True)
class Outage:
    """Hours in which a bank gives one code to everybody; then the vendor aggregates those logins again."""

    begins: datetime
    ends: datetime
    code: int


@dataclass(slots=True)
class Bank:
    """An institution: when its nightly batch runs, and what happens to it in the year."""

    bank_id: str
    batch_at: timedelta
    batch_lasts: timedelta
    outage: Outage | None = None
    is_oauth: bool = False
    is_asking: bool = False
    oauth_id: str = ""
    migrates_at: datetime | None = None

    def outage_at(self, at: datetime) -> Outage | None:
        """Give the outage of a moment."""
        outage = self.outage
        return outage if outage is not None and outage.begins <= at < outage.ends else None


@dataclass(slots=True)
class Login:
    """One customer's login, and how it stands at the vendor."""

    customer_id: str
    login_id: str
    bank: Bank
    account_ids: list[str]
    temper: Temper
    batch_offset: timedelta
    cookie: tuple[float, float]
    challenged_at: datetime
    """When the device cookie ends."""
    institution_id: str
    code: int = 0
    attempt: datetime = START
    success: datetime = START
    failing_since: datetime | None = None
    is_planning: bool = False
    """The customer is about to repair it."""
    is_duplicate: bool = False
    """Only its last account fails, as a duplicate."""
    in_outage: bool = False
    commands: dict[str, str] = field(default_factory=dict)
    """Open commands by kind."""

    @property
    def is_short(self) -> bool:
        """Whether its device cookie lives one to three weeks."""
        return self.cookie is SHORT_COOKIE

    @property
    def is_otp(self) -> bool:
        """Whether it asks for a passcode at every connection: what the rules are to find out."""
        return self.cookie is OTP_COOKIE

    def renew_cookie(self, at: datetime, random: Random) -> None:
        """Begin a new device cookie."""
        self.challenged_at = at + random.uniform(*self.cookie) * DAY


def banks(random: Random) -> list[Bank]:
    """Give the banks: one is down for a night, one challenges everybody for hours, one moves to OAuth."""
    made = [_bank(n, random) for n in range(BANKS)]
    down, storm, moving = made[0], made[1], made[2]
    down.outage = _night_outage(down, 74, 905)
    storm.outage = _night_outage(storm, 201, 185)
    moving.migrates_at, moving.oauth_id = START + 130 * DAY, "170778"
    return made


def _bank(number: int, random: Random) -> Bank:
    return Bank(
        bank_id=str(102_105 + number),
        batch_at=random.uniform(1, 5) * HOUR,
        batch_lasts=random.uniform(1, 2) * HOUR,
        is_oauth=number % 5 in {3, 4},
        is_asking=number in ASKING,
    )


def _night_outage(bank: Bank, night: int, code: int) -> Outage:
    begins = START + night * DAY + bank.batch_at - 10 * MINUTE
    return Outage(begins, begins + 6 * HOUR, code)


def logins(customers: int, made: list[Bank], random: Random) -> Iterator[Login]:
    """Give the logins of all customers: four in five have one, the others two; one to four accounts each."""
    weights = [8 if n < LARGE else 1 for n in range(len(made))]
    number = 0
    for customer in range(customers):
        temper = random.choices(list(TEMPERS), list(TEMPERS.values()))[0]
        for _ in range(1 if random.random() < 0.8 else 2):
            bank = random.choices(made, weights)[0]
            yield _login(number, str(7_000_000_000 + customer), bank, temper, random)
            number += 1


def _login(number: int, customer_id: str, bank: Bank, temper: Temper, random: Random) -> Login:
    cookie = _cookie(bank, random.random())
    return Login(
        customer_id=customer_id,
        login_id=str(7_100_000_000 + number),
        bank=bank,
        account_ids=[str(5_900_000_000 + 10 * number + n) for n in range(random.choice((1, 1, 1, 2, 2, 3, 4)))],
        temper=temper,
        batch_offset=random.random() * bank.batch_lasts,
        cookie=cookie,
        challenged_at=START + random.uniform(0, LINKED_DAYS if cookie is OTP_COOKIE else cookie[1]) * DAY,
        institution_id=bank.bank_id,
    )


def _cookie(bank: Bank, drawn: float) -> tuple[float, float]:
    if bank.is_oauth:
        return TOKEN
    if bank.is_asking or drawn < OTP_SHARE:
        return OTP_COOKIE
    return SHORT_COOKIE if drawn < OTP_SHARE + SHORT_SHARE else COOKIE
