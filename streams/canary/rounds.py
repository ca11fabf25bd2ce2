"""Rounds of canaries: one through each partition, and what of them comes out."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import orjson

from schemas.canary import CanarySeen
from schemas.events import EventType
from streams.canary.meters import CanaryMeters
from streams.fold.intake import partition_of
from streams.kafka.view import ViewRecord
from streams.observe.labels import CanaryOutcome

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
ANSWER_SECONDS = 10.0
"""How long the bridge may take: it gives up Kafka after `TXPUSH_ACK_SECONDS` (5)."""
LATE_SECONDS = 3 * ROUND_SECONDS
"""Without a canary of a partition for so long it is said not to go on."""
LOOK_AT_BOTH = "see whether bridge and agents are ready, and what the agents say of the partition"
REFUSALS = {
    401: "TXPUSH_CALLERS_FILE there has not the SHA-256 of TXPUSH_CANARY_TOKEN: put it in",
    403: 'the canary\'s table of TXPUSH_CALLERS_FILE there needs types = ["canary.sent"]',
    404: "it has no /v1/events: set TXPUSH_CALLERS_FILE there, with a table for the canary as in its README, or "
    "TXPUSH_CANARY_URL here if that is not the bridge",
}
"""What to do about an answer that only a setting changes."""
REMEMBERED = 10
"""Canaries of one partition that may still come out; of what comes later nobody knows when it was sent."""

Post = Callable[[bytes], Awaitable[int]]
"""Sends an event to the bridge and gives the status of the answer; raises OSError where there is none."""


def customers_of(partitions: int) -> list[str]:
    """Make up a customer for each partition, in their order: `canary-` and a number, as no customer of the vendor's."""
    found: dict[int, str] = {}
    for number in count():
        customer = f"canary-{number}"
        found.setdefault(partition_of(customer, partitions), customer)
        if len(found) == partitions:
            return [found[partition] for partition in range(partitions)]
    raise AssertionError  # for the type checker: counting does not end


class Rounds:
    """Sends canaries, and hears which of them have come out.

    Args:
        customers: one of each partition, in their order.
        has_read: whether all was heard that had come out before: a start must not make a silence look young.
    """

    def __init__(
        self, customers: Sequence[str], post: Post, meters: CanaryMeters, has_read: Callable[[], bool]
    ) -> None:
        self._customers = customers
        self._post = post
        self._meters = meters
        self._has_read = has_read
        self._sent: list[dict[str, float]] = [{} for _ in customers]
        self._began = time.time()
        self._through: list[float | None] = [None] * len(customers)
        self._advice = [LOOK_AT_BOTH] * len(customers)
        meters.watch(len(customers), self.last)

    async def run(self) -> None:
        """Send a round every minute, for ever."""
        while True:
            began = time.monotonic()
            await self.send()
            await asyncio.sleep(max(0.0, began + ROUND_SECONDS - time.monotonic()))

    async def send(self) -> None:
        """Send one canary through each partition, all at once; ends within `ANSWER_SECONDS`."""
        await asyncio.gather(*(self._send(partition) for partition in range(len(self._customers))))

    async def _send(self, partition: int) -> None:
        canary_id, sent = uuid.uuid4().hex, self._sent[partition]
        sent[canary_id] = time.monotonic()
        if len(sent) > REMEMBERED:
            del sent[next(iter(sent))]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await self._post(_event(self._customers[partition], canary_id))
        except (OSError, TimeoutError) as error:
            self._meters.sent(CanaryOutcome.UNANSWERED)
            self._advice[partition] = LOOK_AT_BOTH
            log.warning("the bridge did not answer to a canary of partition %d: %r", partition, error)
            return
        is_accepted = status == 200  # noqa: PLR2004 - HTTP
        self._meters.sent(CanaryOutcome.ACCEPTED if is_accepted else CanaryOutcome.REFUSED)
        if is_accepted:
            self._advice[partition] = LOOK_AT_BOTH
            return
        why = REFUSALS.get(status, "see its log")
        self._advice[partition] = f"the bridge answers {status} to them; {why}"
        log.warning("the bridge answered %d to a canary of partition %d; %s", status, partition, why)

    def hear(self, record: ViewRecord) -> None:
        """Take what has come out: one that this process sent came through now, and is timed.

        Of another nobody knows when it came through: not before it was in the log, and that counts.
        """
        seen = CanarySeen.model_validate_json(record.value or b"")
        sent_at, now = self._sent[record.partition].pop(seen.canary_id, None), time.time()
        if sent_at is not None:
            self._meters.came_through(time.monotonic() - sent_at)
        at = min(now, record.timestamp_ms / 1000) if sent_at is None else now
        self._through[record.partition] = max(at, self._through[record.partition] or at)

    def last(self, partition: int) -> float:
        """Give when the last canary of a partition came through, in seconds since 1970; the start where none is known.

        Until all was heard that had come out before the start nothing is known.
        """
        through = self._through[partition]
        return self._began if through is None or not self._has_read() else through

    def late(self) -> list[str]:
        """Say of each partition whose canaries do not come through for how long that is so."""
        now = time.time()
        silent = [(partition, now - self.last(partition)) for partition in range(len(self._customers))]
        return [
            f"no canary of partition {partition} has come through for {seconds:.0f} s; {self._advice[partition]}"
            for partition, seconds in silent
            if seconds > LATE_SECONDS
        ]


def _event(customer: str, canary_id: str) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": canary_id,
            "source": "/canary",
            "type": EventType.CANARY_SENT,
            "data": {"customerId": customer, "canary_id": canary_id},
        }
    )
