"""Accounts for every end of a process: its code, and the disturbance that it comes from."""

from collections.abc import Sequence

from tests.chaos.actors.workers import End
from tests.chaos.check.compare import Findings
from tests.chaos.faults.plan import Done, Kind

EXIT_OK, EXIT_RESTART = 0, 70
KILLED, BEFORE_HANDLERS = -9, -15
AFTER_SECONDS = 90.0
"""How long a disturbance explains ends: a start waits a minute for a broker, and a stop takes up to 10 s."""
ASKED = frozenset({Kind.TERM, Kind.DEPLOY, Kind.SCALE_IN})


def check_ends(findings: Findings, ends: Sequence[End], done: Sequence[Done]) -> None:
    """Count the ends that nothing explains."""
    for end in ends:
        findings.compared["ends"] += 1
        findings.found("ends_unexplained", not _explained(end, done), f"{end.worker} {end.code} at {end.at:.0f}")


def _explained(end: End, done: Sequence[Done]) -> bool:
    lately = [one for one in done if one.at <= end.at <= one.until + AFTER_SECONDS]
    own = {one.kind for one in lately if one.victim == end.worker}
    if end.code == KILLED:
        return Kind.KILL in own
    if end.code in {EXIT_OK, BEFORE_HANDLERS}:
        return bool(ASKED & own)
    return end.code == EXIT_RESTART and (Kind.STOP in own or any(one.kind.is_of_brokers for one in lately))
