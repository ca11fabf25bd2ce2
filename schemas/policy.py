"""The policy: what an operator may set in the rules, read from a TOML file."""

import json
import tomllib
from datetime import timedelta
from functools import cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from schemas.catalogue import Frozen
from schemas.problems import words_of

FILE = "policy.toml"

Count = Annotated[int, Field(ge=1, le=1_000_000, description="a whole number, 1 to 1000000")]
Few = Annotated[int, Field(ge=1, le=1_000, description="a whole number, 1 to 1000")]
Minutes = Annotated[int, Field(ge=1, le=10_080, description="a whole number of minutes, 1 to 10080")]
Hours = Annotated[int, Field(ge=1, le=8_760, description="a whole number of hours, 1 to 8760")]
Days = Annotated[int, Field(ge=1, le=3_650, description="a whole number of days, 1 to 3650")]
Share = Annotated[float, Field(ge=0, le=1, description="a share, 0 to 1")]
Reminders = Annotated[tuple[Days, ...], Field(max_length=30, description="a list of up to 30 rising days, 1 to 3650")]
Thresholds = Annotated[tuple[Count, ...], Field(max_length=30, description="a list of up to 30 rising whole numbers")]


class PolicyError(ValueError):
    """The policy cannot be used: each line names the file, the key and what is allowed."""


def _refuse_unless_rising(key: str, numbers: tuple[int, ...]) -> None:
    if any(after <= before for before, after in pairwise(numbers)):
        raise ValueError(f"{key} must rise, each number once; found {list(numbers)}")


class Otp(Frozen):
    """R7: when repeated 185 means a one-time passcode at every login, and when that ends."""

    window_days: Days = 14
    relapses: Count = 2
    attempts_after_fix: Count = 2
    suspect_streak: Count = 3
    release_successes: Count = 5
    release_quiet_days: Days = 90

    @cached_property
    def window(self) -> timedelta:
        """`window_days` as a span."""
        return timedelta(days=self.window_days)

    @cached_property
    def release_quiet(self) -> timedelta:
        """`release_quiet_days` as a span."""
        return timedelta(days=self.release_quiet_days)


class Contact(Frozen):
    """R8, R5: how often a customer is contacted, and until when a contact is worth making."""

    cooldown_hours: Hours = 24
    reminder_days: Reminders = (1, 3, 7)
    not_after_hours: Hours = 24
    weak_fix_hours: Hours = 2

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _refuse_unless_rising("reminder_days", self.reminder_days)
        return self

    @cached_property
    def cooldown(self) -> timedelta:
        """`cooldown_hours` as a span."""
        return timedelta(hours=self.cooldown_hours)

    @cached_property
    def reminders(self) -> tuple[timedelta, ...]:
        """`reminder_days` as spans from the first `issue`."""
        return tuple(timedelta(days=days) for days in self.reminder_days)

    @cached_property
    def not_after(self) -> timedelta:
        """`not_after_hours` as a span."""
        return timedelta(hours=self.not_after_hours)

    @cached_property
    def weak_fix(self) -> timedelta:
        """`weak_fix_hours` as a span."""
        return timedelta(hours=self.weak_fix_hours)


class Verify(Frozen):
    """R6: how long a strong fix may go unseen in the data."""

    after_minutes: Minutes = 15
    deadline_hours: Hours = 26

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.after >= self.deadline:
            raise ValueError("after_minutes must be shorter than deadline_hours")
        return self

    @cached_property
    def after(self) -> timedelta:
        """`after_minutes` as a span."""
        return timedelta(minutes=self.after_minutes)

    @cached_property
    def deadline(self) -> timedelta:
        """`deadline_hours` as a span."""
        return timedelta(hours=self.deadline_hours)


class Incident(Frozen):
    """R9: when logins of one institution that fail together are one incident."""

    window_minutes: Minutes = 30
    min_logins: Count = 20
    open_share: Share = 0.8
    close_share: Share = 0.2
    max_hours: Hours = 12

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.close_share >= self.open_share:
            raise ValueError("close_share must be smaller than open_share")
        return self

    @cached_property
    def window(self) -> timedelta:
        """`window_minutes` as a span."""
        return timedelta(minutes=self.window_minutes)

    @cached_property
    def longest(self) -> timedelta:
        """`max_hours` as a span."""
        return timedelta(hours=self.max_hours)


class Ticket(Frozen):
    """R10: updates and end of a support ticket."""

    update_at: Thresholds = (10, 100, 1000)
    quiet_days: Days = 7

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _refuse_unless_rising("update_at", self.update_at)
        return self

    @cached_property
    def quiet(self) -> timedelta:
        """`quiet_days` as a span."""
        return timedelta(days=self.quiet_days)


