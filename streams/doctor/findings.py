"""What a check has found: how it is, in words, and what to do next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How something is; the later, the worse."""

    LEFT_OUT = "left out"
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"

    @property
    def badness(self) -> int:
        """Give a number to sort by: the worst has the highest."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen; `remedy` is what to do next, empty only where all is well."""

    status: Status
    what: str
    remedy: str = ""


def ok(what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Status.OK, what)


def warning(what: str, remedy: str) -> Finding:
    """Say what may become wrong, or costs something."""
    return Finding(Status.WARNING, what, remedy)


def wrong(what: str, remedy: str) -> Finding:
    """Say what keeps a component from its work, or will."""
    return Finding(Status.WRONG, what, remedy)


def left_out(what: str, remedy: str) -> Finding:
    """Say what was not looked at, and what would have it looked at."""
    return Finding(Status.LEFT_OUT, what, remedy)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check and its findings, of which there is one at least."""

    name: str
    findings: Sequence[Finding]

    @property
    def status(self) -> Status:
        """Give the worst of the findings."""
        return worst(finding.status for finding in self.findings)


def worst(statuses: Iterable[Status]) -> Status:
    """Give the worst status; ok where there is none."""
    return max(statuses, key=lambda status: status.badness, default=Status.OK)
