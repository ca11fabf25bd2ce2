"""The right side: what is told, `connect-fix L1 issue 185 answer_challenge (ordinal 1)`, and `health a1 (otp no)`."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from schemas.catalogue import Kind, Step
from schemas.commands import Action, LookupAction, TicketCause, WithdrawReason
from tests.scenarios.notation.model import DEFAULT_CUSTOMER, Health, Told
from tests.scenarios.notation.options import Options, take_options

_RANGE = re.compile(r"logins (\d+)(?:-(\d+))? ")
NUMBERS = ("ordinal", "relapses", "sequence", "logins")
TIMES = ("at", "opened", "until", "first", "last")
WORDS = ("accounts", "codes", "samples")
TEXTS = ("bank", "cause", "policy")


def read_told(text: str, at: datetime) -> Iterator[Told | Health]:
    """Read what is told after `->`: one message, one each of a range of logins, or nothing; raises ValueError."""
    phrase, options = take_options(text, at)
    if phrase == "nothing":
        return
    if phrase.startswith("health "):
        yield _health(phrase.split(), options)
        options.close()
        return
    many = _RANGE.search(phrase)
    names = [""] if many is None else [f"P{n}/Q{n} " for n in range(int(many[1]), int(many[2] or many[1]) + 1)]
    parts = _parts(at, options)
    for name in names:
        yield Told(_message(_RANGE.sub(name, phrase).split()) | parts)


def _parts(at: datetime, options: Options) -> dict[str, Any]:
    """Read the brackets; without a time of its own a message is of the line's."""
    parts: dict[str, Any] = {"at": options.time("at", at)}
    parts |= {name: int(options.text(name) or 0) for name in NUMBERS if name in options}
    parts |= {name: options.time(name) for name in TIMES if name in options}
    parts |= {name: options.words(name) for name in WORDS if name in options}
    parts |= {name: options.text(name) for name in TEXTS if name in options}
    options.close()
    return parts


def _message(words: list[str]) -> dict[str, Any]:
    what, who, action, *rest = words
    parts: dict[str, Any] = {"what": what, "who": who if what == Kind.SUPPORT_TICKET else _login(who), "action": action}
    if what == "lookup":
        LookupAction(action)
    else:
        Kind(what), Action(action)
    if action == Action.WITHDRAW:
        parts["why"] = WithdrawReason(rest.pop(0)).value
    for word in rest:
        _add(parts, word)
    if action in (Action.ISSUE, Action.UPDATE, Action.REMIND) and "code" not in parts:
        raise ValueError("say the code that the message states, or none")
    return parts


def _add(parts: dict[str, Any], word: str) -> None:
    if word == "none" or word.isdigit():
        parts["code"] = None if word == "none" else int(word)
    elif word in set(TicketCause):
        parts["cause"] = word
    else:
        parts["steps"] = (*parts.get("steps", ()), Step(word).value)


def _login(text: str) -> str:
    """Give a login as messages are shown: with its customer only where that is not the usual one."""
    return text.removeprefix(f"{DEFAULT_CUSTOMER}/")


def _health(words: list[str], options: Options) -> Health:
    customer, _, account = words[1].rpartition("/")
    if words[2:] == ["gone"]:
        return Health(customer or DEFAULT_CUSTOMER, account, None)
    says: dict[str, Any] = {name: options.text(name) for name in ("otp", "phase") if name in options}
    if "code" in options:
        code = options.text("code")
        says["code"] = None if code is None else int(code)
    if "login" in options:
        says["institution_login_id"] = options.text("login")
    if "bank" in options:
        says["institution_id"] = options.text("bank")
    says |= {name: options.time(name.partition("_")[0]) for name in ("healthy_at", "heard_at") if name[:-3] in options}
    for name, is_it in (("unresponsive", True), ("responsive", False)):
        if options.flag(name):
            says["is_unresponsive"] = is_it
    return Health(customer or DEFAULT_CUSTOMER, account, says)
