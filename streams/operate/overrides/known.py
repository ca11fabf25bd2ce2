"""Whether anything is known of the ids that an operator typed: a slip of the pen would be a decision on nobody."""

import asyncio
from collections.abc import Iterator

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.health import AccountHealth
from streams.fold.intake import partition_of
from streams.kafka.access import Access, Bootstrap
from streams.kafka.topics import HEALTH
from streams.operate.overrides.scope import Scope
from streams.operate.reading import committed_reader, to_end
from streams.settings import Settings

LOOK_SECONDS = 15.0
"""How long the present state of accounts is read; past it nothing is said."""


async def unknown(settings: Settings, scope: Scope) -> str | None:
    """Say which id of a scope the agent has told nothing of; None where all are known, or it could not be found out."""
    if scope == Scope():
        return None
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await _looked_for(Access.of(settings), settings.partitions, scope)
    except (KafkaError, OSError, TimeoutError):
        return None


async def _looked_for(bootstrap: Bootstrap, partitions: int, scope: Scope) -> str | None:
    customer_id = scope.customer_id
    numbers = range(partitions) if customer_id is None else [partition_of(customer_id, partitions)]
    left = dict(_wanted(scope))
    async with committed_reader(bootstrap) as consumer:
        async for record in to_end(consumer, [TopicPartition(HEALTH, number) for number in numbers], {}):
            if record.value is None or (
                customer_id is not None and not record.key.startswith(f"{customer_id}/".encode())
            ):
                continue
            health = _health(record.value)
            if health is not None:
                left = {name: one for name, one in left.items() if getattr(health, name) != one}
            if not left:
                return None
    return _named(scope, next(iter(left)))


def _wanted(scope: Scope) -> Iterator[tuple[str, str]]:
    """Give the fields of an account's health that have to be found, the customer first."""
    yield from ((name, one) for name, one in scope._asdict().items() if one is not None)


def _health(value: bytes) -> AccountHealth | None:
    try:
        return AccountHealth.model_validate_json(value)
    except ValidationError:  # of a later release
        return None


def _named(scope: Scope, name: str) -> str:
    named = {
        "customer_id": str(Scope(scope.customer_id)),
        "institution_login_id": str(Scope(scope.customer_id, scope.institution_login_id)),
        "account_id": str(Scope(scope.customer_id, None, scope.account_id)),
    }
    return named.get(name, f"institution {scope.institution_id}")
