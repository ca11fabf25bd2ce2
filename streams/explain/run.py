"""Reads a history for one customer, follows it, and tells its story."""

from collections import deque

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from schemas.times import time_of_record
from streams.explain.asked import Asked
from streams.explain.following.follow import Following
from streams.explain.following.steps import Step
from streams.explain.following.trail import Trail
from streams.explain.names import Names
from streams.explain.reading.topics import Progress, Reading, begun
from streams.explain.story import Story
from streams.explain.wording.tell import Followed, logins_of, tell
from streams.fold.effects import type_of
from streams.fold.inforce import InForce
from streams.history import Content, Origin
from streams.history.forgotten import FORGOTTEN
from streams.pseudonyms import Pseudonyms

STEPS = 20_000
"""Records of a customer that are told at most, the latest."""


async def explain(
    origin: Origin, asked: Asked, progress: Progress, pseudonyms: Pseudonyms, *, is_hashed: bool = False
) -> Story:
    """Tell the story of a customer.

    Args:
        origin: where the topics are; nothing is written there.
        asked: whose story, and which part of it.
        progress: hears how far the reading is.
        pseudonyms: names for a customer who was forgotten, who is never named in clear (R18).
        is_hashed: name nobody in clear, forgotten or not.

    Raises:
        ExplainError: it cannot be told from what is there.
        HistoryError: what is there cannot be read.
    """
    async with origin.open() as history:
        reading = await begun(history, asked, progress)
        await reading.beside()
        is_exact = history.content is Content.WHOLE
        rules = reading.kept.first_rules(_shipped())
        following = Following(reading.kept, reading.partition, history.partitions, rules, is_exact=is_exact)
        found = await _followed(reading, following, str(origin), asked)
    is_unnamed = is_hashed or found.forgotten_at is not None
    return tell(found, Names(pseudonyms if is_unnamed else None))


async def _followed(reading: Reading, following: Following, origin: str, asked: Asked) -> Followed:
    trail, steps = Trail(), deque[Step](maxlen=STEPS)
    places, told, forgotten_at, is_behind = set[str](), 0, None, False
    async for record in reading.of_customer():
        if record.key is not None and type_of(record) == FORGOTTEN:
            forgotten_at = time_of_record(record.timestamp)
        is_behind = is_behind or record.offset >= reading.stands_at
        if is_behind:
            continue  # only whether the customer was forgotten since: it is not to be named then
        for step in following.take(record):
            trail.follow(step)
            places.update(message.place for message in step.sent)
            if record.offset >= reading.told_from:
                steps.append(step)
                told += 1
    return Followed(
        asked=asked,
        origin=origin,
        partition=reading.partition,
        kept=reading.kept,
        trail=trail,
        scene=following.scene,
        steps=steps,
        customer=following.customer,
        as_of=asked.at or reading.last_at,
        forgotten_at=forgotten_at,
        left_out=told - len(steps),
        unnamed=reading.kept.unnamed(places, asked.since, asked.at),
        logins=logins_of(asked.account_id, steps),
    )


def _shipped() -> InForce:
    """Give the rules that hold before the log has any: agents write theirs down before all else."""
    return InForce.of(Policy.load(), Catalogue.load())
