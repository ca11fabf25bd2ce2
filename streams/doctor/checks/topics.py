"""The topics of the contract, as `txpush topics check` looks at them."""

from collections.abc import Mapping, Sequence

from streams.doctor.findings import Finding, ok, wrong
from streams.doctor.scope import Scope
from streams.kafka.applied import check, topics_there
from streams.kafka.topics import Layout, contract


async def there(scope: Scope) -> Mapping[str, tuple[int, int]]:
    """Give partitions and smallest number of replicas of each topic, for `Scope.once`."""
    return await topics_there(scope.access)


async def look(scope: Scope) -> Sequence[Finding]:
    """Give every difference from the contract."""
    layout = Layout.of(scope.settings)
    found = await check(scope.access, layout, await scope.once(there))
    problems = [wrong(*_parted(problem)) for problem in found]
    return problems or [ok(f"{len(contract())} topics of {layout.partitions} partitions are as they should be")]


def _parted(problem: str) -> tuple[str, str]:
    what, _, remedy = problem.partition(": ")
    return what, remedy
