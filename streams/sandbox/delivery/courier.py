"""Carries out what is due: batches, errands and webhooks, in the order of the clock."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from streams.clock import Clock
from streams.sandbox.delivery.agenda import Act, Agenda, Errand
from streams.sandbox.delivery.webhook import Sender, Webhook

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.02
KEPT = 1000
UNREACHED = 0
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try; `status` 0 means that nobody answered."""

    sender: Sender
    due: datetime
    tries: int
    status: int
    acknowledged: bool


class Courier:
    """Delivers; one customer's webhooks one after the other, those of several customers side by side."""

    def __init__(
        self,
        agenda: Agenda,
        clock: Clock,
        client: Callable[[], httpx.AsyncClient],
        *,
        nightly: Act,
        nightly_hour: int,
        senders: int,
        seconds: float,
    ) -> None:
        self._agenda = agenda
        self._clock = clock
        self._nightly = nightly
        self._next_night = _next_night(clock.now(), nightly_hour)
        self._client = client
        self._seconds = seconds
        self._slots = asyncio.Semaphore(senders)
        self._turn = asyncio.Lock()
        self.tried: deque[Tried] = deque(maxlen=KEPT)

    async def settle(self) -> None:
        """Do everything that is due by now, and what follows from it at once."""
        async with self._turn:
            while await self._step(self._clock.now()):
                pass

    async def run(self) -> None:
        """Settle again and again until cancelled."""
        while True:
            try:
                await self.settle()
            except Exception as error:  # noqa: BLE001 - one bad step must not end the sandbox
                log.error("a step of the sandbox failed: %s", type(error).__name__)  # noqa: TRY400 - may quote a body
            await asyncio.sleep(LOOK_SECONDS)

    async def _step(self, now: datetime) -> bool:
        """Do what is due first; False when nothing is."""
        due = self._agenda.next_due(now)
        if self._next_night <= now and (due is None or self._next_night <= due):
            night, self._next_night = self._next_night, self._next_night + DAY
            self._nightly(night)
            return True
        if due is None:
            return False
        first = self._agenda.pop(min(now, self._next_night))
        if isinstance(first, Errand):
            first.act(first.due)
        else:
            await self._deliver(first)
        return True

    async def _deliver(self, webhooks: Sequence[Webhook]) -> None:
        lanes: dict[str, list[Webhook]] = {}
        for webhook in webhooks:
            lanes.setdefault(webhook.lane, []).append(webhook)
        await asyncio.gather(*(self._lane(lane) for lane in lanes.values()))

    async def _lane(self, webhooks: Sequence[Webhook]) -> None:
        async with self._slots:
            for webhook in webhooks:
                await self._try(webhook)

    async def _try(self, webhook: Webhook) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._client().post(
                    webhook.url, content=webhook.content(), headers=webhook.signed_headers()
                )
            status = answer.status_code
        except (httpx.HTTPError, TimeoutError):
            status = UNREACHED
        webhook.tries += 1
        acknowledged = status == httpx.codes.OK
        self.tried.append(Tried(webhook.sender, webhook.due, webhook.tries, status, acknowledged))
        again = None if acknowledged else webhook.again_at()
        if again is not None:
            webhook.due = again
            self._agenda.again(webhook)


def _next_night(now: datetime, hour: int) -> datetime:
    night = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return night if night > now else night + DAY
