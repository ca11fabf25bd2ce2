"""The customers' side: what they make of a message, and what their repair comes to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from random import Random

from schemas.events import Event, EventType
from tests.bench.year.vendor import connected, snapshot
from tests.bench.year.world import DAY, HOUR, MINUTE, Login, Temper

NAMED = 0.85
"""Data Connect events that carry the command's id: repairs by our link."""
FAILS = 0.04
"""Repairs that end without success: with a wrong answer to a challenge (187), else with the same code."""
VISIT_DAYS = 10.0
"""Days on average until a customer with a passcode at every login opens the app again."""
REFRESH = 3 * MINUTE
"""From the end of a Data Connect session to the aggregation that follows by itself."""

_accounts = count(6_500_000_000)
_logins = count(7_500_000_000)


class People:
    """Draws reactions."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def reacts_in(self, login: Login) -> timedelta | None:
        """Give after how long a contact is acted on; None: not at all."""
        chance, least, most = login.temper.value
        if self.random.random() >= chance:
            return None
        return self.random.uniform(least, most) * HOUR

    def visits_in(self, login: Login) -> timedelta | None:
        """Give after how long a customer who is no longer reminded opens the app; some never do."""
        return None if login.temper is Temper.NEVER else self.random.expovariate(1 / VISIT_DAYS) * DAY

    def repair(self, login: Login, at: datetime) -> Iterator[Event]:
        """Give the events of a repair that begins at a time; the login stands as it is after it."""
        if login.code == 169:
            yield from _delete_last(login, at)
            return
        if login.code == 949:
            yield from self._link_again(login, at)
            return
        named = self.random.random() < NAMED
        command_id = next(iter(login.commands.values()), None) if named else None
        yield connected(login, "done", at, command_id, [])
        login.attempt = at + REFRESH
        if self.random.random() >= FAILS:
            self._mend(login, at)
        elif login.code == 185:
            login.code = 187
        for account_id in login.account_ids:
            yield snapshot(login, account_id, at + REFRESH + MINUTE)

    def _mend(self, login: Login, at: datetime) -> None:
        if login.code in {945, 948}:
            login.institution_id = login.bank.oauth_id
        login.code, login.success, login.in_outage = 0, login.attempt, False
        login.renew_cookie(at, self.random)

    def _link_again(self, login: Login, at: datetime) -> Iterator[Event]:
        """Delete the accounts and add them anew, under a login of its own."""
        for account_id in login.account_ids:
            yield snapshot(login, account_id, at, EventType.ACCOUNT_DELETED)
        login.login_id = str(next(_logins))
        login.account_ids = [str(next(_accounts)) for _ in login.account_ids]
        login.attempt = at + REFRESH
        self._mend(login, at)
        yield connected(login, "added", at + MINUTE, None, login.account_ids)
        for account_id in login.account_ids:
            yield snapshot(login, account_id, at + REFRESH + MINUTE)


def _delete_last(login: Login, at: datetime) -> Iterator[Event]:
    yield snapshot(login, login.account_ids[-1], at, EventType.ACCOUNT_DELETED)
    login.account_ids = login.account_ids[:-1]
    login.code, login.is_duplicate = 0, False
    for account_id in login.account_ids:
        yield snapshot(login, account_id, at + REFRESH + MINUTE)
