"""The reference: a plain aiokafka loop around the agent's fold; one idempotent producer, no transaction."""

import asyncio

import uvloop
from aiokafka import AIOKafkaProducer

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
    """Poll, decide, write, commit, until the process is ended."""
    fold, source = PlainFold(await fold_on(settings, plain_table)), consumer(settings)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
    )
    await source.start()
    await producer.start()
    while True:
        polled = await source.getmany(timeout_ms=500, max_records=MAX_POLL_RECORDS)
        decided = {place: fold.decide(place.partition, records) for place, records in polled.items()}
        sent = [future for effects in decided.values() for future in await send_batches(producer, effects)]
        await asyncio.gather(*sent)
        if polled:
            await source.commit({place: records[-1].offset + 1 for place, records in polled.items()})
        for place, effects in decided.items():
            fold.acknowledged(place.partition, effects)


if __name__ == "__main__":
    uvloop.run(main(read_settings()))
