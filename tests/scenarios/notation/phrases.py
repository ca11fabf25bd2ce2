"""The left side: phrases for every event of the inbound log."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from schemas.events import EventType, Source
from schemas.policy import Policy
from schemas.times import parse_rfc3339, rfc3339, to_epoch_ms
from tests.scenarios.notation.model import DEFAULT_BANK, DEFAULT_CUSTOMER, Again, Heard, Rules, Step, Tick
from tests.scenarios.notation.numbers import with_numbers
from tests.scenarios.notation.options import Options, take_options

ATTEMPT_BEFORE = timedelta(minutes=2)
"""How long before its event an attempt was, where nothing else is said."""

SOURCES = {
    "sweep": (EventType.ACCOUNT_OBSERVED, Source.SWEEP),
    "read": (EventType.ACCOUNT_OBSERVED, Source.EXECUTOR),
    "": (EventType.ACCOUNT_MODIFIED, Source.BRIDGE),
}
DATES = {
    "attempt": "aggregationAttemptDate",
    "success": "aggregationSuccessDate",
    "updated": "lastUpdatedDate",
    "ends": "authorizationEndDate",
}
Build = Callable[[re.Match[str], datetime, Options], list[Step]]


def read_phrase(text: str, at: datetime, policy: Policy) -> list[Step]:
    """Read what a line hears; raises ValueError."""
    phrase, options = take_options(text, at)
    if phrase.startswith("policy "):
        return [Rules(at, with_numbers(policy, phrase.removeprefix("policy ")))]
    for pattern, build in _PHRASES:
        if match := pattern.fullmatch(phrase):
            steps = build(match, at, options)
            options.close()
            return steps
    raise ValueError(f"{phrase!r} is no event: see tests/scenarios/README.md for the phrases")


# -- accounts


def _snapshot(match: re.Match[str], at: datetime, options: Options) -> list[Step]:
    whose = match["customer"] or DEFAULT_CUSTOMER, match["account"], match["login"]
    return [_look(whose, match["code"], at, options)]


def _look(whose: tuple[str, str, str], code: str, at: datetime, options: Options) -> Heard:
    customer, account, login = whose
    how = "sweep" if options.flag("sweep") else "read" if options.flag("read") else ""
    bank = options.text("bank", DEFAULT_BANK)
    data: dict[str, Any] = {"customerId": customer, "accountId": account} | _dates(at, options)
    data |= {} if bank is None else {"institutionId": bank}
    data |= {} if login == "?" else {"institutionLoginId": login}
    data |= {} if code == "-" else {"aggregationStatusCode": _code(code)}
    data |= {"baseline": True} if how == "sweep" else {}
    kind, source = SOURCES[how]
    if code == "deleted":
        kind, data = EventType.ACCOUNT_DELETED, {k: v for k, v in data.items() if k != "aggregationStatusCode"}
    return Heard(kind, source, at, data, customer, name=options.text("id") or "")


def _code(text: str) -> int | float | str | bool | None:
    if text.startswith('"'):
        return text.strip('"')
    if text in {"true", "deleted"}:
        return True if text == "true" else None
    return float(text) if "." in text else int(text)


def _dates(at: datetime, options: Options) -> dict[str, Any]:
    """Give the vendor's dates; `0` and `garbage` are passed on as they are."""
    given: dict[str, Any] = {"aggregationAttemptDate": rfc3339(at - ATTEMPT_BEFORE)}
    for name, field in DATES.items():
        if name in options:
            given[field] = _date(name, options)
    if options.flag("epoch"):
        given = {name: _epoch_seconds(date) for name, date in given.items()}
    if options.flag("expires"):
        given["authorizationExpires"] = True
    if options.flag("endless"):
        given["authorizationExpires"] = False
    return {name: date for name, date in given.items() if date is not None}


def _epoch_seconds(date: Any) -> Any:  # noqa: ANN401 - what the vendor may send
    return to_epoch_ms(parse_rfc3339(date)) // 1000 if isinstance(date, str) else date


def _date(name: str, options: Options) -> Any:  # noqa: ANN401 - what the vendor may send
    raw = options.peek(name)
    if raw in {"0", "garbage"}:
        options.flag(name)
        return 0 if raw == "0" else raw
    at = options.time(name)
    return None if at is None else rfc3339(at)


def _many(match: re.Match[str], at: datetime, options: Options) -> list[Step]:
    """Give one snapshot each of many logins, customer, account and login of one number."""
    code = "0" if match["how"] == "succeed" else match["how"].removeprefix("fail ")
    first, last = int(match["first"]), int(match["last"] or match["first"])
    return [
        _look((f"P{n}", f"p{n}", f"Q{n}"), code, at, each)
        for n, each in zip(range(first, last + 1), options.split(bank=match["bank"]), strict=False)
    ]


# -- other events of customers


