"""Random logs of signals of one institution for `judge_signals`, the same for the same seed.

They are what the agent would send (`streams/domain/customers`): the signals of a customer in the order of their times,
those of one partition now and then up to half an hour and more behind the others, some of them said twice.
"""

import random
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.histories import NUDGES
from tests.oracle.reading import Record, event_time, rfc3339
from tests.oracle.records import START, record
from tests.oracle.window import FAILING, HEALTHY, LEFT

CODES = (103, 103, 185, 102, 906, 777777, 777777, 945)
UNKNOWN = (777777, 888881, 888882, 888883)
LIMITS = tuple(timedelta(minutes=minutes) for minutes in (0, 10, 30, 720, 4320, 10080))
SIZES = (1, 4, 5, 10, 16, 19, 20, 21, 25, 40)
LAGS = tuple(timedelta(minutes=minutes) for minutes in (0, 0, 0, 1, 29, 30, 31, 45))
WINDOW = timedelta(minutes=30)
LOGINS, PARTITIONS = 60, 3
ALONE = range(LOGINS, LOGINS + 10)
"""Accounts whose login is not known, each for itself."""
POLICIES: tuple[dict[str, Any], ...] = (
    {"incident": {"min_logins": 5}, "ticket": {"update_at": [3, 6, 12]}, "unknown": {"logins": 3}},
    {"incident": {"window_minutes": 60, "open_share": 0.5, "close_share": 0.4}, "ticket": {"quiet_days": 1}},
)

Account = tuple[int, int]
"""A login and the number of the account in it."""