class Unknown(Frozen):
    """R11: when an unknown code is worth a support ticket."""

    attempts: Count = 3
    hours: Hours = 72
    logins: Few = 5

    @cached_property
    def standing(self) -> timedelta:
        """`hours` as a span."""
        return timedelta(hours=self.hours)


class Lookup(Frozen):
    """R14: how long a command waits for its login."""

    give_up_minutes: Minutes = 60

    @cached_property
    def give_up(self) -> timedelta:
        """`give_up_minutes` as a span."""
        return timedelta(minutes=self.give_up_minutes)


class EarlyWarning(Frozen):
    """R15: how long before its end an authorisation is to be renewed."""

    days: Days = 7

    @cached_property
    def ahead(self) -> timedelta:
        """`days` as a span."""
        return timedelta(days=self.days)


class Baseline(Frozen):
    """R17: which attempts a first sweep takes for old news."""

    older_hours: Hours = 48

    @cached_property
    def older(self) -> timedelta:
        """`older_hours` as a span."""
        return timedelta(hours=self.older_hours)


class State(Frozen):
    """R12, R1: how long state of deleted accounts and ids of events are kept."""

    forget_days: Days = 30
    dedupe_days: Days = 4

    @cached_property
    def forget(self) -> timedelta:
        """`forget_days` as a span."""
        return timedelta(days=self.forget_days)

    @cached_property
    def dedupe(self) -> timedelta:
        """`dedupe_days` as a span."""
        return timedelta(days=self.dedupe_days)


class DeadLetter(Frozen):
    """Guarantee 4: the share of dead letters above which a partition pauses."""

    max_share: Share = 0.2


class Policy(Frozen):
    """Everything that an operator may set about the decisions; the keys are those of the file."""

    version: Annotated[str, Field(min_length=1, max_length=40, description="a text of 1 to 40 characters")] = (
        "2026-11-1"
    )
    fix_integrated: Annotated[bool, Field(description="true or false")] = True
    otp: Otp = Otp()
    contact: Contact = Contact()
    verify: Verify = Verify()
    incident: Incident = Incident()
    ticket: Ticket = Ticket()
    unknown: Unknown = Unknown()
    lookup: Lookup = Lookup()
    warning: EarlyWarning = EarlyWarning()
    baseline: Baseline = Baseline()
    state: State = State()
    dead_letter: DeadLetter = DeadLetter()

    @classmethod
    def load(cls, path: Path | None = None) -> "Policy":
        """Read the file at `path`, or the shipped policy; `PolicyError` lists all that is wrong with it."""
        if path is None:
            return cls.from_toml(resources.files("schemas").joinpath(FILE).read_text("utf-8"))
        try:
            return cls.from_toml(path.read_text("utf-8"), file=str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: cannot be read ({error}); name a readable TOML file in UTF-8") from error

    @classmethod
    def from_toml(cls, text: str, file: str = FILE) -> "Policy":
        """Read a policy; keys left out keep the defaults; `PolicyError` lists every problem by file and key."""
        try:
            # By way of JSON: the strict models take a list for a tuple only there.
            return cls.model_validate_json(json.dumps(tomllib.loads(text), default=str))
        except ValidationError as error:
            problems = [f"{file}: {_key(one)}: {_advice(one)}" for one in error.errors(include_url=False)]
            raise PolicyError("\n".join(problems)) from None
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"{file}: not TOML: {error}; mend that line") from error

    @cached_property
    def sha256(self) -> str:
        """The digest that commands, audit records and `policy.activated` state."""
        return self.digest()


def _key(problem: ErrorDetails) -> str:
    return ".".join(part for part in problem["loc"] if isinstance(part, str))


def _advice(problem: ErrorDetails) -> str:
    if problem["type"] == "value_error" or not problem["loc"]:
        return words_of(problem)
    *sections, key = [part for part in problem["loc"] if isinstance(part, str)]
    model = _model(sections)
    if problem["type"] == "extra_forbidden":
        return f"no such key; {'.'.join(sections) or 'the file'} knows {', '.join(model.model_fields)}"
    allowed = model.model_fields[key].description or f"a table with the keys {', '.join(_model([key]).model_fields)}"
    return f"must be {allowed}; found {problem['input']!r}"


def _model(sections: list[str]) -> type[Frozen]:
    model: Any = Policy
    for name in sections:
        model = model.model_fields[name].annotation
    return model  # type: ignore[no-any-return]
