"""The topics of the contract, as `txpush topics check` looks at them."""

from collections.abc import Sequence

from streams.doctor.findings import Finding, ok, wrong
from streams.doctor.scope import Scope
from streams.kafka.topics import Layout, check, contract


async def look(scope: Scope) -> Sequence[Finding]:
    """Give every difference from the contract."""
    layout = Layout.of(scope.settings)
    problems = [wrong(*_parted(problem)) for problem in await check(scope.access, layout)]
    return problems or [ok(f"{len(contract())} topics of {layout.partitions} partitions are as they should be")]


def _parted(problem: str) -> tuple[str, str]:
    what, _, remedy = problem.partition(": ")
    return what, remedy
