"""What the transactional producer takes from inside aiokafka."""

import asyncio
import inspect

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.transport import transaction
from streams.transport.settings import FoldSettings
from streams.transport.transaction import PartitionTransaction
from tests.unit.fold.build import Fixed

COORDINATOR = 2


def test_the_wait_between_transactions_is_ours() -> None:
    """So long it waits where the broker says that the markers of the last transaction are still being written."""
    assert sender.BACKOFF_OVERRIDE == transaction.MARKERS_SECONDS
    handler = inspect.getsource(sender.AddPartitionsToTxnHandler.handle_response)
    assert "ConcurrentTransactions:" in handler
    assert "return BACKOFF_OVERRIDE" in handler


def test_an_empty_batch_takes_a_record_of_any_size() -> None:
    """A record that does not fit behind others has one of its own: nothing is left out without a word."""
    batch = BatchBuilder(100, 0)
    assert batch.append(timestamp=None, key=None, value=b"x" * 1000) is not None
    assert batch.append(timestamp=None, key=None, value=b"") is None
    assert batch.record_count() == 1


@pytest.mark.parametrize("kind", [CoordinationType.GROUP, CoordinationType.TRANSACTION])
def test_a_coordinator_is_looked_for_again(kind: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that stops while it is asked does not end the producer: the next one is asked."""
    asked: list[object] = []

    async def look_up(_client: AIOKafkaClient, *what: object) -> int:
        asked.append(what)
        if len(asked) == 1:
            raise KafkaConnectionError("Connection closed")
        return COORDINATOR

    async def yes(*_args: object, **_kwargs: object) -> bool:
        return True

    monkeypatch.setattr(AIOKafkaClient, "coordinator_lookup", look_up)
    for name in ("force_metadata_update", "ready"):
        monkeypatch.setattr(AIOKafkaClient, name, yes)

    async def found() -> object:
        settings = FoldSettings("127.0.0.1:1", "app", "log", 1, Fixed())
        owner = PartitionTransaction(settings, TopicPartition("log", 0))
        try:
            return await owner._producer._sender._find_coordinator(kind, "it")
        finally:
            await owner.stop()

    assert asyncio.run(asyncio.wait_for(found(), 5)) == COORDINATOR
    assert asked == [(kind, "it")] * 2
