"""Messy random logs for `judge`, the same for the same seed: times aim at the limits of the rules."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.customer import EXECUTOR, hear
from tests.oracle.reading import Record, event_time, rfc3339
from tests.oracle.records import START, record
from tests.oracle.state import Partition

CODES = (0, 0, 0, 0, 0, 185, 185, 185, 185, 187, 103, 108, 109, 945, 946, 947, 948, 949, 169, 931, 102, 906, 777777)
PALETTES = (CODES, CODES, (0, 185), (0, 0, 185), (0, 185, 187, 103), (0, 0, 0, 0, 931, 185), (0, 103, 945, 948, 949))
"""The codes of one log: all sorts, or the few that a rule is about."""
LIMITS = (
    *(timedelta(minutes=minutes) for minutes in (15, 30, 60)),
    *(timedelta(hours=hours) for hours in (2, 12, 24, 24, 26, 26, 48, 72)),
    *(timedelta(days=days) for days in (3, 4, 7, 14, 14, 30, 90)),
)
"""Spans of the rules, aimed at from earlier records."""
NUDGES = (timedelta(0), timedelta(0), timedelta(milliseconds=-1), timedelta(milliseconds=1))
BANKS = ("bank", "bank", "bank", "house")
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"fix_integrated": False},
    {"contact": {"reminder_days": [1, 2], "cooldown_hours": 12}},
    {"otp": {"relapses": 1, "release_successes": 2}, "verify": {"deadline_hours": 3}},
)


@dataclass
class Writer:
    """A log in the making; `wide_after_tick`: a tick goes before every record for the whole partition."""

    dice: random.Random
    wide_after_tick: bool
    now: datetime = START
    records: list[Record] = field(default_factory=list)
    partition: Partition = field(default_factory=Partition)
    customers: list[str] = field(default_factory=list)
    codes: tuple[int, ...] = CODES
    accounts: str = "abcd"
    logins_known: float = 0.85
    sequence: int = 0

    def write(
        self, event_type: str, data: dict[str, Any], at: datetime | None = None, source: str = "/remediation/bridge"
    ) -> None:
        """Append a record, and let the oracle hear it: later records name its real command ids."""
        key = data.get("customerId")
        self._append(record(event_type, at or self.now, data, f"event-{len(self.records)}", key, source=source))

    def write_wide(self, event_type: str, data: dict[str, Any]) -> None:
        """Append a record for the whole partition."""
        if self.wide_after_tick:
            self.write("clock.tick", {})
        self.write(event_type, data)

    def repeat(self) -> None:
        """Append an earlier record again, with its own id: at its own time or at the present."""
        if self.records:
            again = dict(self.dice.choice(self.records[-12:]))
            if again["type"].startswith(("txpush", "account", "connect")):
                self._append(again if self.dice.random() < 0.5 else again | {"time": rfc3339(self.now)})

    def _append(self, one: Record) -> None:
        self.records.append(one)
        hear(self.partition, one)

    def customer(self) -> str:
        """Pick a customer."""
        return self.dice.choice(self.customers)

    def commands(self, customer: str) -> list[str]:
        """Give the ids of the customer's commands so far."""
        ids = [one["data"].get("command_id") for one in self.partition.out if one["data"]["customer_id"] == customer]
        return [str(one) for one in ids if one is not None]


def history(seed: int, *, wide_after_tick: bool = True) -> list[Record]:
    """Give one log of one to three customers; 20 to 120 records over days to months."""
    dice = random.Random(seed)  # noqa: S311 - examples, not secrets
    writer = Writer(dice, wide_after_tick)
    writer.customers = [f"7{number}" for number in range(dice.choice((1, 1, 2, 3)))]
    writer.codes, writer.accounts = dice.choice(PALETTES), "abcd"[: dice.choice((1, 2, 4))]
    writer.logins_known = dice.choice((0.3, 0.85, 0.95))
    pace = timedelta(hours=dice.choice((1, 6, 24, 48)))
    for _ in range(dice.randint(20, 120)):
        _pass_time(writer, pace)
        dice.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0](writer)
    writer.write("clock.tick", {}, at=writer.now + timedelta(days=dice.choice((0, 1, 30))))
    return writer.records


