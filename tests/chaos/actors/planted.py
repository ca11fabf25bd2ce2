"""An agent with a planted bug: the state is written before the transaction, and the process dies in between.

What a crash loses then is what the check has to find: the restored state has seen events whose commands never came out.
"""

import os
import signal
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.agent.app import main
from streams.fold.effects import Outbox
from streams.kafka.access import client_arguments
from streams.kafka.topics import CUSTOMER_COMMANDS as COMMANDS
from streams.transport.transaction import Ends, PartitionTransaction
from tests.chaos.actors.workers import DEATHS_FILE

DEATHS = 2
DEADLY_COMMIT = 2
"""Which commit with a command a process dies in; three partitions with a backlog give as many."""

_sound_commit = PartitionTransaction.commit
_commits = 0


async def _commit(self: PartitionTransaction, outbox: Outbox, next_offset: int) -> Ends:
    """Write the state by itself first, then the rest in the transaction."""
    global _commits  # noqa: PLW0603 - a bug of one process
    state = {place: records for place, records in outbox.records.items() if place[0].endswith("-changelog")}
    ends = await _write(self, state)
    _commits += any(topic in COMMANDS for topic, _ in outbox.records)
    if _commits == DEADLY_COMMIT:
        _die()
    rest = Outbox()
    rest.records.update({place: records for place, records in outbox.records.items() if place not in state})
    return ends | await _sound_commit(self, rest, next_offset)


async def _write(transaction: PartitionTransaction, state: dict[tuple[str, int], list[Any]]) -> Ends:
    producer = AIOKafkaProducer(
        **client_arguments(transaction._settings.bootstrap), enable_idempotence=True, acks="all"
    )
    await producer.start()
    try:
        ends = {}
        for place, records in state.items():
            for record in records:
                sent = await producer.send_and_wait(place[0], record.value, key=record.key, partition=place[1])
                ends[place] = sent.offset + 1
        return ends
    finally:
        await producer.stop()


def _die() -> None:
    counted = Path(os.environ[DEATHS_FILE])
    deaths = counted.stat().st_size if counted.exists() else 0
    if deaths < DEATHS:
        counted.write_text("x" * (deaths + 1))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    PartitionTransaction.commit = _commit  # type: ignore[method-assign] # the bug
    main()
