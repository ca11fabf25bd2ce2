"""Puts records back into the inbound log, to be decided on anew, and notes that beside their dead letters."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from schemas.audit import LetterRetried
from schemas.contract.channels import LETTER_RETRIED
from schemas.events import Source
from schemas.times import rfc3339
from streams.ending import ended
from streams.fold.effects import SourceRecord
from streams.fold.messages import headers_of
from streams.kafka.access import Bootstrap
from streams.kafka.topics import DEAD_LETTER, EVENTS
from streams.operate.letters.book import Book
from streams.operate.letters.forgets import FORGOTTEN_BEHIND, Forgets, forgets_behind
from streams.operate.letters.kept import Kept, Origin
from streams.operate.letters.originals import Originals, is_of, obstacle, reading_originals
from streams.operate.writing import SEND_SECONDS, START_SECONDS, STOP_SECONDS, operator_producer

RETRY_OF = "ce_retryof"
"""The attribute of a record that was put back: where it was before. Decisions do not look at it."""


class Left(NamedTuple):
    """A dead letter whose record is not put back, and why."""

    kept: Kept
    why: str


@dataclass(slots=True)
class Plan:
    """What a retry would do; `ready` in the order of the log, as customers have one."""

    ready: list[Kept] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    before: int = 0
    """How many of those that were chosen, not named, were put back before."""
    later: int = 0
    """How many are left for the next run."""
    forgets: Forgets = field(default_factory=Forgets)


@dataclass(slots=True)
class Done:
    """What a retry has done: how many records are in the log, the notes of them, and why it did not go on."""

    written: int = 0
    notes: list[LetterRetried] = field(default_factory=list)
    stopped: str = ""


class Order(NamedTuple):
    """Who decides on a retry, why, and when."""

    who: str
    why: str
    at: datetime


async def plan(bootstrap: Bootstrap, book: Book, at_once: int) -> Plan:
    """Look which records of a book can be put back, `at_once` of them at most.

    Raises:
        OperateError: there is more behind the oldest of them than can be read in time.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    planned = Plan(forgets=await forgets_behind(bootstrap, book.letters))
    async with reading_originals(bootstrap) as originals:
        for kept in sorted(book.letters, key=_in_the_log):
            retries = book.retries(kept)
            if retries and kept.id not in book.chosen.ids:
                planned.before += 1
            elif len(planned.ready) == at_once:
                planned.later += 1
            elif planned.forgets.has(kept):
                planned.left.append(Left(kept, FORGOTTEN_BEHIND))
            elif why := obstacle(kept, retries, await _original(originals, kept)):
                planned.left.append(Left(kept, why))
            else:
                planned.ready.append(kept)
    return planned


async def _original(originals: Originals, kept: Kept) -> Any:  # noqa: ANN401 - a record of an untyped library
    return await originals.read(kept.origin) if kept.origin is not None and kept.origin.topic == EVENTS else None


def _in_the_log(kept: Kept) -> tuple[Any, ...]:
    return (kept.origin or Origin("", 0, 0), kept.id)


async def put_back(bootstrap: Bootstrap, planned: Plan, order: Order) -> Done:
    """Put records back one after the other, as a customer's have an order; the first that fails ends it.

    Whoever was forgotten up to now stays so, which ends the run as well; an order that comes while it runs is not seen.

    A record goes to the partition of its key, under its own id and time: whoever has decided on it meanwhile, as the
    vendor has sent it again, takes it for the duplicate that it is. None is ever written in a transaction.

    Raises:
        OperateError: there is more to read than can be read in time; nothing was put back.
        KafkaError, OSError, TimeoutError: no broker answers; nothing was put back.
    """
    done = Done()
    await planned.forgets.read_on(bootstrap)
    producer = operator_producer(bootstrap)
    try:
        async with asyncio.timeout(START_SECONDS):
            await producer.start()
        async with reading_originals(bootstrap) as originals:
            await _put_each(producer, originals, planned, order, done)
    finally:
        await ended(producer, STOP_SECONDS)
    return done


async def _put_each(
    producer: Any,  # noqa: ANN401 - untyped library
    originals: Originals,
    planned: Plan,
    order: Order,
    done: Done,
) -> None:
    for kept in planned.ready:
        place = ""
        try:
            original = await _original(originals, kept)
            if why := _has_changed(planned, kept, original):
                done.stopped = f"{kept.id}: {why}"
                return
            async with asyncio.timeout(SEND_SECONDS):
                stored = await producer.send_and_wait(EVENTS, **_again(original, kept))
                done.written += 1
                place = str(Origin(EVENTS, stored.partition, stored.offset))
                note = LetterRetried(
                    letter=str(kept.id), origin=kept.letter.origin, put_back=place, who=order.who, why=order.why
                )
                await producer.send_and_wait(DEAD_LETTER, **_noted(note, kept, order.at))
        except (KafkaError, TimeoutError) as error:
            done.stopped = f"{kept.id}: {_what_became(place)} ({type(error).__name__}: {error})"
            return
        done.notes.append(note)


def _has_changed(planned: Plan, kept: Kept, original: SourceRecord | None) -> str:
    """Say why a record is not put back after all; nothing where it still can be."""
    if planned.forgets.has(kept):
        return "its customer has just been forgotten"
    if original is None or not is_of(original, kept):
        return f"its record has just gone from {kept.letter.origin}"
    return ""


def _what_became(place: str) -> str:
    if place:
        return f"put back to {place}, but it could not be noted: put back again, it is decided on once"
    return "not known to be put back: if it is, twice is as once"


def _again(original: SourceRecord, kept: Kept) -> dict[str, Any]:
    """Give a record as it was, with the place that it is from."""
    headers = [(name, value) for name, value in original.headers if name != RETRY_OF]
    return {
        "value": original.value,
        "key": original.key,
        "timestamp_ms": original.timestamp,
        "headers": [*headers, (RETRY_OF, kept.letter.origin.encode())],
    }


def _noted(note: LetterRetried, kept: Kept, at: datetime) -> dict[str, Any]:
    """Give the note beside the letter: in its partition, under its key."""
    name, subject = f"retried:{note.letter}", f"dead-letters/{note.letter}"
    return {
        "value": note.model_dump_json().encode(),
        "key": kept.key,
        "partition": kept.id.partition,
        "headers": list(headers_of(name, LETTER_RETRIED, Source.OPERATOR, rfc3339(at), subject)),
    }
