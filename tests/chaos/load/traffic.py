"""Seeded traffic as messy as the vendor's: notifications, redeliveries, stale records, deletions, poison."""

import hashlib
import json
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schemas.catalogue import Catalogue, Treatment

INSTITUTIONS = 40
TROUBLED = 3
"""Institutions whose logins show codes for support: so that tickets open and count many logins."""
NOTIFICATIONS_PER_CUSTOMER = 12
REMEMBERED = 200
UNKNOWN_CODES = (777, 1234, 99999)
FAILING_SHARE = 0.35
COMMON_CODES = (185, 185, 185, 103, 948) * 3 + (169, 949)
"""Half of the failures: so that each kind of command goes out in numbers, however fast the machine."""
CONNECT_TYPES = ("done", "done", "credentialsUpdated", "added", "started", "invalidCredentials", "unableToConnect")

KINDS = {
    "modified": 74,
    "stale": 5,
    "redelivered": 8,
    "deleted": 3,
    "connect": 6,
    "observed": 2,
    "poison": 1,
    "rogue": 1,
}
"""What a notification is, in hundredths."""

ROGUES = ("bad_time", "no_type", "wrong_source", "wrong_partition", "wrong_key", "bad_data", "unhandled", "no_key")


@dataclass(frozen=True, slots=True)
class Post:
    """A body for the bridge; `stored` are the indexes of its records that become events of the log."""

    route: str
    body: bytes
    stored: tuple[int, ...]
    refused: int = 0

    @property
    def sha256(self) -> str:
        """The hash of the body, lower-case hex."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Direct:
    """A record that another component writes into the log itself, sound or spoilt as `fault` says."""

    event_type: str
    source: str
    customer_id: str
    data: bytes
    fault: str = ""


Notification = Post | Direct


@dataclass(slots=True)
class Account:
    """An account as the vendor has it at the moment."""

    account_id: str
    code: int = 0
    attempted_at: int = 0
    succeeded_at: int = 0
    deleted: bool = False


@dataclass(slots=True)
class Login:
    """A customer's login at an institution."""

    customer_id: str
    login_id: str
    institution_id: str
    accounts: list[Account]
    at_vendor: bool = False
    """Whether the vendor knows it: then it keeps its id, and look-ups about it find something."""


