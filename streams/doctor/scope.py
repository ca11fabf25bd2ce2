"""What is looked at: the settings of an environment, as whom, and what several checks share."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from schemas.contract.channels import Component
from streams.kafka.access import Access
from streams.settings import Settings

T = TypeVar("T")

COMPONENTS = (
    *(Component.BRIDGE, Component.AGENT, Component.INSTITUTIONS, Component.EXECUTOR, Component.SWEEP),
    *(Component.CANARY, Component.OPERATOR, Component.AUDITOR, Component.SNAPSHOT),
)
"""Those whose environment can be looked at: all of ours."""
WORKERS = (Component.AGENT, Component.INSTITUTIONS)
"""Who folds a log."""
ONLOOKERS = (Component.OPERATOR, Component.AUDITOR)
"""Who may see how far others have read, and what is in force."""
CALLERS = (Component.EXECUTOR, Component.SWEEP, Component.OPERATOR)
"""Who calls the vendor."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One run.

    Attributes:
        settings: those of this environment.
        components: those that the environment is for; none: whatever there is to see.
        admin: addresses of the admin ports of running processes.
        authenticate: whether the vendor's credentials may be shown to the vendor, through the gate.
    """

    settings: Settings
    components: frozenset[Component] = frozenset()
    admin: tuple[str, ...] = ()
    authenticate: bool = False
    _asked: dict[object, "asyncio.Task[Any]"] = field(default_factory=dict, repr=False)

    @property
    def access(self) -> Access:
        """Give the way to the cluster."""
        return Access.of(self.settings)

    def concerns(self, *components: Component) -> bool:
        """Tell whether the environment is for one of some components, or for nobody in particular."""
        return not self.components or not self.components.isdisjoint(components)

    async def once(self, ask: Callable[["Scope"], Coroutine[Any, Any, T]]) -> T:
        """Ask for what several checks need, one time for all of them; raises what asking raises."""
        task = self._asked.get(ask)
        if task is None:
            task = self._asked[ask] = asyncio.create_task(ask(self))
        result: T = await asyncio.shield(task)
        return result

    async def close(self, seconds: float) -> None:
        """End what is still asked for; nobody waits for its answer any more."""
        for task in self._asked.values():
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked.values(), timeout=seconds)
        for task in self._asked.values():
            if task.done() and not task.cancelled():
                task.exception()
