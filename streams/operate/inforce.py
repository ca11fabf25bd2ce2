"""Reads which rules are in force: what the agents keep of them, and what waits in their logs to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas.events import EventType, PolicyActivated
from streams.fold.effects import type_of
from streams.history import Place
from streams.kafka.access import Bootstrap
from streams.kafka.topics import changelog
from streams.operate.reading import FOLDS, READ_SECONDS, committed_reader, positions, to_end, within
from streams.operate.writing import OperateError


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds in a partition; `waits_at` is the offset of an activation that its agent has not read yet."""

    activation: PolicyActivated
    waits_at: int | None = None


async def standings(
    bootstrap: Bootstrap, partitions: int, folds: Mapping[str, str] = FOLDS
) -> Mapping[Place, Standing | None]:
    """Give what holds in every partition of both logs, or of one, None where nothing was ever activated.

    Raises:
        OperateError: it takes too long, or a record is of a later release.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    slow = (
        f"the rules in force could not be read within {READ_SECONDS:.0f} s: an agent is far behind in its log, or a "
        "broker is slow; look at the lag, then ask again"
    )
    async with within(READ_SECONDS, slow):
        read = await positions(bootstrap, partitions, folds)
        return {
            Place(topic, number): standing
            for application, topic in folds.items()
            for number, standing in (await _of_fold(bootstrap, application, partitions, read)).items()
        }


async def _of_fold(
    bootstrap: Bootstrap, application: str, partitions: int, read: Mapping[TopicPartition, int]
) -> dict[int, Standing | None]:
    kept = [TopicPartition(changelog(application, "policies"), number) for number in range(partitions)]
    log = [TopicPartition(FOLDS[application], number) for number in range(partitions)]
    found: dict[int, Standing | None] = dict.fromkeys(range(partitions))
    async with committed_reader(bootstrap) as consumer:
        async for record in to_end(consumer, kept, {}):
            if record.value is not None:
                found[record.partition] = Standing(_activation(record))
        async for record in to_end(consumer, log, read):
            if type_of(record) == EventType.POLICY_ACTIVATED.encode():
                found[record.partition] = Standing(_activation(record), record.offset)
    return found


def _activation(record: Any) -> PolicyActivated:  # noqa: ANN401 - untyped library
    try:
        return PolicyActivated.model_validate_json(record.value)
    except ValidationError as error:
        place = f"{record.topic}/{record.partition} at {record.offset}"
        raise OperateError(f"the rules in {place} are of a later release: ask with that one ({error})") from error
