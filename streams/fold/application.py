"""The two agents, as whoever folds a log again knows them: names, logs, and the books beside their own tables."""

from dataclasses import dataclass

from schemas.events import Source
from schemas.state import ControlState
from streams.clock import Clock
from streams.fold.effects import Table
from streams.fold.inforce import InForce, read_activation, write_activation
from streams.fold.intake import EVENT_SOURCES, SIGNAL_SOURCES, Allowed, Intake
from streams.fold.logfold import LogSettings
from streams.fold.memory import MemoryTable
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS, changelog


@dataclass(frozen=True, slots=True)
class Application:
    """One fold over one log."""

    name: str
    """Of its consumer group; its changelogs begin with it."""
    log: str
    source: Source
    """What its own records in the log are from."""
    allowed: Allowed

    def settings(self, identity: str, partitions: int, shipped: InForce, clock: Clock) -> LogSettings:
        """Give what its fold is told; `identity` names the log as `<cluster id>/<topic id>`."""
        return LogSettings(self.log, identity, self.source, Intake(self.allowed, partitions), shipped, clock)

    def control(self) -> MemoryTable:
        """Give the empty table of partitions."""
        return MemoryTable.of(self.name, "control", ControlState)

    def policies(self) -> Table:
        """Give the empty table of rules in force."""
        table = MemoryTable("policies", changelog(self.name, "policies"), read_activation, write_activation)
        return MemoryTable.remembering(table)


THE_AGENT = Application(AGENT, EVENTS, Source.AGENT, EVENT_SOURCES)
THE_INSTITUTIONS = Application(INSTITUTIONS, SIGNALS, Source.INSTITUTIONS, SIGNAL_SOURCES)
APPLICATIONS = (THE_AGENT, THE_INSTITUTIONS)
