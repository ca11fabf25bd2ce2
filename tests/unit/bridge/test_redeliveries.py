"""What a process of the bridge remembers of the deliveries it has stored."""

import hashlib

from streams.bridge.redeliveries import REMEMBERED, Redeliveries
from streams.kafka.log import LogUnavailable
from streams.observe.metrics import BRIDGE_REDELIVERIES
from tests.unit.bridge.bench import TXPUSH, bench_with, sample


def _id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_only_the_last_ones_are_remembered() -> None:
    """One that came again is among the last again; the oldest is forgotten first."""
    redeliveries = Redeliveries(remembered=3)
    assert [redeliveries.stored(_id(number)) for number in (1, 2, 3, 1, 4)] == [False, False, False, True, False]
    assert redeliveries.stored(_id(1))
    assert not redeliveries.stored(_id(2))


def test_how_many_is_what_the_metric_says() -> None:
    """Who reads it has to know when one that comes again is not seen as that."""
    assert f"its last {REMEMBERED:,}:" in BRIDGE_REDELIVERIES.meaning


async def test_a_body_that_comes_again_counts_as_redelivered_once_it_is_durable() -> None:
    """What was not stored the first time is no redelivery; another body is none either."""
    async with bench_with() as bench:
        body = sample("txpush-account-modified-945-multi-record")
        bench.log.failure = LogUnavailable("gone")
        assert (await bench.client.post(TXPUSH, content=body)).status_code == 503
        bench.log.failure = None
        counts = []
        for content in (body, body, sample("txpush-account-modified-185"), body):
            assert (await bench.client.post(TXPUSH, content=content)).status_code == 200
            counts.append(bench.count("redeliveries", route="txpush"))
        assert counts == [0, 1, 1, 2]
        assert bench.count("redeliveries", route="connect") == 0