def _pass_time(writer: Writer, pace: timedelta) -> None:
    """Aim at a limit after an earlier record, go on a little, stay, or run back a little."""
    dice, where = writer.dice, writer.dice.random()
    if where < 0.45 and writer.records:
        aimed = event_time(dice.choice(writer.records[-8:])) + dice.choice(LIMITS) + dice.choice(NUDGES)
        if writer.now <= aimed <= writer.now + 20 * pace:
            writer.now = aimed
            return
    if where < 0.6:
        return
    if where < 0.65:
        writer.now -= timedelta(minutes=dice.choice((1, 10, 60)))
        return
    writer.now += pace * dice.choice((0.01, 0.1, 0.5, 1, 1))
    writer.now = writer.now.replace(microsecond=writer.now.microsecond // 1000 * 1000)


def _snapshot(writer: Writer) -> None:
    """Write an account as the vendor might report it."""
    dice = writer.dice
    account = dice.choice(writer.accounts)
    login = {"a": "L1", "b": "L1", "c": "L2", "d": "L3"}[account]
    data: dict[str, Any] = {
        "customerId": writer.customer(),
        "accountId": account,
        "institutionId": "bank" if dice.random() < 0.93 else dice.choice(BANKS),
        "institutionLoginId": login
        if dice.random() < writer.logins_known
        else dice.choice(("L1", "L2", "L3", None, None)),
        "aggregationStatusCode": dice.choice(writer.codes),
        "aggregationAttemptDate": _attempt(writer),
    }
    data |= _other_dates(writer) | _authorisation(writer)
    if dice.random() < 0.08:
        data["aggregationStatusCode"] = dice.choice((None, "185", 185.0, True, "0"))
    kind = "txpush.account.modified" if dice.random() < 0.85 else "account.observed"
    writer.write(kind, {name: value for name, value in data.items() if value is not None or dice.random() < 0.5})


def _attempt(writer: Writer) -> object:
    """Give an attempt: mostly now, sometimes of an earlier record, missing, zero or in the future."""
    dice, where = writer.dice, writer.dice.random()
    if where < 0.6:
        return rfc3339(writer.now)
    if where < 0.75:
        return int(writer.now.timestamp()) - dice.choice((0, 1, 60, 3600))
    if where < 0.88:
        earlier = [one["data"].get("aggregationAttemptDate") for one in writer.records[-10:]]
        return dice.choice([*earlier, None])
    ahead = timedelta(hours=dice.choice((1, 24, 25))) + dice.choice(NUDGES)
    return dice.choice((None, None, 0, "soon", rfc3339(writer.now + ahead)))


def _other_dates(writer: Writer) -> dict[str, Any]:
    """Give lastUpdatedDate and aggregationSuccessDate now and then, a little old sometimes."""
    dates = {}
    for name in ("lastUpdatedDate", "aggregationSuccessDate"):
        if writer.dice.random() < 0.2:
            dates[name] = int(writer.now.timestamp()) - writer.dice.choice((0, 0, 60, 7200, 86400))
    return dates


def _authorisation(writer: Writer) -> dict[str, Any]:
    """Give an end of the consent now and then: in the window, far off, passed, or on the limit."""
    dice = writer.dice
    if dice.random() > 0.08:
        return {}
    end = writer.now + timedelta(days=dice.choice((-1, 0, 2, 7, 8, 21, 90))) + dice.choice(NUDGES)
    return {"authorizationEndDate": rfc3339(end), "authorizationExpires": dice.choice((True, True, True, False, None))}


def _locate(writer: Writer) -> None:
    """Write the executor's answer: an account read again, with its login."""
    known = [one for one in writer.records if one["type"].startswith("txpush.account.modified")]
    if known:
        data = dict(writer.dice.choice(known[-6:])["data"])
        data["institutionLoginId"] = data.get("institutionLoginId") or writer.dice.choice(("L1", "L2"))
        writer.write("account.observed", data, source=EXECUTOR)


def _connect(writer: Writer) -> None:
    """Write a Data Connect event, strong in one of four ways or weak."""
    dice, customer = writer.dice, writer.customer()
    event_type = dice.choice(("done", "done", "done", "credentialsUpdated", "added", "started", "unableToConnect"))
    data: dict[str, Any] = {"customerId": customer, "eventType": event_type}
    data["eventId"] = dice.choice((None, "odd", _event_id(writer), _event_id(writer), _event_id(writer)))
    if dice.random() < 0.6:
        data["institutionId"] = dice.choice(BANKS)
    how = dice.random()
    if how < 0.3 and (ids := writer.commands(customer)):
        command = dice.choice(ids[-4:])
        data["webhookData"] = dice.choice(({"command_id": command}, f'{{"command_id": "{command}"}}'))
    elif how < 0.55:
        data["institutionLoginIds"] = dice.sample(["L1", "L2", "L3"], dice.choice((1, 1, 2)))
    elif how < 0.75:
        data["accountIds"] = dice.sample(["a", "b", "c", "d"], dice.choice((1, 2)))
    if dice.random() < 0.1:
        data |= {"code": dice.choice((0, 200, 100, 500)), "reason": dice.choice((None, "success", "error"))}
    writer.write(f"connect.{event_type}", {name: value for name, value in data.items() if value is not None})


def _event_id(writer: Writer) -> str:
    """Give a vendor's event id: of now, or of a while ago."""
    ago = writer.dice.choice((0, 0, 1, 60_000, 3_600_000, 90_000_000))
    return f"{round(writer.now.timestamp() * 1000) - ago}-0123456789abcdef01234567"


def _delete(writer: Writer) -> None:
    """Delete an account, by TxPUSH or in Data Connect."""
    customer, account = writer.customer(), writer.dice.choice("abcd")
    if writer.dice.random() < 0.7:
        writer.write("txpush.account.deleted", {"customerId": customer, "accountId": account})
    else:
        data = {"customerId": customer, "accountIds": [account], "eventType": "accountsDeleted"}
        writer.write("connect.accountsDeleted", data)


def _challenge(writer: Writer) -> None:
    """Write a challenge met by a live call."""
    writer.write("account.challenged", {"customerId": writer.customer(), "institutionLoginId": "L1"})


def _incident(writer: Writer) -> None:
    """Open or close an incident, now and then with an old sequence."""
    dice = writer.dice
    writer.sequence += 1
    sequence = writer.sequence if dice.random() < 0.85 else max(1, writer.sequence - 2)
    data = {"institution_id": "bank", "code": dice.choice((185, 185, 103, 102)), "sequence": sequence}
    writer.write_wide(f"institution.incident.{dice.choice(('opened', 'closed'))}", data)


def _override(writer: Writer) -> None:
    """Write an override of one customer, of an institution, or of all."""
    dice = writer.dice
    action = dice.choice(("silence", "silence", "mark_otp", "unmark_otp", "close_case", "release_baseline"))
    data: dict[str, Any] = {"action": action, "who": "operator", "why": "example"}
    if action == "silence" and dice.random() < 0.8:
        data["until"] = rfc3339(writer.now + dice.choice((timedelta(0), *LIMITS[:11])))
    if action == "release_baseline" and dice.random() < 0.8:
        data["rate_per_hour"] = dice.choice((1, 2, 7))
    if dice.random() < 0.7:
        data["customerId"] = writer.customer()
        data |= dice.choice(({}, {"accountId": "a"}, {"institutionLoginId": "L1"}, {"institutionLoginId": "L2"}))
        writer.write("operator.override", data)
    else:
        writer.write_wide("operator.override", data | dice.choice(({"all": True}, {"institutionId": "bank"})))


def _baseline(writer: Writer) -> None:
    """Sweep the accounts of a customer, with attempts around 48 h old."""
    dice, customer = writer.dice, writer.customer()
    for account in dice.sample("abcdef", 3):
        old = timedelta(hours=dice.choice((1, 48, 48, 49, 500))) + dice.choice(NUDGES)
        data: dict[str, Any] = {"customerId": customer, "accountId": account, "institutionLoginId": "L1"}
        data |= {"institutionId": "bank"}
        data |= {"aggregationStatusCode": dice.choice((0, 103, 185)), "baseline": True}
        data |= {"aggregationAttemptDate": rfc3339(writer.now - old)}
        writer.write("account.observed", data)


def _forget(writer: Writer) -> None:
    """Forget a customer."""
    writer.write("customer.forgotten", {"customerId": writer.customer()})


def _policy(writer: Writer) -> None:
    """Put another policy in force, with the catalogue as it is."""
    catalogue = writer.partition.rules.catalogue
    writer.write_wide("policy.activated", {"policy": writer.dice.choice(POLICIES), "catalogue": catalogue})


def _tick(writer: Writer) -> None:
    """Let time pass on the partition."""
    writer.write("clock.tick", {})


_WEIGHTS: dict[Callable[[Writer], None], float] = {
    _snapshot: 55,
    _connect: 12,
    _tick: 12,
    Writer.repeat: 4,
    _locate: 4,
    _override: 3,
    _delete: 2,
    _incident: 2,
    _challenge: 1,
    _baseline: 1.5,
    _policy: 0.7,
    _forget: 0.5,
}
