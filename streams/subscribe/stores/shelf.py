"""A reader's view of its store: marks, positions and contact times by name, with deadlines and retries."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from schemas.times import from_epoch_ms, to_epoch_ms
from streams.subscribe.core import Marks, Partition
from streams.subscribe.errors import StoreError, StoreRefusedError, StoreUnavailableError
from streams.subscribe.stores.base import MAX_NAMES, AsyncStore, Store

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.2, 1.0)
"""Waits between attempts; one attempt more than there are waits."""


class Shelf:
    """Reads and raises what the store keeps; every call ends within its limits or raises a StoreError."""

    def __init__(self, store: Store | AsyncStore, group: str, step_seconds: float) -> None:
        self._store = store
        self._owner = f"group {group}"
        self._step_seconds = step_seconds
        self._latest: asyncio.Future[Any] | None = None

    async def claim(self) -> None:
        """Make the store this group's; raises StoreRefusedError when it is another's."""
        kept = await self._call(self._store.claim, self._owner)
        if kept != self._owner:
            raise StoreRefusedError(f"the store belongs to {kept!r}, not to {self._owner!r}: give each its own")

    async def marks(self, command_ids: Collection[str]) -> Mapping[str, Marks]:
        """Give what is known of each command."""
        if not command_ids:
            return {}
        kept = await self._read([name for one in command_ids for name in _names(one)])
        return {one: Marks(*(kept.get(name, -1) for name in _names(one))) for one in command_ids}

    async def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Give how far the store knows each partition; those it does not know are left out."""
        kept = await self._read([_position(one) for one in partitions])
        return {one: kept[_position(one)] for one in partitions if _position(one) in kept}

    async def contacts(self, limit: int) -> Mapping[int, datetime]:
        """Give the times of the latest contacts by slot, of `limit` slots."""
        slots = {_contact(slot): slot for slot in range(limit)}
        return {slots[name]: from_epoch_ms(at) for name, at in (await self._read(slots.keys())).items()}

    async def begin(self, command_id: str, sequence: int, contact: Mapping[int, datetime]) -> None:
        """Keep that a command is handed out, and that a contact is made, by slot."""
        times = {_contact(slot): to_epoch_ms(at) for slot, at in contact.items()}
        await self._raise_to({f"begun/{command_id}": sequence} | times)

    async def acknowledge(self, command_id: str, sequence: int, positions: Mapping[Partition, int]) -> None:
        """Keep that a command is done up to `sequence`, and how far that brings the partitions."""
        await self._raise_to({f"acknowledged/{command_id}": sequence} | _positions(positions))

    async def pass_by(self, sequences: Mapping[str, int], positions: Mapping[Partition, int]) -> None:
        """Keep that commands were settled without being handed out, and how far the partitions are read."""
        passed = {f"passed/{command_id}": sequence for command_id, sequence in sequences.items()}
        await self._raise_to(passed | _positions(positions))

    async def _read(self, names: Collection[str]) -> Mapping[str, int]:
        kept: dict[str, int] = {}
        for some in _in_parts(list(names)):
            kept |= await self._call(self._store.read, some)
        return kept

    async def _raise_to(self, numbers: Mapping[str, int]) -> None:
        for some in _in_parts(list(numbers)):
            await self._call(self._store.raise_to, {name: numbers[name] for name in some})

    async def _call(self, method: Callable[..., Any], argument: object) -> Any:  # noqa: ANN401 - a method's own answer
        """Call the store, again after a failure: its calls may be repeated, as numbers only go up."""
        for wait in (*BACKOFF_SECONDS, None):
            try:
                return await asyncio.wait_for(self._attempt(method, argument), self._step_seconds)
            except StoreError:
                raise
            except Exception as error:
                if wait is None:
                    raise StoreUnavailableError(
                        f"the store failed {len(BACKOFF_SECONDS) + 1} times: {error!r}"
                    ) from error
                log.warning("the store failed, once more in %s s: %r", wait, error)
                await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, method: Callable[..., Any], argument: object) -> Any:  # noqa: ANN401 - a method's own answer
        """Call it once; in a thread only when the one before has ended: giving up a call does not end its thread."""
        if inspect.iscoroutinefunction(method):
            return await method(argument)
        while self._latest is not None and not self._latest.done():
            await asyncio.wait([self._latest])
        self._latest = asyncio.ensure_future(asyncio.to_thread(method, argument))
        self._latest.add_done_callback(_heard)
        return await asyncio.shield(self._latest)


def _in_parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[first : first + MAX_NAMES] for first in range(0, len(names), MAX_NAMES))


def _heard(call: asyncio.Future[Any]) -> None:
    """Take note of a failure that nobody waits for any more, which asyncio would report as forgotten."""
    if not call.cancelled():
        call.exception()


def _names(command_id: str) -> tuple[str, str, str]:
    return f"begun/{command_id}", f"acknowledged/{command_id}", f"passed/{command_id}"


def _position(partition: Partition) -> str:
    return f"read/{partition.topic}/{partition.number}"


def _positions(positions: Mapping[Partition, int]) -> dict[str, int]:
    return {_position(partition): offset for partition, offset in positions.items()}


def _contact(slot: int) -> str:
    return f"contact/{slot}"
