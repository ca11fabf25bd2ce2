"""Topics and users as Strimzi's resources, from the lists that the code itself goes by.

    python deploy/strimzi/generate.py            # topics.yaml and users.yaml, beside it
python deploy/strimzi/generate.py --into mine --cluster events --user downstream=User:mailer
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from streams.kafka.acls.rights import Operation, Resource, Right
from streams.kafka.acls.users import User, UserError, rights_of, users
from streams.kafka.topics import Layout, contract

API = "kafka.strimzi.io/v1"
CLUSTER = "txpush"
"""The name of the `Kafka` resource whose operators take these up."""
FILES = ("topics.yaml", "users.yaml")
HEAD = "# Written by generate.py, which its README.md explains: change the lists in streams/kafka, not this file.\n"
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?")
"""What SCRAM users of Strimzi can be called; a certificate's subject is made from the same name."""
TYPES = {Resource.TOPIC: "topic", Resource.GROUP: "group", Resource.TRANSACTIONAL_ID: "transactionalId"}

Document = dict[str, Any]


def topics(cluster: str, layout: Layout) -> Iterator[Document]:
    """Give a KafkaTopic for every topic of the contract."""
    for topic in contract():
        config = {"min.insync.replicas": str(layout.min_insync_replicas), **topic.config}
        spec = {"partitions": layout.partitions, "replicas": layout.replication, "config": config}
        yield _resource("KafkaTopic", topic.name, cluster, spec)


def kafka_users(cluster: str, named: Iterable[User]) -> Iterator[Document]:
    """Give a KafkaUser with SCRAM for every user, who may do what its component does and nothing else."""
    for user in named:
        name = user.principal.removeprefix("User:")
        if NAME.fullmatch(name) is None:
            raise UserError(
                f"{name!r} is no name for a KafkaUser: small letters, digits, dashes and dots, as in mailer"
            )
        acls = [_acl(right, operations) for right, operations in _together(rights_of(user))]
        spec = {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": acls},
        }
        yield _resource("KafkaUser", name, cluster, spec)


def text(documents: Iterable[Document]) -> str:
    """Give the documents as one file."""
    return HEAD + yaml.safe_dump_all(
        documents, sort_keys=False, explicit_start=True, default_flow_style=None, width=120
    )


def files(cluster: str, layout: Layout, named: Iterable[User]) -> dict[str, str]:
    """Give the content of each file by its name."""
    return dict(zip(FILES, (text(topics(cluster, layout)), text(kafka_users(cluster, named))), strict=True))


def _resource(kind: str, name: str, cluster: str, spec: Document) -> Document:
    metadata = {"name": name, "labels": {"strimzi.io/cluster": cluster}}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def _together(rights: Iterable[Right]) -> Iterator[tuple[Right, list[Operation]]]:
    """Give each resource once, with all that may be done to it."""
    found: dict[tuple[Resource, str, bool], tuple[Right, list[Operation]]] = {}
    for right in rights:
        key = (right.resource, right.name, right.is_prefix)
        found.setdefault(key, (right, []))[1].append(right.operation)
    yield from found.values()


def _acl(right: Right, operations: Iterable[Operation]) -> Document:
    pattern = "prefix" if right.is_prefix else "literal"
    resource = {"type": TYPES[right.resource], "name": right.name, "patternType": pattern}
    return {"resource": resource, "operations": [str(operation) for operation in operations]}


@click.command()
@click.option("--into", type=click.Path(path_type=Path), default=Path(__file__).parent, help="Folder of the files.")
@click.option("--cluster", default=CLUSTER, show_default=True, help="Name of the Kafka resource.")
@click.option("--partitions", type=int, default=Layout().partitions, show_default=True, help="For life.")
@click.option("--replication", type=int, default=Layout().replication, show_default=True, help="Replicas.")
@click.option("--user", "named", multiple=True, metavar="COMPONENT=User:NAME", help="As of `txpush topics acls`.")
def main(into: Path, cluster: str, partitions: int, replication: int, named: tuple[str, ...]) -> None:
    """Write the topics and the users of a cluster as Strimzi's resources."""
    try:
        written = files(cluster, Layout(partitions, replication), users(named))
    except UserError as error:
        raise click.UsageError(str(error)) from error
    into.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (into / name).write_text(content)
        click.echo(into / name)


if __name__ == "__main__":
    main()
