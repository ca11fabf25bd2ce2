"""The rights as lines for Kafka's own `kafka-acls.sh`, for clusters whose administrators want to see what they do."""

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import NamedTuple

from streams.kafka.acls.rights import Operation, Resource, Right
from streams.kafka.acls.users import User, rights_of

TOOL = 'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN_CONFIG" --add --force'
HEAD = """\
# Adds what each component may do; all else stays refused by a cluster with an authorizer. Run it as who may alter ACLs:
#   export BOOTSTRAP=kafka-1:9093 ADMIN_CONFIG=admin.properties
set -eu"""


def lines(users: Iterable[User]) -> Iterator[str]:
    """Give a shell script: for each user a line for each sort of right."""
    yield HEAD
    for user in users:
        yield ""
        yield f"# {user.component}"
        for sort, names in _grouped(rights_of(user)).items():
            yield _line(user.principal, sort, names)


class Sort(NamedTuple):
    """What one line says of all its names."""

    resource: Resource
    is_prefix: bool
    operations: tuple[Operation, ...]


def _grouped(rights: Iterable[Right]) -> dict[Sort, list[str]]:
    """Put names together of which the same may be done."""
    allowed: dict[tuple[Resource, bool, str], list[Operation]] = {}
    for right in rights:
        allowed.setdefault((right.resource, right.is_prefix, right.name), []).append(right.operation)
    grouped: dict[Sort, list[str]] = {}
    for (resource, is_prefix, name), operations in allowed.items():
        grouped.setdefault(Sort(resource, is_prefix, tuple(operations)), []).append(name)
    return grouped


def _line(principal: str, sort: Sort, names: Iterable[str]) -> str:
    words = [TOOL, "--allow-principal", quote(principal)]
    words += [f"--operation {operation}" for operation in sort.operations]
    if sort.is_prefix:
        words.append("--resource-pattern-type prefixed")
    words += [f"--{sort.resource} {quote(name)}" for name in names]
    return " ".join(words)
