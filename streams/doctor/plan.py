"""The checks by name: which module looks, for whom, and how long it may take."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from schemas.contract.channels import Component
from streams.doctor.checks import (
    brokers,
    clock,
    disk,
    groups,
    keys,
    letters,
    policy,
    processes,
    rights,
    settings,
    topics,
    vendor,
)
from streams.doctor.findings import Finding
from streams.doctor.scope import CALLERS, COMPONENTS, ONLOOKERS, WORKERS, Scope

SECONDS, READ_SECONDS = 30.0, 60.0
"""How long a check may take, and one that reads records."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named check.

    Attributes:
        name: as it is shown.
        look: what it does.
        concerns: the components whose work depends on it.
        needs_broker: whether it can be made only where a broker lets us in.
        needs_partitions: whether it asks about every partition, as many as the settings say.
        seconds: how long it may take.
    """

    name: str
    look: Callable[[Scope], Awaitable[Sequence[Finding]]]
    concerns: Sequence[Component] = COMPONENTS
    needs_broker: bool = True
    needs_partitions: bool = False
    seconds: float = SECONDS


SETTINGS = Check("settings", settings.look, needs_broker=False)
BROKERS = Check("brokers", brokers.reachable, needs_broker=False)
"""The two that come first: without them others have nothing to look at."""

OTHERS = (
    Check("cluster", brokers.cluster),
    Check("topics", topics.look),
    Check("rights", rights.look),
    Check("clock", clock.look, needs_partitions=True),
    Check("vendor", vendor.reachable, CALLERS, needs_broker=False),
    Check("credentials", vendor.credentials, CALLERS, seconds=READ_SECONDS),
    Check("signing keys", keys.look, (Component.BRIDGE, *ONLOOKERS), needs_partitions=True, seconds=READ_SECONDS),
    Check("policy", policy.look, (*WORKERS, *ONLOOKERS), needs_partitions=True, seconds=READ_SECONDS),
    Check("disk", disk.look, WORKERS, needs_broker=False),
    Check("lag", groups.lag, (*WORKERS, Component.EXECUTOR, *ONLOOKERS), needs_partitions=True, seconds=READ_SECONDS),
    Check("paused", groups.stopped, (*WORKERS, *ONLOOKERS), needs_partitions=True, seconds=READ_SECONDS),
    Check("dead letters", letters.look, needs_partitions=True, seconds=READ_SECONDS),
    Check("processes", processes.look, needs_broker=False),
)
"""All others, which are made side by side."""


def chosen(scope: Scope) -> list[Check]:
    """Give those of the others that concern the components, and have something to look at."""
    return [
        check for check in OTHERS if scope.concerns(*check.concerns) and (check.look != processes.look or scope.admin)
    ]
