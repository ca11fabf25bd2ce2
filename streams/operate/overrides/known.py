"""Whether anything is known of the ids that an operator typed: a slip of the pen would be a decision on nobody."""

import asyncio
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.health import AccountHealth
from streams.fold.intake import partition_of
from streams.kafka.access import Access
from streams.kafka.topics import HEALTH
from streams.operate.overrides.scope import Scope
from streams.operate.reading import committed_reader, to_end
from streams.settings import Settings

LOOK_SECONDS = 15.0
"""How long the present state of accounts is read; past it nobody can say."""


class Knowledge(Enum):
    """What was found out about the ids."""

    KNOWN = auto()
    UNKNOWN = auto()
    NOT_FOUND_OUT = auto()


class Finding(NamedTuple):
    """What was found out, and about whom, in words."""

    knowledge: Knowledge
    about: str

    @property
    def warning(self) -> str | None:
        """Give what an operator should hear; None where all is known."""
        return {
            Knowledge.KNOWN: None,
            Knowledge.UNKNOWN: f"nothing is known of {self.about} yet: see that the id is right",
            Knowledge.NOT_FOUND_OUT: (
                f"whether {self.about} is known could not be found out: see that the id is right"
            ),
        }[self.knowledge]


async def look_up(settings: Settings, scope: Scope) -> Finding:
    """Find out whether the agent has told of the ids of a scope; of those unknown, name the widest."""
    wanted = dict(_wanted(scope))
    if not wanted:
        return Finding(Knowledge.KNOWN, str(scope))
    try:
        async with asyncio.timeout(LOOK_SECONDS), committed_reader(Access.of(settings)) as consumer:
            found = await _found(consumer, settings.partitions, scope, wanted)
    except (KafkaError, OSError, TimeoutError):
        return Finding(Knowledge.NOT_FOUND_OUT, _named(scope, list(wanted)[-1]))
    missing = next((name for name in wanted if name not in found), None)
    if missing is None:
        return Finding(Knowledge.KNOWN, str(scope))
    return Finding(Knowledge.UNKNOWN, _named(scope, missing))


async def _found(consumer: Any, partitions: int, scope: Scope, wanted: Mapping[str, str]) -> set[str]:  # noqa: ANN401 - untyped library
    """Give which fields the latest health of some account has; of an institution any health will do, also of old."""
    customer_id = scope.customer_id
    numbers = range(partitions) if customer_id is None else [partition_of(customer_id, partitions)]
    prefix = b"" if customer_id is None else f"{customer_id}/".encode()
    matches: dict[bytes, set[str]] = {}
    async for record in to_end(consumer, [TopicPartition(HEALTH, number) for number in numbers], {}):
        if record.key is None or not record.key.startswith(prefix):
            continue
        found = _matched(record.value, wanted)
        if customer_id is not None:
            matches[record.key] = found
        elif found:
            return found
    return set().union(*matches.values())


def _matched(value: bytes | None, wanted: Mapping[str, str]) -> set[str]:
    """Give the fields in which an account's health has the ids; a tombstone and one of a later release have none."""
    if value is None:
        return set()
    try:
        health = AccountHealth.model_validate_json(value)
    except ValidationError:
        return set()
    return {name for name, one in wanted.items() if getattr(health, name) == one}


def _wanted(scope: Scope) -> Iterator[tuple[str, str]]:
    """Give the fields of an account's health that have to be found, the customer first."""
    yield from ((name, one) for name, one in scope._asdict().items() if one is not None)


def _named(scope: Scope, name: str) -> str:
    named = {
        "customer_id": str(Scope(scope.customer_id)),
        "institution_login_id": str(Scope(scope.customer_id, scope.institution_login_id)),
        "account_id": str(Scope(scope.customer_id, None, scope.account_id)),
    }
    return named.get(name, f"institution {scope.institution_id}")
