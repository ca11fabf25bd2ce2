"""By which name an audit chain began: a restored cluster goes on with the chains of its former one."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import orjson

from streams.fold.chain import first_link
from streams.history.history import History, HistoryError, Place
from streams.kafka.topics import AUDIT


def names_of(history: History, log: str, former: Sequence[str]) -> tuple[str, ...]:
    """Give what a log is and was called, `<cluster id>/<topic id>`: as it is now, and as it was before it was restored.

    Raises:
        HistoryError: there is no such topic.
    """
    return history.identity(log), *former


async def begun_as(history: History, place: Place, former: Sequence[str]) -> str:
    """Give the name that the chain of a partition of a log began with: the one that its first decision goes on from.

    It is the present one where nobody knows: nothing was decided yet, or the first decision is not kept.

    Raises:
        HistoryError: it cannot be read.
    """
    names = names_of(history, place.topic, former)
    audits = Place(AUDIT, place.partition)
    if not former or (span := (await history.spans([AUDIT]))[audits]).begin:
        return names[0]
    mine = b'","topic":"%b","partition":' % place.topic.encode()
    chunks: Any = history.read(audits, span)
    async with aclosing(chunks):
        async for records in chunks:
            for record in records:
                if record.value is not None and mine in record.value:
                    return _named(record.value, place.partition, names)
    return names[0]


def _named(value: bytes, partition: int, names: Sequence[str]) -> str:
    try:
        previous = orjson.loads(value)["previous"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise HistoryError("a decision cannot be read: run `txpush audit verify`, which names it") from error
    return next((name for name in names if first_link(name, partition) == previous), names[0])
