"""Fixes which offsets an export has: of one moment for all that an agent writes in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.times import from_epoch_ms, rfc3339
from streams.ending import ended
from streams.export.choices import COMPACTED, CONTROLS, Choices, ExportError
from streams.export.plan import Plan, Planned
from streams.history import Content, History, Place, Span
from streams.kafka.access import Bootstrap, ClusterError, client_arguments
from streams.operate.reading import FOLDS, members, operator_admin

STEP_SECONDS = 20.0
TRIES = 40
PAUSE_SECONDS = 0.25

Ends = Callable[[tuple[str, ...]], Awaitable[Mapping[Place, int]]]
"""Gives where partitions end with what is not committed yet."""
AtWork = Callable[[], Awaitable[Mapping[str, int]]]
"""Gives how many members each agent's group has."""
AT_WORK = (
    "the agents write all the time, or a transaction of theirs is open: what they know and what they have written has "
    "to be of one moment, so stop both agents (one that was killed leaves a transaction open for 30 s), then run the "
    "same again; bridges may go on"
)


async def planned(history: History, choices: Choices, at: datetime, uncommitted: Ends | None) -> Plan:
    """Fix the offsets of an export.

    Raises:
        ExportError: the agents do not rest, where the export is to be restored from.
        HistoryError: a topic is missing, or nobody answers.
    """
    if choices.content is Content.WHOLE and choices.state:
        spans = await _of_one_moment(history, choices.topics, uncommitted)
    else:
        spans = await history.spans(choices.topics)
    cut = {place: await _within(history, choices, place, span) for place, span in spans.items()}
    return Plan(
        choices=choices,
        made_at=rfc3339(at),
        cluster_id=history.cluster_id,
        partitions=history.partitions,
        topics={
            topic: Planned(
                history.topics[topic], tuple(cut[Place(topic, number)] for number in range(history.partitions))
            )
            for topic in choices.topics
        },
    )


async def _of_one_moment(history: History, topics: tuple[str, ...], uncommitted: Ends | None) -> dict[Place, Span]:
    """Take the ends while no agent commits: the control records of both have not moved around it."""
    for number in range(TRIES):
        if number:
            await asyncio.sleep(PAUSE_SECONDS)
        before = await history.spans(CONTROLS)
        spans = await history.spans(topics)
        whole = {} if uncommitted is None else await uncommitted(topics)
        is_open = any(spans[place].end != end for place, end in whole.items())
        if not is_open and _ends(before) == _ends(await history.spans(CONTROLS)):
            return spans
    raise ExportError(AT_WORK)


async def require_rest(history: History, plan: Plan) -> None:
    """Refuse state that was read while an agent has written: a record of before may have been compacted away.

    Raises:
        ExportError: says so.
    """
    found = _ends(await history.spans(CONTROLS))
    if found != {place: plan.span(place).end for place in found}:
        raise ExportError(
            "an agent has written while the state was read: stop both agents, then run the same again; they may start "
            "as soon as it says that the state is there"
        )


def _ends(spans: Mapping[Place, Span]) -> Mapping[Place, int]:
    return {place: span.end for place, span in spans.items()}


async def _within(history: History, choices: Choices, place: Place, span: Span) -> Span:
    """Cut a range of time out of a partition; what has the present only stays as it is."""
    if place.topic in COMPACTED:
        return span
    begin, end = span
    if choices.since_ms is not None:
        begin = await history.offset_since(place, from_epoch_ms(choices.since_ms))
    if choices.until_ms is not None:
        end = await history.offset_since(place, from_epoch_ms(choices.until_ms))
    return Span(begin, max(begin, end)).within(span)


def agents_at_work(access: Bootstrap) -> AtWork:
    """Give what asks a cluster how many members each agent's group has."""

    async def asked() -> Mapping[str, int]:
        async with operator_admin(access) as admin:
            return {group: await members(admin, group) for group in FOLDS}

    return asked


async def told_at_work(at_work: AtWork) -> Sequence[str]:
    """Say which agents run, and what that means for a cluster restored from what is exported now.

    Nothing is said where that cannot be asked: the export is whole without it.
    """
    try:
        found = await at_work()
    except (ClusterError, KafkaError, OSError, TimeoutError):
        return []
    return [
        f"{group} has {count} member{'s' * (count > 1)}: what it decides from now on is not in the export, and a "
        "cluster restored from it sends that again; to have it take this one's place, stop both agents and export again"
        for group, count in found.items()
        if count
    ]


def uncommitted_ends(access: Bootstrap, partitions: int) -> Ends:
    """Give what asks a cluster where partitions end with what is not committed yet."""

    async def asked(topics: tuple[str, ...]) -> Mapping[Place, int]:
        places = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
        consumer = AIOKafkaConsumer(
            **client_arguments(access), group_id=None, enable_auto_commit=False, isolation_level="read_uncommitted"
        )
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await consumer.start()
                found = await consumer.end_offsets(places)
        finally:
            await ended(consumer, STEP_SECONDS)
        return {Place(*place): end for place, end in found.items()}

    return asked
