"""An operator's decision as the record that the logs keep of it: its id, its key, and where it belongs."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from schemas.cloudevents import to_value
from schemas.events import CustomerForgotten, Event, EventData, EventType, Override, PolicyActivated, Source
from schemas.times import rfc3339
from streams.fold.inforce import InForce
from streams.kafka.topics import EVENTS, SIGNALS

ACTS = uuid.UUID("6a0f2a2e-6d2f-5b8b-a3cf-2a1b6c7f5d10")
"""Namespace of the ids of what operators decide."""


class Placed(NamedTuple):
    """A record to write; partition None leaves the place to its key."""

    topic: str
    partition: int | None
    event: Event


@dataclass(frozen=True, slots=True)
class Act:
    """One decision; without a key it belongs in every partition of its topics, there under an id of the place's own."""

    event: Event
    topics: tuple[str, ...] = (EVENTS,)
    only: frozenset[int] | None = None
    """The partitions that it is about, where it is not about all."""

    def placed(self, partitions: Mapping[str, int]) -> list[Placed]:
        """Give the records to write, by the number of partitions of each topic."""
        if self.event.partition_key is not None:
            return [Placed(topic, None, self.event) for topic in self.topics]
        return [
            Placed(topic, number, replace(self.event, id=f"{self.event.id}:{topic}/{number}"))
            for topic in self.topics
            for number in range(partitions[topic])
            if self.only is None or number in self.only
        ]


def override(data: Override, at: datetime) -> Act:
    """Decide on a customer, or on many (R16)."""
    return Act(_event(EventType.OPERATOR_OVERRIDE, data, data.customer_id, at))


def resume(data: Override, log: str, partitions: frozenset[int], at: datetime) -> Act:
    """Have partitions of a log go on that are paused for their dead letters."""
    return Act(_event(EventType.OPERATOR_OVERRIDE, data, None, at), (log,), partitions)


def forget(data: CustomerForgotten, at: datetime) -> Act:
    """Have a customer forgotten (R18)."""
    return Act(_event(EventType.CUSTOMER_FORGOTTEN, data, data.customer_id, at))


def activation(rules: InForce, who: str, why: str, at: datetime) -> Act:
    """Put rules in force, for both agents: each follows a log of its own."""
    data = PolicyActivated(
        policy=rules.rules.policy,
        policy_sha256=rules.policy_sha256,
        catalogue=rules.rules.catalogue,
        catalogue_sha256=rules.catalogue_sha256,
        engine_version=rules.engine_version,
        who=who,
        why=why,
    )
    return Act(_event(EventType.POLICY_ACTIVATED, data, None, at), (EVENTS, SIGNALS))


def _event(event_type: EventType, data: EventData, customer_id: str | None, at: datetime) -> Event:
    act_id = uuid.uuid5(ACTS, f"{event_type}/{rfc3339(at)}/{to_value(data).decode()}")
    subject = None if customer_id is None else f"customers/{customer_id}"
    return Event(f"operator:{act_id}", event_type, Source.OPERATOR, at, data, subject, customer_id)
