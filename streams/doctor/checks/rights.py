"""What the user of these settings may do, as the brokers tell without anything being tried; what components need."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiokafka.errors import GroupAuthorizationFailedError, TransactionalIdAuthorizationFailed

from schemas.contract.channels import Component
from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.scope import COMPONENTS, Scope
from streams.doctor.wire import group, require_transactional_id
from streams.kafka.access import Access
from streams.kafka.acls.cluster import OPERATIONS
from streams.kafka.acls.rights import ALL_TOPICS, Operation, Resource, Right, rights, writes
from streams.kafka.identity import described

REMEDY = "have an administrator run `txpush topics acls --apply`, with --user where users have names of your own"
EVERYTHING = 1 << OPERATIONS[Operation.READ] | 1 << OPERATIONS[Operation.WRITE]
NAMED = 4
"""Rights that are named of many that are missing."""


@dataclass(frozen=True, slots=True)
class HeldRights:
    """What a user may do: bits by the numbers of Kafka's operations, and the transactional ids that it may see."""

    topics: Mapping[str, int]
    groups: Mapping[str, int]
    transactions: Collection[str]

    def has(self, right: Right) -> bool:
        """Tell whether the user has a right; whoever may read or write may see."""
        if right.resource is Resource.TRANSACTIONAL_ID:
            return right.name in self.transactions
        bits = (self.topics if right.resource is Resource.TOPIC else self.groups).get(right.name, 0)
        return bool(bits >> OPERATIONS[right.operation] & 1)

    @property
    def is_unlimited(self) -> bool:
        """Whether every topic may be read and written: there is no authorizer, or the user is a super user."""
        return all(self.topics.get(topic, 0) & EVERYTHING == EVERYTHING for topic in ALL_TOPICS)


async def look(scope: Scope) -> Sequence[Finding]:
    """Compare what the user may do with what the chosen components need; else say for whom it would do."""
    needed = {component: _told_apart(rights(component)) for component in COMPONENTS}
    wanted = scope.components or frozenset(COMPONENTS)
    held = await _held(scope.access, [right for one in wanted for right in needed[one]])
    if held.is_unlimited:
        return [ok("everything is allowed: the cluster has no authorizer, or this is a super user")]
    if not scope.components:
        return [_enough_for([one for one in COMPONENTS if all(map(held.has, needed[one]))])]
    problems = [
        finding
        for component in sorted(scope.components)
        for finding in (*_missing(component, needed[component], held), *_too_many(component, held))
    ]
    return problems or [ok(f"all that {', '.join(sorted(scope.components))} needs, and no more topics to write to")]


def _told_apart(needed: Sequence[Right]) -> list[Right]:
    """Leave out what is asked of groups with any name: it cannot be told without one."""
    return [right for right in needed if right.resource is not Resource.GROUP or not right.is_prefix]


def _enough_for(components: Sequence[Component]) -> Finding:
    if components:
        return ok(f"enough for {', '.join(components)}; --component says what another one lacks")
    return warning("not enough for any component", f"name the one that this is for with --component; {REMEDY}")


def _missing(component: Component, needed: Sequence[Right], held: HeldRights) -> Iterator[Finding]:
    missing = [f"{right.operation} on {right.resource} {right.name}" for right in needed if not held.has(right)]
    if missing:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        yield wrong(f"{component} lacks {', '.join(missing[:NAMED])}{more}", REMEDY)


def _too_many(component: Component, held: HeldRights) -> Iterator[Finding]:
    foreign = [
        topic
        for topic in ALL_TOPICS
        if topic not in writes(component) and held.has(Right(Resource.TOPIC, topic, Operation.WRITE))
    ]
    if foreign:
        more = f" and {len(foreign) - NAMED} more" if len(foreign) > NAMED else ""
        yield warning(
            f"{component} may write to {', '.join(foreign[:NAMED])}{more}, which is none of its business",
            "give it a user of its own; `txpush topics acls --check` lists what users may too much",
        )


async def _held(access: Access, asked: Sequence[Right]) -> HeldRights:
    groups = sorted({right.name for right in asked if right.resource is Resource.GROUP})
    prefixes = sorted({right.name for right in asked if right.resource is Resource.TRANSACTIONAL_ID})
    told = await described(access, ALL_TOPICS)
    return HeldRights(
        {topic.name: 0 if topic.error else topic.rights for topic in told.topics},
        dict(zip(groups, await asyncio.gather(*(_of_group(access, name) for name in groups)), strict=True)),
        [prefix for prefix in prefixes if await _sees(access, prefix)],
    )


async def _of_group(access: Access, name: str) -> int:
    try:
        return (await group(access, name)).rights
    except GroupAuthorizationFailedError:
        return 0


async def _sees(access: Access, prefix: str) -> bool:
    """Tell whether transactional ids that begin so may be seen; nobody but who writes by them has that right."""
    try:
        await require_transactional_id(access, prefix)
    except TransactionalIdAuthorizationFailed:
        return False
    return True
