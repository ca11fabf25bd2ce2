"""A command in the caller's hands, until it is acknowledged, handed back, or lost."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum, auto
from types import TracebackType
from typing import Generic, Self

from schemas.commands import Action
from streams.subscribe.core.inbox import Offer
from streams.subscribe.core.messages import C
from streams.subscribe.errors import CommandLostError


class _State(Enum):
    IN_HAND = auto()
    DONE = auto()
    HANDED_BACK = auto()
    LOST = auto()


class Delivery(Generic[C]):
    """What the reader has to do now, and the command to do it for.

    Use it as `async with delivery`: leaving the block acknowledges, leaving it by an exception hands the command back,
    to come again after a second, then two, four, up to five minutes. Or await `done()`, or call `hand_back()`.

    Attributes:
        command: the latest state of the command.
        action: what to do. It need not be the command's own: to a reader that never got the `issue`, a later `update`
            or `remind` is handed out as `issue`.
        id: idempotency key, `<command_id>:<sequence>` of the message that asks for the action; the same whenever it is
            handed out again.
        repeated: whether this action was handed out before and never acknowledged: it may have been done.
        time: event time of the latest message.
        not_after: the last moment to contact the customer; None where nothing is set.
    """

    def __init__(
        self, offer: Offer[C], acknowledge: Callable[[], Awaitable[None]], hand_back: Callable[[], None]
    ) -> None:
        self.command: C = offer.pending.latest.command
        self.action: Action = offer.action
        self.id: str = offer.id
        self.repeated: bool = offer.repeated
        self.time: datetime = offer.pending.latest.time
        self.not_after: datetime | None = offer.not_after
        self._acknowledge = acknowledge
        self._hand_back = hand_back
        self._state = _State.IN_HAND

    async def done(self) -> None:
        """Acknowledge: the sequence is durable in the store on return, and its offset committed if Kafka answers.

        A second call does nothing.

        Raises:
            CommandLostError: the partition went to another reader, who is handed this command too.
            StoreError: it could not be kept; the command will be handed out again.
            RuntimeError: it was handed back before.
        """
        if self._state is _State.LOST:
            raise CommandLostError(
                f"{self.id} went to another reader before it was done, and is handed out there again"
            )
        if self._state is _State.HANDED_BACK:
            raise RuntimeError(f"{self.id} was handed back: wait until it comes again")
        if self._state is _State.IN_HAND:
            try:
                await self._acknowledge()
            except BaseException:
                self._state = _State.HANDED_BACK
                raise
            self._state = _State.DONE

    def hand_back(self) -> None:
        """Leave it undone for now; does nothing once it is done or lost."""
        if self._state is _State.IN_HAND:
            self._state = _State.HANDED_BACK
            self._hand_back()

    def lose(self) -> None:
        """Note that the partition is gone; the subscription's own business."""
        self._state = _State.LOST

    async def __aenter__(self) -> Self:
        """Begin to work on it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Acknowledge, or hand back after an exception, which goes on its way."""
        if kind is None and self._state is not _State.HANDED_BACK:
            await self.done()
        else:
            self.hand_back()

    def __repr__(self) -> str:
        """Give id and action: a log line must not hold a customer."""
        return f"<Delivery {self.action.value} {self.id}{' repeated' if self.repeated else ''}>"
