"""The second reference: plain aiokafka, a transaction per partition and poll, partitions side by side."""

import asyncio

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.kafka.topics import AGENT
from streams.settings import Settings, read_settings
from tests.bench.contestants.plain import (
    MAX_BATCH_BYTES,
    MAX_POLL_RECORDS,
    MAX_REQUEST_BYTES,
    PlainFold,
    consumer,
    fold_on,
    plain_table,
    send_batches,
)


async def main(settings: Settings) -> None:
    """Run a loop for each partition, until the process is ended."""
    fold, source = PlainFold(await fold_on(settings, plain_table)), consumer(settings)
    await source.start()  # a lone member has its partitions when it comes back
    async with asyncio.TaskGroup() as loops:
        for place in source.assignment():
            loops.create_task(partition(settings, fold, source, place))


async def partition(settings: Settings, fold: PlainFold, source: AIOKafkaConsumer, place: TopicPartition) -> None:
    """Poll, decide, and write it all with the offset in one transaction."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        transactional_id=f"reference.{place.partition}",
        linger_ms=0,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
    )
    await producer.start()
    while True:
        records = (await source.getmany(place, timeout_ms=500, max_records=MAX_POLL_RECORDS)).get(place)
        if not records:
            continue
        effects = fold.decide(place.partition, records)
        await producer.begin_transaction()
        await asyncio.gather(*await send_batches(producer, effects))
        await producer.send_offsets_to_transaction({place: records[-1].offset + 1}, AGENT)
        await producer.commit_transaction()
        fold.acknowledged(place.partition, effects)


if __name__ == "__main__":
    uvloop.run(main(read_settings()))
