"""The two agents as the driver runs them: their own deciders, tables, logs and sources, on tables in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from schemas.events import Source
from streams.agent.app import program as agent_program
from streams.agent.app import tables as agent_tables
from streams.agent.decider import AgentDecider
from streams.clock import Clock
from streams.fold import application
from streams.fold.deciding import Decider
from streams.fold.inforce import InForce
from streams.fold.intake import EVENT_SOURCES, SIGNAL_SOURCES
from streams.fold.ledger import Tally
from streams.fold.logfold import LogFold
from streams.fold.memory import MemoryTable
from streams.institutions.app import program as institution_program
from streams.institutions.app import tables as institution_tables
from streams.institutions.turn import InstitutionDecider
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS
from streams.links import FixLinks
from streams.testing.tables import in_memory
from streams.worker.program import FoldProgram

CLUSTER = "in-memory"
"""Stands for the cluster id in the names of the audit chains."""


@dataclass(frozen=True, slots=True)
class Application(application.Application):
    """One fold over one log: what its process is told, and how its decider is made on empty tables."""

    program: FoldProgram
    decider: Callable[[int], Decider]
    """Takes the number of partitions."""

    def transactional_id(self, partition: int) -> str:
        """Name the transactions of a partition, as production does."""
        return f"{self.program.fold.transactional_prefix}.{partition}"

    def fold(self, shipped: InForce, clock: Clock, partitions: int) -> LogFold:
        """Give the fold that production runs, on empty tables of its own."""
        settings = self.settings(f"{CLUSTER}/{self.log}", partitions, shipped, clock)
        control = MemoryTable.like(self.program.control)
        policies = MemoryTable.remembering(self.program.policies)
        return LogFold(settings, self.decider(partitions), control, policies, _uncounted)


def _uncounted(tally: Tally) -> None:
    """Count nothing: there are no metrics here."""


def _agent(partitions: int, links: FixLinks | None = None) -> Decider:
    return AgentDecider(in_memory(agent_tables), partitions, links)


def _institutions(_partitions: int) -> Decider:
    return InstitutionDecider(in_memory(institution_tables))


AGENT_APPLICATION = Application(AGENT, EVENTS, Source.AGENT, EVENT_SOURCES, agent_program, _agent)
INSTITUTION_APPLICATION = Application(
    INSTITUTIONS, SIGNALS, Source.INSTITUTIONS, SIGNAL_SOURCES, institution_program, _institutions
)
APPLICATIONS = (AGENT_APPLICATION, INSTITUTION_APPLICATION)


def applications_with(links: FixLinks) -> tuple[Application, ...]:
    """Give both agents, the first with links on its commands."""
    return (replace(AGENT_APPLICATION, decider=partial(_agent, links=links)), INSTITUTION_APPLICATION)
