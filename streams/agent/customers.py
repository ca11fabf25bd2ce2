"""The customers of a partition as a poll leaves them: those that it has changed before those of the tables."""

from collections.abc import Iterator

from streams.agent.tables import AgentTables
from streams.domain import Customer


class PollCustomers:
    """What is decided later in a poll sees what was decided before; `changed` has None for who is gone."""

    def __init__(self, tables: AgentTables, partition: int) -> None:
        self._tables = tables
        self._partition = partition
        self._stored = tables.customers.partition(partition)
        self.changed: dict[str, Customer | None] = {}

    def is_stored(self, customer_id: str) -> bool:
        """Tell whether the tables know the customer, who so belongs to the partition."""
        return customer_id in self._stored

    def get(self, customer_id: str) -> Customer | None:
        """Give a customer; None for one of whom nothing is known."""
        if customer_id in self.changed:
            return self.changed[customer_id]
        return self._tables.customer(self._partition, customer_id)

    def known(self, customer_id: str) -> Customer:
        """Give a customer of whom something is known; KeyError for any other."""
        customer = self.get(customer_id)
        if customer is None:
            raise KeyError(customer_id)
        return customer

    def everyone(self) -> Iterator[Customer]:
        """Give all, ascending."""
        for customer_id in sorted({*self._stored, *self.changed}):
            customer = self.get(customer_id)
            if customer is not None:
                yield customer