class Bank:
    """The logins of one institution, and what the agent would signal about them."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.now = START
        self.records: list[Record] = []
        self.codes: dict[Account, int] = {}
        self.reported: dict[int, datetime] = {}
        self.counted: dict[int, datetime] = {}
        self.asked: set[Account] = set()
        self.sought: set[int] = set()
        self.otp: set[int] = set()
        self.lags = [timedelta(0)] * PARTITIONS
        self.clocks: dict[int, datetime] = {}

    def time_of(self, login: int) -> datetime:
        """Section 4: the event time of the login's customer, which never runs back; its partition may lag."""
        customer = login // 2
        at = max(self.now - self.lags[customer % PARTITIONS], self.clocks.get(customer, START))
        self.clocks[customer] = at
        return at

    def send(self, event_type: str, at: datetime, data: dict[str, Any]) -> None:
        """Append a signal."""
        self.records.append(record(event_type, at, {"institution_id": "bank", **data}, f"signal-{len(self.records)}"))

    def about(self, event_type: str, account: Account, code: int | None, **more: object) -> None:
        """Append a signal about an account, or about a login by way of it."""
        login, number = account
        at = self.time_of(login)
        known = login not in ALONE and code is not None
        data = {
            "code": code,
            "customer_id": str(login // 2),
            "institution_login_id": f"L{login}" if known else None,
            "account_id": f"a{login}-{number}",
        }
        self.send(event_type, at, data | more)

    def tells(self, event_type: str, account: Account, code: int, *, entered: bool) -> None:
        """Section 2: report a login; how it was counted is said once."""
        login = account[0]
        at, counted = self.time_of(login), self.counted.pop(login, None)
        said = rfc3339(counted) if counted is not None and at - counted <= WINDOW else None
        self.about(event_type, account, code, entered=entered, otp=login in self.otp, counted_at=said)
        if login not in ALONE:
            self.reported[login] = at

    def stands(self, login: int, code: int) -> bool:
        """Whether an account of the login stands at the code."""
        return any(one[0] == login and stood == code for one, stood in self.codes.items())

    def leaves(self, account: Account) -> bool:
        """Take an account from its code; told where it was the last one there."""
        code = self.codes.pop(account, None)
        self.asked.discard(account)
        if code is None or self.stands(account[0], code):
            return False
        self.tells(LEFT, account, code, entered=False)
        return True

    def fails(self, account: Account, code: int) -> None:
        """R9: a failing observation; an account that stood at another code leaves that."""
        entered = not self.stands(account[0], code)
        if self.codes.get(account) != code:
            self.leaves(account)
        self.codes[account] = code
        self.tells(FAILING, account, code, entered=entered)

    def succeeds(self, accounts: list[Account]) -> None:
        """Section 2: what leaves a code is reported, others are counted once in 30 min, by partition."""
        fresh: dict[int, list[datetime]] = {}
        for account in accounts:
            login = account[0]
            self.leaves(account)
            if login not in ALONE and login not in self.otp and self._not_heard(login):
                at = self.counted[login] = self.time_of(login)
                fresh.setdefault(login // 2 % PARTITIONS, []).append(at)
            self.finds(login)
        for times in fresh.values():
            self.send(HEALTHY, max(times), {"logins": len(times)})

    def _not_heard(self, login: int) -> bool:
        times, now = [heard[login] for heard in (self.reported, self.counted) if login in heard], self.time_of(login)
        return all(now - at > WINDOW for at in times)

    def waits(self, login: int) -> None:
        """R14: support is asked for an account whose login is not found in an hour."""
        if login not in self.sought:
            if (login, 0) not in self.codes:
                self.fails((login, 0), 103)
            self.sought.add(login)
            self.about("institution.ticket.wanted", (login, 0), None, cause="login_unknown")
        elif self.dice.random() < 0.5:
            self.succeeds([(login, 0)])
        else:
            self.deletes((login, 0))

    def finds(self, login: int) -> None:
        """R14: what support was asked for is over."""
        if login in self.sought:
            self.sought.remove(login)
            self.about(LEFT, (login, 0), None, entered=False)

    def deletes(self, account: Account) -> None:
        """R12: a deleted account leaves its login."""
        self.leaves(account)
        self.finds(account[0])

    def wants_ticket(self) -> None:
        """R11: an account that stands at an unknown code asks for a ticket, once while it stands there."""
        fitting = sorted(one for one, code in self.codes.items() if code in UNKNOWN and one not in self.asked)
        if fitting:
            account = self.dice.choice(fitting)
            self.asked.add(account)
            self.about("institution.ticket.wanted", account, self.codes[account], cause="unknown_code")

    def repeats(self) -> None:
        """Say a late signal again; none that takes back a count, which is sent exactly once."""
        fitting = [
            one
            for one in self.records[-8:]
            if one["type"].startswith("institution.") and not one["data"].get("counted_at")
        ]
        if fitting:
            self.records.append(self.dice.choice(fitting))

    def tick(self) -> None:
        """Let time pass."""
        self.records.append(record("clock.tick", self.now, {}, f"signal-{len(self.records)}"))

    def moves_on(self) -> None:
        """Let some time pass, often as much as brings a limit of the rules about."""
        dice, recent = self.dice, self.records[-30:]
        if dice.random() < 0.5:
            self.now += timedelta(minutes=dice.choice((0, 1, 3)))
            return
        since = event_time(dice.choice(recent)) if recent and dice.random() < 0.6 else self.now
        self.now = max(self.now, since + dice.choice(LIMITS) + dice.choice(NUDGES))


def signal_history(seed: int) -> list[Record]:
    """Give one log of signals: waves of failures and recoveries, and single events between them."""
    dice = random.Random(seed)  # noqa: S311 - examples, not secrets
    bank = Bank(dice)
    bank.otp = {login for login in range(LOGINS) if dice.random() < 0.05}
    if dice.random() < 0.3:
        bank.records.append(record("policy.activated", START, {"policy": dice.choice(POLICIES)}, "policy"))
    for _ in range(dice.randint(10, 40)):
        bank.moves_on()
        if dice.random() < 0.15:
            bank.lags[dice.randrange(PARTITIONS)] = dice.choice(LAGS)
        _step(bank, dice)
    bank.now += timedelta(days=dice.choice((0, 7, 8)))
    bank.tick()
    return bank.records


def _some(dice: random.Random, size: int) -> list[Account]:
    return [(login, int(dice.random() < 0.15)) for login in dice.sample(range(LOGINS), size)]


def _step(bank: Bank, dice: random.Random) -> None:
    """One thing that happens at the institution."""
    what = dice.random()
    if what < 0.35:
        _wave(bank, dice)
    elif what < 0.65:
        _recovery(bank, dice)
    elif what < 0.73:
        bank.waits(dice.choice(ALONE))
    elif what < 0.8:
        bank.wants_ticket()
    elif what < 0.85:
        bank.repeats()
    elif what < 0.88:
        bank.otp ^= set(dice.sample(range(LOGINS), 3))
    elif what < 0.92:
        bank.deletes(dice.choice(sorted(bank.codes) or [(0, 0)]))
    elif what < 0.95:
        _trickle(bank, dice)
    else:
        bank.tick()


def _wave(bank: Bank, dice: random.Random) -> None:
    """R9: many fail with one code, a few with others; R10 to R14: some of these are accounts of no known login."""
    code, pause = dice.choice(CODES), dice.choice((0, 0, 1, 40))
    for account in _some(dice, dice.choice(SIZES)):
        bank.fails(account, code if dice.random() < 0.95 else dice.choice(CODES))
        bank.now += timedelta(seconds=pause)
        if dice.random() < 0.03:
            bank.repeats()
    if dice.random() < 0.2:
        bank.fails((dice.choice(ALONE), 0), code)


def _trickle(bank: Bank, dice: random.Random) -> None:
    """R11: a few fail with an unknown code, some of them leave it, and about 7 days later others fail."""
    code, (first, *others) = dice.choice(UNKNOWN), _some(dice, dice.randint(4, 6))
    bank.fails(first, code)
    since = event_time(bank.records[-1])
    for account in others[:-1]:
        bank.now += timedelta(hours=dice.choice((0, 1)))
        bank.fails(account, code)
    bank.succeeds([first, *others[: dice.randint(0, 2)]])
    bank.now = max(bank.now, since + timedelta(days=7) + dice.choice(NUDGES))
    bank.fails(others[-1], code)


def _recovery(bank: Bank, dice: random.Random) -> None:
    """R9: many succeed, those that fail or any; R10: in the end all of a code."""
    kind, standing = dice.random(), sorted(bank.codes)
    if kind < 0.5:
        bank.succeeds(_some(dice, dice.choice(SIZES)))
    elif standing:
        code = bank.codes[dice.choice(standing)]
        leaving = [one for one in standing if bank.codes[one] == code]
        bank.succeeds(leaving if kind < 0.8 else dice.sample(leaving, dice.randint(1, len(leaving))))
