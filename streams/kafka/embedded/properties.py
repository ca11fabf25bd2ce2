"""What a broker is told: ids, server properties, logging."""

import base64
import secrets
import uuid
from collections.abc import Mapping, Sequence

from streams.kafka.embedded.machine import HOST, Ports

CLUSTER_ID_PREFIX = "txpush-"
LOG_DIR = "data"
PLAINTEXT = "PLAINTEXT"
MAX_REPLICATION = 3
ID_LENGTH = 22

LOG4J = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <File name="file" fileName="{log}"><PatternLayout pattern="%d{{ISO8601}} %p %c{{1}}: %m%n"/></File>
  </Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="file"/></Root></Loggers>
</Configuration>
"""


def new_cluster_id() -> str:
    """Make a cluster id that says where it comes from and still is 16 bytes in unpadded URL-safe base64."""
    random_part = secrets.token_urlsafe(16)[: ID_LENGTH - len(CLUSTER_ID_PREFIX) - 1]
    return f"{CLUSTER_ID_PREFIX}{random_part}{secrets.choice('AQgw')}"


def is_embedded_cluster(cluster_id: str) -> bool:
    """Tell from the id that any client can ask for whether `txpush kafka` started the cluster."""
    return cluster_id.startswith(CLUSTER_ID_PREFIX) and len(cluster_id) == ID_LENGTH


def new_directory_id() -> str:
    """Make a Kafka id; one that starts with a dash would be read as an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


def quorum(ports: Ports) -> str:
    """Give the controllers' addresses."""
    return ",".join(f"{HOST}:{port}" for port in ports.controllers)


def initial_controllers(ports: Ports, directory_ids: Sequence[str]) -> str:
    """Give the first voters in the shape of `format --initial-controllers`."""
    voters = zip(ports.controllers, directory_ids, strict=True)
    return ",".join(f"{broker}@{HOST}:{port}:{made}" for broker, (port, made) in enumerate(voters, start=1))


def replication(brokers: int) -> dict[str, str]:
    """Give replication factors and minimum in-sync replicas: three copies, two of them in sync, when there are three.

    Two brokers keep two copies and need one, or the death of either would stop all writes.
    """
    factor = str(min(MAX_REPLICATION, brokers))
    in_sync = "2" if brokers >= MAX_REPLICATION else "1"
    return {
        "default.replication.factor": factor,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": factor,
        "transaction.state.log.replication.factor": factor,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": factor,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def addresses(broker: int, ports: Ports, protocol: str = PLAINTEXT) -> dict[str, str]:
    """Give what is particular to one broker, counted from 1."""
    client, controller = ports.clients[broker - 1], ports.controllers[broker - 1]
    return {
        "process.roles": "broker,controller",
        "node.id": str(broker),
        "controller.quorum.bootstrap.servers": quorum(ports),
        "listeners": f"{protocol}://{HOST}:{client},CONTROLLER://{HOST}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    }


REMEMBERED_MS = str(2**31 - 1)
"""Producer ids are kept for as long, by the times of records: those of a clock of days ago would be gone at once."""
SMALL = {
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.num.partitions": "3",
    "share.coordinator.state.topic.num.partitions": "3",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "producer.id.expiration.ms": REMEMBERED_MS,
}


def server_properties(broker: int, ports: Ports, extra: Mapping[str, str], protocol: str = PLAINTEXT) -> str:
    """Give the text of `server.properties` for a listener of a protocol; `extra` wins over everything."""
    settings = {
        **addresses(broker, ports, protocol),
        "log.dirs": LOG_DIR,
        **replication(len(ports.clients)),
        **SMALL,
        **extra,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