def _connect(match: re.Match[str], at: datetime, options: Options) -> list[Step]:
    customer = options.text("customer", DEFAULT_CUSTOMER) or DEFAULT_CUSTOMER
    made = options.time("made")
    data: dict[str, Any] = {
        "customerId": customer,
        "eventType": match["kind"],
        "eventId": options.text("event") or (None if made is None else f"{to_epoch_ms(made)}-0123456789abcdef01234567"),
        "institutionId": options.text("bank"),
        "institutionLoginIds": list(options.words("login")),
        "accountIds": list(options.words("account")),
        "reason": options.text("reason"),
        "code": None if "code" not in options else int(options.text("code") or 0),
    }
    kind, login = (*options.words("command"), "", "")[:2]
    known = {name: value for name, value in data.items() if value not in (None, [])}
    answers = (kind, customer, login) if kind else None
    name = options.text("id") or ""
    path = ("webhookData", "command_id") if answers else ()
    return [Heard(f"connect.{match['kind']}", Source.BRIDGE, at, known, customer, answers, path, name)]


def _challenged(match: re.Match[str], at: datetime, options: Options) -> list[Step]:
    customer = match["customer"] or DEFAULT_CUSTOMER
    named = {"accountId": match["account"] or None, "institutionLoginId": match["login"]}
    data = {"customerId": customer} | {name: value for name, value in named.items() if value}
    name = options.text("id") or ""
    return [Heard(EventType.ACCOUNT_CHALLENGED, Source.BRIDGE, at, data, customer, name=name)]


def _reported(match: re.Match[str], at: datetime, _options: Options) -> list[Step]:
    data = {"customerId": DEFAULT_CUSTOMER, "report": match["word"]}
    answers = (match["kind"], DEFAULT_CUSTOMER, match["login"])
    return [
        Heard(
            EventType.COMMAND_REPORTED, Source.BRIDGE, at, data, DEFAULT_CUSTOMER, answers, answered_as=("command_id",)
        )
    ]


def _forgotten(match: re.Match[str], at: datetime, _options: Options) -> list[Step]:
    customer = match["customer"] or DEFAULT_CUSTOMER
    data = {"customerId": customer, "who": "ann", "why": "asked for it"}
    return [Heard(EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, at, data, customer)]


# -- operators and institutions

SCOPES = {"login": "institutionLoginId", "account": "accountId", "bank": "institutionId", "customer": "customerId"}


def _override(match: re.Match[str], at: datetime, options: Options) -> list[Step]:
    data: dict[str, Any] = {"action": match["action"], "who": "ann", "why": "on the phone"}
    if match["scope"] == "all":
        data["all"] = True
    else:
        data[SCOPES[match["scope"]]] = match["name"]
    if match["scope"] in ("login", "account"):
        data["customerId"] = options.text("customer", DEFAULT_CUSTOMER)
    until, rate = options.time("until"), options.text("rate")
    data |= {} if until is None else {"until": rfc3339(until)}
    data |= {} if rate is None else {"rate_per_hour": int(rate)}
    return [Heard(EventType.OPERATOR_OVERRIDE, Source.OPERATOR, at, data, data.get("customerId"))]


def _incident(match: re.Match[str], at: datetime, options: Options) -> list[Step]:
    opened = options.time("since", at) or at
    kind = EventType.INCIDENT_OPENED if match["change"] == "opened" else EventType.INCIDENT_CLOSED
    default = 1 if match["change"] == "opened" else 2
    data = {
        "institution_id": match["bank"],
        "code": int(match["code"]),
        "sequence": int(options.text("sequence") or default),
        "opened_at": rfc3339(opened),
        "logins_failing": 20,
        "logins_seen": 20,
    }
    return [Heard(kind, Source.INSTITUTIONS, at, data)]


def _tick(_match: re.Match[str], at: datetime, _options: Options) -> list[Step]:
    return [Tick(at)]


def _again(match: re.Match[str], at: datetime, _options: Options) -> list[Step]:
    return [Again(at, match["name"] or "")]


_ACCOUNT = r"(?:(?P<customer>\w+)/)?(?P<account>\w*)"
_PHRASES: tuple[tuple[re.Pattern[str], Build], ...] = (
    (re.compile(r"tick"), _tick),
    (re.compile(r"again(?: (?P<name>\w+))?"), _again),
    (re.compile(r"connect (?P<kind>\w+)"), _connect),
    (re.compile(rf"challenged {_ACCOUNT}(?:@(?P<login>\w+))?"), _challenged),
    (re.compile(r"reported (?P<kind>[\w-]+) (?P<login>\w+) (?P<word>\w+)"), _reported),
    (re.compile(r"forgotten(?: (?P<customer>\w+))?"), _forgotten),
    (
        re.compile(r"override (?P<action>\w+) (?P<scope>all|(?:login|account|bank|customer)(?= ))(?: (?P<name>\w+))?"),
        _override,
    ),
    (re.compile(r"incident (?P<bank>\w+) (?P<code>\d+) (?P<change>opened|closed)"), _incident),
    (re.compile(r"logins? (?P<first>\d+)(?:-(?P<last>\d+))? of (?P<bank>\w+) (?P<how>succeed|fail \d+)"), _many),
    (re.compile(rf'{_ACCOUNT}@(?P<login>\w+|\?) (?P<code>-?\d+|\d+\.\d+|"\d+"|-|true|deleted)'), _snapshot),
)
