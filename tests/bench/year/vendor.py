"""The vendor's side: the nightly batch, which stops at a failing login, and the events that it sends."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from random import Random

from schemas.events import AccountSnapshot, ConnectEvent, Event, EventType, Source, WebhookData
from schemas.times import from_epoch_ms, to_epoch_ms
from tests.bench.year.world import DAY, HOUR, MINUTE, START, Login

A_YEAR = {103: 0.30, 109: 0.10, 108: 0.15, 187: 0.05, 947: 0.05, 169: 0.02, 949: 0.02, 906: 0.02, 7777: 0.01}
"""Failures of a login in a year, by code, apart from challenges, outages and the migration."""
RETRIED = frozenset({905, 7777})
"""Codes at which the batch goes on; at any other but 0 it stops for the login."""
SUPPORT = frozenset({906})
CHANGES = 0.15
"""Chance that a field of a healthy account changed in a night, which is what sends an event."""
UNRELATED = 0.03
"""Chance a night that a field of a failing account changed: an event with nothing new in it."""
REDELIVERED = 0.01
"""Notifications that are sent again, up to three times: the answer did not get through."""
REDELIVERY = 30 * MINUTE

_ids = count()


class Vendor:
    """Gives codes to attempts and events for them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._hazard = sum(A_YEAR.values()) / 365

    def batch(self, logins: list[Login], night: datetime) -> list[tuple[datetime, Login]]:
        """Give the attempts of a night, in order."""
        return sorted(
            ((night + login.bank.batch_at + login.batch_offset, login) for login in logins), key=lambda one: one[0]
        )

    def attempt(self, login: Login, at: datetime) -> int:
        """Try a login and give its code; its state follows."""
        code = self._code(login, at)
        login.in_outage = login.bank.outage_at(at) is not None
        login.is_duplicate = code == 169
        login.code, login.attempt = code, at
        if code == 0:
            login.success = at
        return code

    def _code(self, login: Login, at: datetime) -> int:
        outage = login.bank.outage_at(at)
        if outage is not None:
            return outage.code
        moves = login.bank.migrates_at
        if moves is not None and at >= moves and login.institution_id == login.bank.bank_id:
            return self.random.choice((945, 948))
        if at >= login.challenged_at:
            return 185
        if login.code == 7777 and self.random.random() < 0.7:
            return 7777
        if self.random.random() >= self._hazard:
            return 0
        code = self.random.choices(list(A_YEAR), list(A_YEAR.values()))[0]
        return 0 if code == 169 and len(login.account_ids) == 1 else code

    def events(self, login: Login, at: datetime, *, changed: bool) -> Iterator[Event]:
        """Give the events of an attempt, received minutes later: of every account where the code changed."""
        failing = login.account_ids[-1:] if login.is_duplicate else login.account_ids
        for account_id in failing if changed else login.account_ids:
            if changed or self.random.random() < CHANGES:
                yield snapshot(login, account_id, at)

    def unrelated(self, login: Login, at: datetime) -> Iterator[Event]:
        """Give the events of a login that the batch has stopped for."""
        for account_id in login.account_ids[-1:] if login.is_duplicate else login.account_ids:
            if self.random.random() < UNRELATED:
                yield snapshot(login, account_id, at)

    def redeliveries(self, at: datetime) -> list[datetime]:
        """Give when a notification is sent again."""
        if self.random.random() >= REDELIVERED:
            return []
        return [at + n * REDELIVERY for n in range(1, self.random.randint(1, 3) + 1)]


def whole(at: datetime) -> datetime:
    """Cut a time to milliseconds, as every event time is."""
    return from_epoch_ms(to_epoch_ms(at))


def snapshot(login: Login, account_id: str, at: datetime, kind: EventType = EventType.ACCOUNT_MODIFIED) -> Event:
    """Give the event of an account as it stands."""
    data = AccountSnapshot(
        customer_id=login.customer_id,
        account_id=account_id,
        institution_id=login.institution_id,
        institution_login_id=login.login_id,
        aggregation_status_code=login.code,
        aggregation_attempt_date=login.attempt.replace(microsecond=0),
        aggregation_success_date=login.success.replace(microsecond=0),
        last_updated_date=at.replace(microsecond=0),
    )
    return Event(_fresh_id(), kind, Source.BRIDGE, whole(at), data, f"accounts/{account_id}", login.customer_id)


def connected(login: Login, event_type: str, at: datetime, command_id: str | None, account_ids: list[str]) -> Event:
    """Give a Data Connect event; without a command it names the institution only."""
    data = ConnectEvent(
        customer_id=login.customer_id,
        institution_id=login.institution_id,
        account_ids=tuple(account_ids),
        event_type=event_type,
        event_id=f"{to_epoch_ms(at)}-{next(_ids):024x}",
        reason="complete" if event_type == "done" else None,
        webhook_data=None if command_id is None else WebhookData(command_id=command_id),
    )
    subject = f"customers/{login.customer_id}"
    return Event(_fresh_id(), f"connect.{event_type}", Source.BRIDGE, whole(at), data, subject, login.customer_id)


def _fresh_id() -> str:
    return f"{next(_ids):064x}:0"


def nights(days: int) -> Iterator[datetime]:
    """Give the midnights of the year."""
    for day in range(days):
        yield START + day * DAY


def late(random: Random, least: timedelta = MINUTE, most: timedelta = HOUR / 12) -> timedelta:
    """Draw how long a notification takes."""
    return random.uniform(least / MINUTE, most / MINUTE) * MINUTE
