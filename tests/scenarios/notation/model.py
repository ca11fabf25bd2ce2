"""What a scenario file says, read: events on the left, messages on the right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.policy import Policy
from tests.scenarios.notation.numbers import SHIPPED

DEFAULT_CUSTOMER, DEFAULT_BANK = "C1", "B1"


class ScenarioError(ValueError):
    """A scenario file cannot be read: the message names file and line and says what is wrong there."""


@dataclass(frozen=True)
class Heard:
    """An event that a line brings: a CloudEvent but for its id, and for the command that it answers.

    `key` None is an event about the whole partition. `answers` is kind, customer and login of a command whose id goes
    into the data under `answered_as`, a path of names.
    """

    type: str
    source: str
    time: datetime
    data: Mapping[str, Any]
    key: str | None = None
    answers: tuple[str, str, str] | None = None
    answered_as: tuple[str, ...] = ()
    name: str = ""
    """Events of one name have one id; without a name each has its own."""


@dataclass(frozen=True)
class Tick:
    """Time has come to `time` on both logs."""

    time: datetime


@dataclass(frozen=True)
class Again:
    """An event of before comes once more, with its id: the last one, or that of a name."""

    time: datetime
    name: str = ""


@dataclass(frozen=True)
class Rules:
    """Another policy is put in force, in both logs."""

    time: datetime
    policy: Policy


Step = Heard | Tick | Again | Rules


@dataclass(frozen=True)
class Told:
    """A message, by its named parts; an expected one has only the parts that the scenario states."""

    parts: Mapping[str, Any]

    def covers(self, found: "Told") -> bool:
        """Whether a message that was found has all that is stated here."""
        return all(found.parts.get(name) == part for name, part in self.parts.items())


@dataclass(frozen=True)
class Health:
    """What the health of an account has to say after a line; `says` None: nothing, it is gone."""

    customer: str
    account: str
    says: Mapping[str, Any] | None


@dataclass
class Line:
    """One line: when, what is heard, what is to be told."""

    number: int
    time: datetime
    text: str
    steps: list[Step]
    told: list[Told] = field(default_factory=list)
    health: list[Health] = field(default_factory=list)


@dataclass
class Scenario:
    """One story of a rule, or of several."""

    file: str
    number: int
    rules: tuple[str, ...]
    title: str
    policy: Policy = SHIPPED
    lines: list[Line] = field(default_factory=list)
    differs: str = ""
    """Why it is known not to come out as written; the test then fails where it does."""
    clocks_apart: bool = False
    """Customers' clocks differ in it, which those of a simulation cannot."""
