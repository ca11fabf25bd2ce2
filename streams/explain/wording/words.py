"""Fixed words: of rules, outcomes, holds, steps and sources, and of spans and times."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.catalogue import Catalogue
from schemas.commands import Hold, WithdrawReason
from schemas.events import Source
from schemas.times import rfc3339
from streams.domain import Outcome
from streams.explain.story import RuleSaid

RULES: Mapping[str, str] = {
    "R1": "a new attempt or code is an observation; a repetition changes nothing",
    "R2": "the catalogue says who has to do what about a code",
    "R3": "one open command per login and kind; more failures only update it",
    "R4": "an episode lasts from the first failing attempt until it is not needed",
    "R5": "a fix counts for the case named; closed after it: complete, else withdrawn",
    "R6": "a fix is no repair: contact waits until it shows, or has failed to",
    "R7": "185 soon after each repair: a passcode every time, reminders stop",
    "R8": "one contact about a login in a cooldown; reminders by schedule, then none",
    "R9": "while the bank has an incident its customers are left alone",
    "R10": "one support ticket for an institution and code",
    "R11": "a code that nobody knows is support's matter, never the customer's",
    "R12": "a deleted account leaves its case, and is dropped after a time",
    "R13": "an account keeps its history when its institution or login changes",
    "R14": "a command waits until the login of the account is known",
    "R15": "an authorisation that is about to end is to be renewed before",
    "R16": "an operator has decided",
    "R17": "old news of a first sweep contact nobody until they are released",
    "R18": "the customer is to be forgotten",
    "policy": "the rules in force have changed",
}
"""Each rule of streams/domain/README.md in a line."""

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.OBSERVED: "a new observation",
    Outcome.DUPLICATE_EVENT: "the same event again: it changes nothing",
    Outcome.DUPLICATE: "the same attempt and code again: nobody is told twice",
    Outcome.STALE: "older than what is known of the account: it changes nothing",
    Outcome.NEVER_AGGREGATED: "without a code: nothing was observed",
    Outcome.AFTER_DELETION: "the account is deleted, and this attempt is not later: it changes nothing",
    Outcome.DELETED: "the account is deleted",
    Outcome.REPEATED_DELETION: "deleted before: it changes nothing",
    Outcome.FIX_STRONG: "a fix of a case that is named: it has to show in the data",
    Outcome.FIX_OUTDATED: "a fix from before the latest success: it changes nothing",
    Outcome.FIX_WEAK: "a fix that names no case: it only holds the next reminder back for a while",
    Outcome.CONNECT: "no fix: it changes nothing",
    Outcome.TICK: "what was due is done",
    Outcome.CHALLENGED: "it raises a suspicion, shown in the health of the account only",
    Outcome.INCIDENT: "who waits is looked at anew",
    Outcome.OVERRIDDEN: "done as the operator decided",
    Outcome.FORGOTTEN: "what was open is withdrawn, and the state is dropped",
    Outcome.UNKNOWN_CUSTOMER: "the customer is not known any more: the answer changes nothing",
    Outcome.REPORTED: "it is kept, and changes no decision",
    Outcome.REVIEWED: "who waits is looked at anew",
    Outcome.UNHANDLED: "no decision follows from events of this type",
}

HOLDS: Mapping[Hold, str] = {
    Hold.FIX_PENDING: "a fix was made and has to show in the data first (R6)",
    Hold.COOLDOWN: "the last contact about this login is too recent (R8)",
    Hold.INCIDENT: "the bank has an incident (R9)",
    Hold.WEAK_FIX: "a fix was heard of that may have been this login's (R5)",
    Hold.SILENCE: "an operator has silenced contact (R16)",
    Hold.BASELINE: "old news of a first sweep: it waits for its release (R17)",
}

_ENDLESS: Mapping[Hold, str] = {
    Hold.FIX_PENDING: "until it does, or is given up",
    Hold.SILENCE: "until another override",
    Hold.BASELINE: "until an operator releases it",
}
"""When a hold ends that no time ends."""

WITHDRAWN: Mapping[str, str] = {
    WithdrawReason.HEALED: "works again without a fix through our link",
    WithdrawReason.OTP: "a one-time passcode is asked for every time: see the escalation",
    WithdrawReason.RELEASED: "no passcode is asked for any more",
    WithdrawReason.DELETED: "the account was deleted",
    WithdrawReason.SUPERSEDED: "something else is needed now",
    WithdrawReason.EXPIRED: "the authorisation has ended",
    WithdrawReason.OPERATOR: "an operator closed it",
    WithdrawReason.FORGOTTEN: "the customer was forgotten",
}

SOURCES: Mapping[str, str] = {
    Source.BRIDGE: "bridge",
    Source.EXECUTOR: "executor",
    Source.SWEEP: "sweep",
    Source.AGENT: "agent",
    Source.INSTITUTIONS: "institution agent",
    Source.OPERATOR: "operator",
}
PREFIX = "remediation."


def rules_said(names: tuple[str, ...] | list[str]) -> tuple[RuleSaid, ...]:
    """Give rules with their words; one of another release has none."""
    return tuple(RuleSaid(rule=name, says=RULES.get(name, "a rule that this release does not know")) for name in names)


def means(code: int | None, catalogue: Catalogue) -> str | None:
    """Give the words of a code."""
    return None if code is None else catalogue.entry(code).text


def code_said(code: int | None, catalogue: Catalogue) -> str:
    """Give a code with its words."""
    return "no code" if code is None else f"{code}, {catalogue.entry(code).text}"


def span(length: timedelta) -> str:
    """Give a span as people say it: two units at most."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours >= 48 else (0, hours)  # noqa: PLR2004 - 26 hours say more than a day and two
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    told = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(told[:2]) or "0 s"


def held(hold: Hold, until: datetime | None) -> str:
    """Say what holds a contact, and until when."""
    if until is None:
        return f"{HOLDS[hold]}, {_ENDLESS.get(hold, 'until something happens')}"
    end = f"until it is over, at the latest {rfc3339(until)}" if hold is Hold.INCIDENT else f"until {rfc3339(until)}"
    return f"{HOLDS[hold]}, {end}"


def counted(number: int, one: str, many: str = "") -> str:
    """Count things."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def said(action: object, kind: object) -> str:
    """Name a message by what it is."""
    return f"look-up ({action})" if kind == "lookup" else f"{action} {kind}"
