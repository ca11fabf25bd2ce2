"""What a partition of production code is tried on."""

import pytest

from streams.transport import ticks as ticking
from streams.transport import transaction as transactions
from streams.transport.state import restore as restoring
from tests.topology.on_broker import Consumer, Producer
from tests.topology.stage import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A log with one event, and clients in memory."""
    made = Stage()
    for client in (Producer, Consumer):
        monkeypatch.setattr(client, "cluster", made.cluster, raising=False)
    for module in (transactions, ticking):
        monkeypatch.setattr(module, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(restoring, "AIOKafkaConsumer", Consumer)
    made.hear(185)
    return made
