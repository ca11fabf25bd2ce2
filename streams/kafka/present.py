"""What a process asks of its cluster before it starts: the topics of the contract, and that it allows the clock."""

import asyncio
import logging
import sys

from aiokafka.errors import KafkaError

from streams.clock import Clock, WallClock
from streams.exits import EXIT_CRASH, EXIT_NOTHING
from streams.kafka.access import Access, ClusterError
from streams.kafka.applied import TopicsError, require
from streams.kafka.embedded.properties import is_embedded_cluster
from streams.kafka.identity import log_identity
from streams.kafka.refusals import beside_silence, keep_to_words
from streams.kafka.topics import EVENTS, Layout
from streams.settings import Settings

log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
"""How long a start that can do without a broker waits for one."""


def clock_of(settings: Settings) -> Clock:
    """Give the clock that the settings ask for; `require_clock` tells whether the cluster allows it."""
    return settings.clock or WallClock()


async def require_clock(settings: Settings) -> None:
    """Refuse a clock of its own on any cluster but an embedded one: events of another time would be there for good.

    Raises:
        TopicsError: the cluster is not one of `txpush kafka`.
        AccessRefusedError: the brokers and we do not accept each other.
        LookupError, KafkaError, TimeoutError: it cannot be asked.
    """
    if settings.clock is None:
        return
    cluster_id, _, _ = (await log_identity(Access.of(settings), EVENTS)).partition("/")
    if not is_embedded_cluster(cluster_id):
        raise TopicsError(
            f"TXPUSH_CLOCK is for clusters of `txpush kafka` only, and {settings.bootstrap} is none: unset it"
        )


def refuse_other_cluster(settings: Settings, meanwhile: str) -> None:
    """Exit where the topics do not fit; without a broker the start goes on, and says what happens `meanwhile`.

    Once there is one, `LogProducer` looks again: until its topics fit nothing is written. With a clock of its own no
    start goes on, as nobody could say whether the cluster to come allows it: it has to be made again. From here on
    aiokafka has no words: where nobody listens it would speak of a version of the brokers that does not fit.
    """
    keep_to_words()
    try:
        silence = asyncio.run(require_cluster_if_there(settings, CHECK_SECONDS))
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_NOTHING)
    if silence is not None and settings.clock is not None:
        sys.stderr.write(
            f"TXPUSH_CLOCK: no broker answers at {settings.bootstrap} to allow it{beside_silence(silence)}; "
            "start one or unset it\n"
        )
        sys.exit(EXIT_CRASH)
    if silence is not None:
        log.warning("no broker answers at %s yet (%r): %s until one does", settings.bootstrap, silence, meanwhile)


async def require_cluster_if_there(settings: Settings, seconds: float) -> Exception | None:
    """Refuse as `require_cluster`, for a start that goes on without a broker: gives why none answered in `seconds`.

    Raises:
        TopicsError: with every difference in words.
    """
    try:
        async with asyncio.timeout(seconds):
            await require_cluster(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        return error
    return None


async def require_cluster(settings: Settings) -> None:
    """Refuse a cluster whose topics differ from the contract, or that does not allow the clock.

    Raises:
        TopicsError: with every difference in words.
        AccessRefusedError: the brokers and we do not accept each other.
        LookupError, KafkaError, TimeoutError: it cannot be asked.
    """
    await require(Access.of(settings), Layout.of(settings))
    await require_clock(settings)
