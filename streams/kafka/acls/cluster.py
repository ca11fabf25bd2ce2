"""The rights on a cluster: put in force, and compared with what is in force there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request

from streams.kafka.access import Bootstrap, ClusterError
from streams.kafka.acls.rights import Operation, Resource, Right
from streams.kafka.acls.users import User, rights_of
from streams.kafka.identity import asking

SECONDS = 30.0
POLL_SECONDS = 0.05
ANY_HOST = "*"
RESOURCES = {Resource.TOPIC: 2, Resource.GROUP: 3, Resource.TRANSACTIONAL_ID: 5}
OPERATIONS = {Operation.READ: 3, Operation.WRITE: 4, Operation.DESCRIBE: 8, Operation.DESCRIBE_CONFIGS: 10}
LITERAL, PREFIXED = 3, 4
ANY, ALLOW = 1, 3
"""The numbers of Kafka's protocol."""
ADVICE = {
    31: "the user of TXPUSH_KAFKA_USERNAME, or of the certificate, may not alter ACLs: ask as a super user",
    54: "its brokers have no authorizer: set authorizer.class.name and super.users there",
}

Numbers = tuple[int, str, int, str, str, int, int]
"""A right as the protocol has it: resource type, name, pattern, principal, host, operation, permission."""


class _CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc] # untyped library
    """Many at once: aiokafka's own request takes one, and each is a write of the controller's."""

    API_KEY = CreateAclsRequest_v1.API_KEY

    def __init__(self, wanted: list[Numbers]) -> None:
        self._wanted = wanted

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._wanted)


async def apply(bootstrap: Bootstrap, users: Sequence[User]) -> int:
    """Put the rights of users in force and give how many there are; those that stand already stay.

    The broker knows them on return: it answers a moment before, and would go on refusing.

    Raises:
        ClusterError: the brokers refuse it.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    wanted = [_numbers(user, right) for user in users for right in rights_of(user)]
    async with _client(bootstrap) as ask:
        answer = await ask(_CreateAcls(wanted))
        for code, message in answer.creation_responses:
            _raise_refused(code, message)
        while any([_wanted(user) - await _found(ask, user) for user in users]):  # noqa: ASYNC110 - nobody would tell
            await asyncio.sleep(POLL_SECONDS)
    return len(wanted)


async def check(bootstrap: Bootstrap, users: Sequence[User]) -> list[str]:
    """Give every difference between what users may do and what they should; none means good.

    Raises:
        ClusterError, KafkaError, OSError, TimeoutError: as `apply`.
    """
    problems = []
    async with _client(bootstrap) as ask:
        for user in users:
            found, wanted = await _found(ask, user), _wanted(user)
            problems += [f"missing for {user.principal}: {_words(one)}" for one in sorted(wanted - found)]
            problems += [f"too much for {user.principal}: {_words(one)}" for one in sorted(found - wanted)]
    return problems


Ask = Callable[[Any], Awaitable[Any]]


async def _found(ask: Ask, user: User) -> set[Numbers]:
    """Ask for all that a user may do, or may not, on the cluster."""
    answer = await ask(DescribeAclsRequest(ANY, None, ANY, user.principal, None, ANY, ANY))
    _raise_refused(answer.error_code, answer.error_message)
    return {(kind, name, pattern, *entry) for kind, name, pattern, acls in answer.resources for entry in acls}


def _wanted(user: User) -> set[Numbers]:
    return {_numbers(user, right) for right in rights_of(user)}


def _numbers(user: User, right: Right) -> Numbers:
    pattern = PREFIXED if right.is_prefix else LITERAL
    kind, operation = RESOURCES[right.resource], OPERATIONS[right.operation]
    return kind, right.name, pattern, user.principal, ANY_HOST, operation, ALLOW


def _words(numbers: Numbers) -> str:
    kind, name, pattern, _, host, operation, permission = numbers
    resource = {number: str(one) for one, number in RESOURCES.items()}.get(kind, f"resource type {kind}")
    allowed = {number: str(one) for one, number in OPERATIONS.items()}.get(operation, f"operation {operation}")
    words = f"{allowed} on {resource} {name}{'*' if pattern == PREFIXED else ''}"
    words += "" if host == ANY_HOST else f" from {host}"
    return words if permission == ALLOW else f"{words}, denied"


def _raise_refused(code: int, message: str | None) -> None:
    if code:
        raise ClusterError(f"the cluster does not take ACLs: {ADVICE.get(code, message or for_code(code).__name__)}")


@asynccontextmanager
async def _client(bootstrap: Bootstrap) -> AsyncIterator[Ask]:
    async with asking(bootstrap, SECONDS) as client:
        yield lambda request: client.send(client.get_random_node(), request)
