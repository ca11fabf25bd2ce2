"""What a cluster says of itself: its id and the ids of topics, who leads them, and what we may do.

Ids name a partition for good: those of cluster and topic, and its number. A topic that is made anew gets another one.

aiokafka speaks the metadata protocol up to version 5; topic ids came with version 10, so version 12 is described here.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from streams.ending import ended
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.refusals import in_words

ASK_SECONDS, CLOSE_SECONDS = 15.0, 5.0
"""How long a question may take, connecting included, and the end of its client."""


class PartitionDescription(NamedTuple):
    """A partition by the numbers of the brokers: who leads it, -1 for nobody, who has a copy, and whose is in sync."""

    number: int
    leader: int
    replicas: Sequence[int]
    in_sync: Sequence[int]


class TopicDescription(NamedTuple):
    """A topic; `error` is Kafka's code, 0 for none; `rights` are bits by the numbers of Kafka's operations."""

    error: int
    name: str
    id: str
    partitions: Sequence[PartitionDescription]
    rights: int


class ClusterDescription(NamedTuple):
    """A cluster: its id, host and port of each broker as clients are led there, and the topics that were asked for."""

    cluster_id: str
    brokers: Sequence[tuple[str, int]]
    topics: Sequence[TopicDescription]


class _Uuid(AbstractType):  # type: ignore[misc] # untyped library
    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))


class _MetadataResponseV12(Response):  # type: ignore[misc] # untyped library
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequestV12(RequestStruct):  # type: ignore[misc] # untyped library
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponseV12
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestV12]):  # type: ignore[misc] # untyped library
    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequestV12]) -> _MetadataRequestV12:
        named: list[tuple[uuid.UUID, str, dict[int, bytes]]] = [(uuid.UUID(int=0), topic, {}) for topic in self._topics]
        return request_struct_class(named, False, True, {})  # noqa: FBT003 - wire order: no topic is made, rights are told


@asynccontextmanager
async def asking(bootstrap: Bootstrap, seconds: float = ASK_SECONDS) -> AsyncIterator[Any]:
    """Give a client for questions that aiokafka has no words for, connected, for so long at most.

    Raises:
        AccessRefusedError: the brokers and we do not accept each other.
        KafkaError, OSError, TimeoutError: no broker answers, or not in time.
    """
    client = AIOKafkaClient(**client_arguments(bootstrap), request_timeout_ms=int(seconds * 1000))
    try:
        async with asyncio.timeout(seconds):
            async with in_words(bootstrap):
                await client.bootstrap()
            yield client
    finally:
        await ended(client, CLOSE_SECONDS)


async def log_identity(bootstrap: Bootstrap, topic: str) -> str:
    """Give `<cluster id>/<topic id>` of a topic; raises LookupError where it is missing, KafkaError, TimeoutError."""
    cluster, ids = await topic_ids(bootstrap, [topic])
    return f"{cluster}/{ids[topic]}"


async def topic_ids(bootstrap: Bootstrap, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Give the cluster's id, and the id of each topic by its name.

    Raises:
        LookupError: a topic is missing.
        KafkaError, TimeoutError: no broker answers.
    """
    found = await described(bootstrap, topics)
    for topic in found.topics:
        if topic.error:
            raise LookupError(f"topic {topic.name} has no id yet (error {topic.error}): run `txpush topics apply`")
    return found.cluster_id, {topic.name: topic.id for topic in found.topics}


async def described(bootstrap: Bootstrap, topics: Sequence[str]) -> ClusterDescription:
    """Give what the cluster says of itself and of some topics; makes none.

    Raises:
        AccessRefusedError: the brokers and we do not accept each other.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    async with asking(bootstrap) as client:
        answer = await client.send(client.get_random_node(), _MetadataRequest(topics))
    brokers = [(host, port) for _, host, port, *_ in answer.brokers]
    return ClusterDescription(answer.cluster_id, brokers, [_topic(one) for one in answer.topics])


def _topic(told: Sequence[Any]) -> TopicDescription:
    error, name, topic_id, _, partitions, rights, _ = told
    of_each = [
        PartitionDescription(number, leader, replicas, in_sync)
        for _, number, leader, _, replicas, in_sync, *_ in partitions
    ]
    return TopicDescription(error, name, str(topic_id), of_each, rights)
