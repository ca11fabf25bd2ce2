"""Random logs of signals of one institution for `judge_signals`, the same for the same seed."""

import random
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.histories import NUDGES
from tests.oracle.reading import Record, rfc3339
from tests.oracle.records import START, record

CODES = (103, 103, 185, 102, 906, 777777, 945)
LIMITS = tuple(timedelta(minutes=minutes) for minutes in (0, 10, 30, 720, 4320, 10080))


class Bank:
    """The logins of one institution, and what the agent would signal about them."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.now = START
        self.records: list[Record] = []
        self.standing: dict[int, int | None] = {}
        self.reported: dict[int, datetime] = {}
        self.counted: dict[int, datetime] = {}
        self.waiting: set[int] = set()
        self.otp: set[int] = set()

    def signal(self, event_type: str, data: dict[str, Any]) -> None:
        """Append a signal, now and then a late one."""
        late = timedelta(minutes=self.dice.choice((1, 29, 30, 31))) if self.dice.random() < 0.03 else timedelta(0)
        data = {"institution_id": "bank", **data}
        self.records.append(record(event_type, self.now - late, data, f"signal-{len(self.records)}"))

    def about(self, event_type: str, login: int, code: int | None, *, entered: bool) -> None:
        """Append a signal about one login, or about an account whose login is unknown."""
        counted = self.counted.get(login)
        recently = counted is not None and self.now - counted <= timedelta(minutes=30)
        self.signal(
            event_type,
            {
                "code": code,
                "customer_id": str(login // 2),
                "institution_login_id": None if code is None else f"L{login}",
                "account_id": f"a{login}",
                "entered": entered,
                "otp": login in self.otp,
                "counted_at": rfc3339(counted) if recently and counted is not None else None,
            },
        )
        self.reported[login] = self.now

    def fails(self, login: int, code: int) -> None:
        """R9: a failing observation; a login that stood at another code leaves that."""
        before = self.standing.get(login)
        if before is not None and before != code:
            self.about("institution.login.left", login, before, entered=False)
        self.about("institution.login.failing", login, code, entered=before != code)
        self.standing[login] = code

    def succeeds(self, logins: list[int]) -> None:
        """Section 2: those that leave a code are reported, the others counted once in 30 min."""
        fresh = 0
        for login in logins:
            before = self.standing.pop(login, None)
            if before is not None:
                self.about("institution.login.left", login, before, entered=False)
            elif self._not_heard(login):
                self.counted[login] = self.now
                fresh += 1
        if fresh:
            self.signal("institution.logins.healthy", {"logins": fresh})

    def _not_heard(self, login: int) -> bool:
        times = [heard[login] for heard in (self.reported, self.counted) if login in heard]
        return all(self.now - at > timedelta(minutes=30) for at in times)

    def waits(self, login: int) -> None:
        """R14: an account without a login begins to wait, or ceases to."""
        if login in self.waiting:
            self.waiting.remove(login)
            self.about("institution.login.left", login, None, entered=False)
        else:
            self.waiting.add(login)
            self.about("institution.login.failing", login, None, entered=True)

    def wants_ticket(self, login: int) -> None:
        """R11, R14: an account asks for a ticket, mostly one that stands at the code or waits for its login."""
        unknown = [one for one, code in self.standing.items() if code == 777777]
        code = self.dice.choice((777777, None))
        if self.dice.random() < 0.9 and (fitting := sorted(unknown if code else self.waiting)):
            login = self.dice.choice(fitting)
        cause = "login_unknown" if code is None else "unknown_code"
        data = {"code": code, "cause": cause, "customer_id": str(login // 2), "account_id": f"a{login}"}
        self.signal("institution.ticket.wanted", data | {"institution_login_id": None if code is None else f"L{login}"})

    def tick(self) -> None:
        """Let time pass."""
        self.records.append(record("clock.tick", self.now, {}, f"signal-{len(self.records)}"))


def signal_history(seed: int) -> list[Record]:
    """Give one log of signals: waves of failures and recoveries, and single events between them."""
    dice = random.Random(seed)  # noqa: S311 - examples, not secrets
    bank = Bank(dice)
    bank.otp = {login for login in range(60) if dice.random() < 0.05}
    for _ in range(dice.randint(10, 60)):
        bank.now += dice.choice(LIMITS) + dice.choice(NUDGES) if dice.random() < 0.6 else timedelta(minutes=3)
        _step(bank, dice)
    bank.now += timedelta(days=dice.choice((0, 7, 8)))
    bank.tick()
    return bank.records


def _step(bank: Bank, dice: random.Random) -> None:
    """One thing that happens at the institution."""
    logins, what = dice.sample(range(60), dice.choice((1, 5, 20, 25, 40))), dice.random()
    if what < 0.35:
        code = dice.choice(CODES)
        for login in logins:
            bank.fails(login, code if dice.random() < 0.95 else dice.choice(CODES))
            bank.now += timedelta(seconds=dice.choice((0, 0, 1, 40)))
    elif what < 0.7:
        bank.succeeds(logins)
    elif what < 0.8:
        bank.waits(dice.randrange(60, 70))
    elif what < 0.9:
        bank.wants_ticket(logins[0])
    else:
        bank.tick()
