"""What the agent decides with: its tables, and where the institutions' signals go."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from streams.agent.counting import ACCOUNTS, LOGINS
from streams.agent.tables import AgentTables
from streams.agent.turn import AgentTurn
from streams.domain import Rules, next_due
from streams.fold import Table
from streams.fold.census import Surveyed
from streams.fold.intake import partition_of
from streams.fold.ledger import Ledger
from streams.links import FixLinks


class AgentDecider:
    """Decides per customer, on what the tables hold of it and of the partition; with `links`, commands carry one."""

    def __init__(self, tables: AgentTables, partitions: int, links: FixLinks | None = None) -> None:
        self._tables = tables
        self._links = links
        self._signal_partition: Callable[[str], int] = lru_cache(1 << 16)(
            lambda institution: partition_of(institution, partitions)
        )

    @property
    def tables(self) -> Sequence[Table]:
        """The agent's own tables."""
        return self._tables.all()

    @property
    def surveyed(self) -> Surveyed:
        """Count accounts and cases."""
        return {self._tables.accounts: ACCOUNTS, self._tables.logins: LOGINS}

    def turn(self, partition: int, ledger: Ledger) -> AgentTurn:
        """Begin a poll."""
        return AgentTurn(self._tables, partition, ledger, self._signal_partition, self._links)

    def timer_keys(self, partition: int) -> Iterable[str]:
        """Give every customer."""
        return list(self._tables.customers.partition(partition))

    def due(self, partition: int, key: str, rules: Rules) -> datetime | None:
        """Give the earliest timer of a customer."""
        customer = self._tables.customer(partition, key)
        return None if customer is None else next_due(customer, rules, self._tables.around(partition))
