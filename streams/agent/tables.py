"""The agent's tables, and how a customer's state is put together from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.state import AccountState, CustomerState, LoginState, Record, Surroundings
from streams.domain import NOWHERE, Customer
from streams.fold import Table
from streams.fold.memory import MemoryTable
from streams.kafka.topics import AGENT

RECORDS: Mapping[str, type[Record]] = {
    "accounts": AccountState,
    "logins": LoginState,
    "customers": CustomerState,
    "surroundings": Surroundings,
}
"""What each table holds, by its name."""


@dataclass(frozen=True, slots=True)
class AgentTables:
    """The agent's own tables."""

    accounts: Table
    logins: Table
    customers: Table
    surroundings: Table

    @classmethod
    def in_memory(cls) -> "AgentTables":
        """Give empty tables that need no Faust."""
        return cls(**{name: MemoryTable.of(AGENT, name, record) for name, record in RECORDS.items()})

    def all(self) -> tuple[Table, ...]:
        """Give the tables in a fixed order."""
        return (self.accounts, self.logins, self.customers, self.surroundings)

    def around(self, partition: int) -> Surroundings:
        """Give what holds for all customers of a partition."""
        around: Surroundings = self.surroundings.partition(partition).get(str(partition), NOWHERE)
        return around

    def customer(self, partition: int, customer_id: str) -> Customer | None:
        """Put a customer's state together; None for one that is not known."""
        state: CustomerState | None = self.customers.partition(partition).get(customer_id)
        if state is None:
            return None
        accounts, logins = self.accounts.partition(partition), self.logins.partition(partition)
        return Customer(
            customer_id,
            state,
            {account_id: accounts[f"{customer_id}/{account_id}"] for account_id in state.account_ids},
            {login_id: logins[f"{customer_id}/{login_id}"] for login_id in state.login_ids},
        )
