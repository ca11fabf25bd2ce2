"""The record behind a dead letter: read where it stands in its log, and why it cannot be put back, if it cannot."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition

from schemas.audit import LetterRetried
from schemas.contract.channels import Component
from streams.fold.effects import SourceRecord
from streams.kafka.access import Bootstrap
from streams.kafka.topics import EVENTS
from streams.operate.letters.kept import Kept, Origin
from streams.operate.reading import POLL_MS, STEP_SECONDS, committed_reader, operator_admin, topic_sizes
from streams.polling import polled

NO_ORIGINAL: Mapping[Component | None, str] = {
    Component.BRIDGE: (
        "the bridge keeps only the hash of a body, and the vendor, answered 200, does not send it again: "
        "`txpush sweep` reads at the vendor how the accounts are now"
    ),
    Component.INSTITUTIONS: (
        "a signal has its place in an order, and put back later it could count a login that has left meanwhile: it is "
        "told of again when it fails anew"
    ),
    Component.EXECUTOR: (
        "a look-up is not asked again: where a login stays unknown for an hour the agent opens a ticket (R14), and "
        "`txpush sweep` reads at the vendor how the accounts are now"
    ),
    None: f"its origin is no place in {EVENTS}: another program has written this letter",
}
"""Why nothing can be put back of what these have set aside, and what helps instead."""


def obstacle(kept: Kept, retries: Sequence[LetterRetried], original: SourceRecord | None) -> str:
    """Say why a record is not put back, and what helps instead; nothing where it can be."""
    if retries:
        return "it was put back already, see `txpush dead-letter show`; if it failed again, that is a letter of its own"
    if kept.component is not Component.AGENT:
        return NO_ORIGINAL[kept.component]
    if original is None:
        return (
            f"its record is gone from {kept.letter.origin}: `txpush sweep` reads at the vendor how the accounts are now"
        )
    if not is_of(original, kept):
        return (
            f"another record is at {kept.letter.origin} by now, the log was made anew: `txpush sweep` reads at the "
            "vendor how the accounts are now"
        )
    if original.key is None:
        return (
            "it was meant for a whole partition, and those who failed at it are decided on with their next own event: "
            "say an override or a policy again, with `txpush override` or `txpush policy activate`"
        )
    return ""


def is_of(original: SourceRecord, kept: Kept) -> bool:
    """Tell whether a record is the one that was set aside."""
    return hashlib.sha256(original.value or b"").hexdigest() == kept.letter.body_sha256


class Originals:
    """Reads single records of logs, of topics with so many partitions each; cheapest in the order of their places."""

    def __init__(self, consumer: Any, sizes: Mapping[str, int]) -> None:  # noqa: ANN401 - untyped library
        self._consumer = consumer
        self._sizes = sizes
        self._place: TopicPartition | None = None
        self._end = 0

    async def read(self, origin: Origin) -> Any:  # noqa: ANN401 - a record of an untyped library
        """Give the record at a place; None where there is none any more.

        Raises:
            KafkaError, TimeoutError: the broker does not answer.
        """
        async with asyncio.timeout(STEP_SECONDS):
            place = TopicPartition(origin.topic, origin.partition)
            if origin.partition >= self._sizes.get(origin.topic, 0):
                return None
            await self._assign(place)
            if origin.offset >= self._end:
                return None
            self._consumer.seek(place, origin.offset)
            while await self._consumer.position(place) < self._end:
                found = await polled(self._consumer, place, timeout_ms=POLL_MS, max_records=1)
                for record in found.get(place, ()):
                    return record if record.offset == origin.offset else None
            return None

    async def _assign(self, place: TopicPartition) -> None:
        """Read of this partition from now on."""
        if place != self._place:
            self._consumer.assign([place])
            self._end = (await self._consumer.end_offsets([place]))[place]
            self._place = place


@asynccontextmanager
async def reading_originals(bootstrap: Bootstrap) -> AsyncIterator[Originals]:
    """Give a reader of single records."""
    async with operator_admin(bootstrap) as admin:
        sizes = await topic_sizes(admin)
    async with committed_reader(bootstrap) as consumer:
        yield Originals(consumer, sizes)
