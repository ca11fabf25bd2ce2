"""Names a partition for good: cluster id, topic id and number. A deleted and recreated topic gets another name.

aiokafka speaks the metadata protocol up to version 5; topic ids came with version 10, so version 12 is described here.
"""

import asyncio
import uuid
from collections.abc import Sequence
from io import BytesIO
from typing import Any

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

from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.refusals import in_words

TIMEOUT_SECONDS = 15.0


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

    def __init__(self, topics: Sequence[str], *, with_rights: bool) -> None:
        self._topics = topics
        self._with_rights = with_rights

    def build(self, request_struct_class: type[_MetadataRequestV12]) -> _MetadataRequestV12:
        named: list[tuple[uuid.UUID, str, dict[int, bytes]]] = [(uuid.UUID(int=0), topic, {}) for topic in self._topics]
        return request_struct_class(named, False, self._with_rights, {})  # noqa: FBT003 - wire order: none is made


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
    response = await described(bootstrap, topics)
    for error, topic, *_ in response.topics:
        if error:
            raise LookupError(f"topic {topic} has no id yet (error {error}): run `txpush topics apply`")
    return response.cluster_id, {topic: str(topic_id) for _, topic, topic_id, *_ in response.topics}


async def described(bootstrap: Bootstrap, topics: Sequence[str]) -> Any:  # noqa: ANN401 - untyped library
    """Give what the cluster says of itself and of some topics, and what we may do to each (version 12); makes none.

    Raises:
        AccessRefusedError: the brokers and we do not accept each other.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    client = AIOKafkaClient(**client_arguments(bootstrap))
    async with asyncio.timeout(TIMEOUT_SECONDS):
        try:
            async with in_words(bootstrap):
                await client.bootstrap()
            return await client.send(client.get_random_node(), _MetadataRequest(topics, with_rights=True))
        finally:
            await client.close()