@dataclass(slots=True)
class Traffic:
    """The notifications of a run, `count` of them, spread evenly over `span` of the vendor's time from `start` on.

    `known` are logins that the vendor has as well; of others there are `customers`, or a twelfth of `count`.
    """

    seed: int
    count: int
    start: datetime
    span: timedelta
    known: Sequence[Login] = ()
    customers: int | None = None
    _random: random.Random = field(init=False)
    _logins: list[Login] = field(init=False)
    _sent: deque[Post] = field(init=False)
    _support: list[int] = field(init=False)
    _codes: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Make customers with one or two logins of one to five accounts."""
        self._random = random.Random(self.seed)  # noqa: S311 - to be repeated, not to be secret
        self._sent = deque(maxlen=REMEMBERED)
        catalogue = Catalogue.load()
        self._support = [e.code for e in catalogue.entries if e.treatment is Treatment.SUPPORT and e.code is not None]
        self._codes = [e.code for e in catalogue.entries if e.code] + list(UNKNOWN_CODES)
        customers = self.customers or max(8, self.count // NOTIFICATIONS_PER_CUSTOMER)
        self._logins = [login for number in range(customers) for login in self._customer(number)]
        self._logins += self.known

    def __iter__(self) -> Iterator[Notification]:
        """Give the notifications in the order of sending."""
        for number in range(self.count):
            now = int((self.start + self.span * (number / self.count)).timestamp())
            made = self._notification(now)
            if isinstance(made, Post):
                self._sent.append(made)
            yield made

    def _customer(self, number: int) -> Iterator[Login]:
        draw = self._random
        for ordinal in range(draw.choice((1, 1, 2))):
            base = number * 10 + ordinal
            institution = 102000 + min(draw.randrange(INSTITUTIONS), draw.randrange(INSTITUTIONS))
            accounts = [Account(f"59{base:08d}{index}") for index in range(draw.randint(1, 5))]
            yield Login(f"73{number:08d}", f"71{base:08d}", str(institution), accounts)

    def _notification(self, now: int) -> Notification:
        (kind,) = self._random.choices(list(KINDS), list(KINDS.values()))
        login = self._random.choice(self._logins)
        if kind == "redelivered" and self._sent:
            return self._random.choice(self._sent)
        makers: dict[str, Callable[[Login, int], Notification]] = {
            "stale": self._stale,
            "deleted": self._deleted,
            "connect": self._connect,
            "observed": self._observed,
            "poison": self._poison,
            "rogue": self._rogue,
        }
        return makers.get(kind, self._modified)(login, now)

    def _modified(self, login: Login, now: int) -> Post:
        """Observe some accounts of a login again, all with one code or each with its own."""
        draw = self._random
        chosen = draw.sample(login.accounts, draw.randint(1, len(login.accounts)))
        shared = self._code(login)
        for account in chosen:
            account.code = shared if draw.random() < 0.7 else self._code(login)
            account.attempted_at = now - draw.randint(0, 600)
            account.succeeded_at = account.attempted_at if account.code == 0 else account.succeeded_at
            account.deleted = False
        if draw.random() < 0.01 and not login.at_vendor:
            login.login_id = f"72{draw.randrange(10**8):08d}"
        return _post("modified", [self._snapshot(login, account) for account in chosen])

    def _stale(self, login: Login, now: int) -> Post:
        """Send what was so a while ago, and records out of order."""
        records = [self._snapshot(login, account) for account in login.accounts]
        for record in records:
            record["aggregationAttemptDate"] = now - self._random.randint(0, 7 * 86_400)
            record["aggregationStatusCode"] = self._code(login)
        self._random.shuffle(records)
        return _post("modified", records)

    def _deleted(self, login: Login, _now: int) -> Post:
        account = self._random.choice(login.accounts)
        account.deleted = True
        return _post("deleted", [self._snapshot(login, account)])

    def _connect(self, login: Login, now: int) -> Post:
        draw = self._random
        told = draw.sample(login.accounts, draw.randint(0, len(login.accounts)))
        body = {
            "customerId": login.customer_id,
            "eventType": draw.choice(CONNECT_TYPES),
            "eventId": f"{now * 1000 + draw.randrange(1000)}-{draw.getrandbits(96):024x}",
            "payload": {
                "institutionId": login.institution_id,
                "accounts": [{"id": a.account_id, "institutionLoginId": login.login_id} for a in told],
            },
        }
        return Post("connect", json.dumps(body).encode(), (0,))

    def _observed(self, login: Login, now: int) -> Direct:
        """Read an account over the API, as the executor and a sweep do."""
        account = self._random.choice(login.accounts)
        account.code, account.attempted_at = self._code(login), now
        snapshot = self._snapshot(login, account)
        snapshot["accountId"] = snapshot.pop("id")
        source = self._random.choice(("/remediation/executor", "/remediation/sweep"))
        return Direct("account.observed", source, login.customer_id, json.dumps(snapshot).encode())

    def _poison(self, login: Login, _now: int) -> Post:
        """Send what cannot become an event, with a sound record beside it where there can be one."""
        choice = self._random.randrange(4)
        if choice == 0:
            return Post("txpush", b"{not json %d" % self._random.getrandbits(64), (), 1)
        if choice == 1:
            return Post("txpush", json.dumps({"event": {"salt": self._random.getrandbits(64)}}).encode(), (), 1)
        good, bad = (self._snapshot(login, login.accounts[0]) for _ in range(2))
        bad["salt"] = self._random.getrandbits(64)
        del bad["customerId" if choice == 2 else "id"]
        return _post("modified", [bad, good], stored=(1,), refused=1)

    def _rogue(self, login: Login, _now: int) -> Direct:
        fault = self._random.choice(ROGUES)
        snapshot = self._snapshot(login, login.accounts[0])
        snapshot["accountId"] = snapshot.pop("id")
        data = b"[1, 2" if fault == "bad_data" else json.dumps(snapshot).encode()
        event_type = "account.challenged" if fault == "unhandled" else "txpush.account.modified"
        source = "/remediation/sweep" if fault == "wrong_source" else "/remediation/bridge"
        return Direct(event_type, source, login.customer_id, data, fault)

    def _code(self, login: Login) -> int:
        draw = self._random
        if draw.random() > FAILING_SHARE:
            return 0
        if int(login.institution_id) < 102000 + TROUBLED and draw.random() < 0.7:
            return draw.choice(self._support[:3])
        return draw.choice(COMMON_CODES) if draw.random() < 0.5 else draw.choice(self._codes)

    def _snapshot(self, login: Login, account: Account) -> dict[str, Any]:
        """Give an account as the vendor sends it, codes and dates in the types that they come in."""
        code: Any = account.code if self._random.random() < 0.9 else str(account.code)
        record = {
            "id": account.account_id,
            "customerId": login.customer_id,
            "institutionId": login.institution_id,
            "institutionLoginId": int(login.login_id),
            "name": "Everyday Checking",
            "balance": self._random.randrange(100_000) / 100,
            "type": "checking",
            "aggregationStatusCode": code,
            "aggregationAttemptDate": account.attempted_at,
            "aggregationSuccessDate": account.succeeded_at,
            "lastUpdatedDate": account.attempted_at,
        }
        if self._random.random() < 0.03:
            del record["institutionLoginId"]
        return record


def _post(
    event_type: str, records: list[dict[str, Any]], stored: tuple[int, ...] | None = None, refused: int = 0
) -> Post:
    body = json.dumps({"event": {"class": "account", "type": event_type, "records": records}}).encode()
    return Post("txpush", body, tuple(range(len(records))) if stored is None else stored, refused)
