"""Tries what a user of a cluster may not do, mostly with another client than ours, and tells what is let pass."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from streams.kafka.access import client_arguments
from streams.kafka.acls.rights import ALL_TOPICS
from streams.kafka.topics import EVENTS
from tests.integration.kafka.securing import Secured

SECONDS = 30.0
DENIED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)


def readable(cluster: Secured, name: str) -> set[str]:
    """Give the topics whose records a user gets; fails unless the others are hidden, or refused for lack of a right."""
    consumer = Consumer(cluster.librdkafka(name, **{"group.id": name, "enable.partition.eof": True}))
    visible = set(ALL_TOPICS) & consumer.list_topics(timeout=SECONDS).topics.keys()
    consumer.assign([TopicPartition(topic, 0, 0) for topic in visible])
    seen, refused, end = set[str](), set[str](), time.monotonic() + SECONDS
    while seen | refused < visible:
        assert time.monotonic() < end, f"{name}: nothing heard of {visible - seen - refused}"
        for message in consumer.consume(500, 0.2):
            error, topic = message.error(), message.topic()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                seen.add(str(topic))
            elif topic:
                assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, error
                refused.add(topic)
            else:  # of its group, which it is no member of
                assert error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED, error
    consumer.close()
    return seen


def refused_writes(cluster: Secured, name: str, topics: Iterable[str]) -> set[str]:
    """Give those of some topics that a user was refused to write to; each is tried with a record."""
    refused: set[str] = set()

    def heard(error: KafkaError | None, message: Any) -> None:  # noqa: ANN401 - untyped library
        if error is not None and error.code() in DENIED:
            refused.add(message.topic())

    producer = Producer(cluster.librdkafka(name, **{"message.timeout.ms": 20_000}))
    for topic in topics:
        producer.produce(topic, b"nothing of its business", partition=0, on_delivery=heard)
    assert producer.flush(SECONDS) == 0
    return refused


def is_denied(act: Callable[[], object]) -> bool:
    """Tell whether the brokers refuse something for lack of a right."""
    try:
        act()
    except KafkaException as error:
        return error.args[0].code() in DENIED
    return False


async def may_take_over(cluster: Secured, name: str, fold: str) -> list[bool]:
    """Tell whether a user may fence a fold's transactions, and move its offsets past what it has not read.

    The requests go to the broker as they are: libraries try for long before they say what it has answered.
    """
    async with asyncio.timeout(SECONDS):
        client = AIOKafkaClient(**client_arguments(cluster.access(name)))
        try:
            await client.bootstrap()
            node = client.get_random_node()
            fenced = await client.send(node, InitProducerIdRequest(f"{fold}.{EVENTS}.0", 10_000))
            moved = await client.send(node, OffsetCommitRequest(fold, -1, "", -1, [(EVENTS, [(0, 10**9, "")])]))
        finally:
            await client.close()
    ((_, ((_, moving),)),) = moved.topics
    return [code not in DENIED for code in (fenced.error_code, moving)]


def administer(cluster: Secured, name: str) -> list[Callable[[], object]]:
    """Give what only an administrator may do: make and delete topics, change their settings, give rights."""
    admin = AdminClient(cluster.librdkafka(name))
    right = AclBinding(
        *(ResourceType.TOPIC, ALL_TOPICS[0], ResourcePatternType.LITERAL),
        *(f"User:{name}", "*", AclOperation.ALL, AclPermissionType.ALLOW),
    )
    return [
        lambda: _result(admin.create_topics([NewTopic("its-own", 1, 1)])),
        lambda: _result(admin.delete_topics([ALL_TOPICS[0]])),
        lambda: _result(admin.create_acls([right])),
    ]


def _result(futures: dict[Any, Any]) -> object:
    (future,) = futures.values()
    return future.result(SECONDS)
