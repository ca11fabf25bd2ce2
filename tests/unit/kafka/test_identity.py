"""What a cluster says of itself, read from bytes as a broker writes them (metadata, version 12)."""

import asyncio
import uuid
from io import BytesIO
from typing import Any

import pytest

from streams.kafka import identity
from streams.kafka.identity import PartitionDescription, TopicDescription, described, topic_ids

THERE, MISSING = uuid.UUID(int=7), uuid.UUID(int=0)
PARTITION: tuple[Any, ...] = (0, 2, 1, 5, [1, 2, 3], [1, 3], [2], {})
TOPICS: list[tuple[Any, ...]] = [
    (0, "log", THERE, False, [PARTITION], 0b101000, {}),
    (3, "gone", MISSING, False, [], 0, {}),
]
ANSWER = identity._MetadataResponseV12(
    throttle_time_ms=0,
    brokers=[(1, "kafka-1", 9092, None, {}), (2, "kafka-2", 9093, "a", {})],
    cluster_id="a-cluster",
    controller_id=1,
    topics=TOPICS,
    tags={},
).encode()


class Client:
    """A client of a broker that answers so."""

    def __init__(self, **_settings: object) -> None:
        pass

    async def bootstrap(self) -> None:
        pass

    def get_random_node(self) -> int:
        return 1

    async def send(self, _node: int, _request: object) -> Any:  # noqa: ANN401 - as the library has it
        return identity._MetadataResponseV12.decode(BytesIO(ANSWER))

    async def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "AIOKafkaClient", Client)


def test_it_is_read_by_name() -> None:
    """Brokers as clients are led to them, who has which partition, and what we may do to each topic."""
    found = asyncio.run(described("kafka-1:9092", ["log", "gone"]))
    assert (found.cluster_id, found.brokers) == ("a-cluster", [("kafka-1", 9092), ("kafka-2", 9093)])
    assert found.topics == [
        TopicDescription(0, "log", str(THERE), [PartitionDescription(2, 1, [1, 2, 3], [1, 3])], 0b101000),
        TopicDescription(3, "gone", str(MISSING), [], 0),
    ]


def test_a_client_that_does_not_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked is answered, though a connection cannot be closed: the broker of it may hang."""

    async def never(_self: Client) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Client, "close", never)
    monkeypatch.setattr(identity, "CLOSE_SECONDS", 0.01)
    assert asyncio.run(described("kafka-1:9092", ["log"])).cluster_id == "a-cluster"


def test_a_missing_topic_has_no_id() -> None:
    """It is named, with the command that makes it."""
    with pytest.raises(LookupError, match=r"topic gone has no id yet \(error 3\): run `txpush topics apply`"):
        asyncio.run(topic_ids("kafka-1:9092", ["log", "gone"]))
