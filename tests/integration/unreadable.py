"""Writes what aiokafka cannot read, as a client of another kind could."""

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

NO_UTF8 = 0xFF
SECONDS = 30.0
CHECKSUM = slice(17, 21)
"""Where a batch has it; it is over all that follows."""


async def write_unreadable(bootstrap: str, topic: str, partition: int) -> int:
    """Write a record whose header name is no UTF-8, in a batch altered by hand, and give its offset."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    batch = producer.create_batch()
    batch.append(key=b"7", value=b"{}", timestamp=1, headers=[("ce_id", b"x")])
    written = bytearray(batch._build())
    written[written.index(b"ce_id")] = NO_UTF8
    written[CHECKSUM] = calc_crc32c(bytes(written[CHECKSUM.stop :])).to_bytes(4, "big")
    batch._buffer = written
    placed = await (await producer.send_batch(batch, topic, partition=partition))
    await producer.stop()
    return int(placed.offset)


def delete_to(bootstrap: str, topic: str, partition: int, last: int) -> None:
    """Have all records of a partition deleted up to this one."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for deleted in admin.delete_records([TopicPartition(topic, partition, last + 1)]).values():
        deleted.result(SECONDS)
