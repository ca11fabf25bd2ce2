"""One look-up seen through: tried until it is answered, hopeless, set aside, or too old to matter."""

import asyncio
import logging
from collections.abc import Callable

from schemas.audit import DeadLetterReason
from schemas.commands import Lookup
from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.executor.lookups.answer import Answerer
from streams.executor.lookups.letters import Letters
from streams.executor.lookups.refusal import Refusal
from streams.executor.lookups.waiting import Institution, WaitingLines, told
from streams.executor.lookups.work import Work
from streams.executor.meters import ExecutorMeters
from streams.executor.settings import LookupSettings
from streams.kafka.log import LogError
from streams.observe.labels import LookupOutcome
from streams.places import place_of
from streams.subscribe.core import RawRecord
from streams.vendor.errors import InvalidRequestError, MisconfiguredError, RefusedError, TryAgainError, VendorError

log = logging.getLogger(__name__)


class Attempts:
    """Tries look-ups, a few at a time; one that has to wait holds up none of another institution.

    Args:
        institution_of: gives the institution that a look-up is about, None where it is not known.
    """

    def __init__(
        self,
        answerer: Answerer,
        letters: Letters,
        settings: LookupSettings,
        *,
        institution_of: Callable[[Lookup], Institution],
        clock: Clock,
        meters: ExecutorMeters,
    ) -> None:
        self._answerer = answerer
        self._letters = letters
        self._settings = settings
        self._institution_of = institution_of
        self._clock = clock
        self._meters = meters
        self._forbidden: set[Work] = set()
        self._slots = asyncio.Semaphore(settings.at_once)
        self.waiting = WaitingLines(settings)
        self.refusal = Refusal(settings.refused_pause_seconds)

    async def see_through(self, work: Work) -> None:
        """Return when it is answered, a dead letter, or passed by."""
        pause = self._settings.first_pause_seconds
        try:
            while (again := await self._tried(work)) is not None:
                self._meters.retries.inc()
                await asyncio.sleep(min(max(pause, again), self._settings.longest_pause_seconds))
                pause = min(pause * 2, self._settings.longest_pause_seconds)
        finally:
            self._forbidden.discard(work)
            self.waiting.leave(work)

    async def _tried(self, work: Work) -> float | None:
        """Make one try; None when it is done with, else the seconds before which another makes no sense."""
        if work.lookup is None:
            return await self._set_aside(work, DeadLetterReason.BAD_DATA, "no look-up")
        institution = self._institution_of(work.lookup)
        if self.waiting.is_troubled(institution) and not self.waiting.take(work, institution):
            return await self._crowded_out(work, work.lookup, institution)
        async with self.waiting.turn(work) as is_apart, self._slots:
            await self.refusal.wait()
            if self._is_too_old(work.record):
                self._pass_by(work, work.lookup)
                return None
            if not is_apart and self.waiting.is_troubled(institution):
                return 0.0  # what was learnt while it waited for a slot: its turn is among those that wait
            try:
                async with asyncio.timeout(self._settings.answer_seconds):
                    seen = await self._answerer.answer(work.lookup)
            except Exception as error:  # noqa: BLE001 - one that fails must not stop the others
                return await self._failed(work, work.lookup, error)
        self.refusal.lift()
        self.waiting.answered(institution)
        self._meters.looked_up(work.lookup.action, LookupOutcome.ANSWERED if seen else LookupOutcome.GONE)
        return None

    def _is_too_old(self, record: RawRecord) -> bool:
        """Tell whether nobody waits for it any more; one from as long ahead would never grow old."""
        return abs(to_epoch_ms(self._clock.now()) - record.timestamp_ms) > self._settings.oldest_seconds * 1000

    def _pass_by(self, work: Work, lookup: Lookup) -> None:
        """Let go of one that is too old."""
        log.warning("%s is too old: nobody waits for its answer any more, it is passed by", work)
        self._meters.looked_up(lookup.action, LookupOutcome.TOO_OLD)

    async def _failed(self, work: Work, lookup: Lookup, error: Exception) -> float | None:
        if isinstance(error, TryAgainError | TimeoutError):
            return await self._wait(work, lookup, error)
        if isinstance(error, LogError):
            return 0.0
        if isinstance(error, MisconfiguredError) and error.is_of_one:
            return await self._wait_or_give_up(work, lookup, error)
        if isinstance(error, RefusedError | MisconfiguredError):
            self.refusal.declare(error)
            return 0.0
        return self._counted(lookup, await self._given_up(work, error))

    async def _wait(self, work: Work, lookup: Lookup, error: TryAgainError | TimeoutError) -> float | None:
        """Have one wait in the line of its institution, unless the vendor has all calls wait."""
        after = error.after_seconds if isinstance(error, TryAgainError) else 0.0
        if isinstance(error, TryAgainError) and error.is_of_all:
            return after
        institution = self._institution_of(lookup)
        return after if self.waiting.failed(work, institution) else await self._crowded_out(work, lookup, institution)

    async def _crowded_out(self, work: Work, lookup: Lookup, institution: Institution) -> float | None:
        """Set aside one whose institution has all the places that it may have."""
        detail = f"too many look-ups wait for {told(institution)} already"
        log.error("%s is set aside: %s", work, detail)
        return self._counted(lookup, await self._set_aside(work, DeadLetterReason.REQUEST_REFUSED, detail))

    async def _wait_or_give_up(self, work: Work, lookup: Lookup, error: MisconfiguredError) -> float | None:
        """Have one that is forbidden wait, as long as there is room in hand for those that are not."""
        if work not in self._forbidden and len(self._forbidden) >= self._settings.max_forbidden:
            log.error("%s is set aside, %d that are forbidden wait already: %s", work, len(self._forbidden), error)
            return self._counted(lookup, await self._set_aside(work, DeadLetterReason.REQUEST_REFUSED, str(error)))
        self._forbidden.add(work)
        log.warning("%s has to wait, others do not: %s", work, error)
        return self._settings.longest_pause_seconds

    async def _given_up(self, work: Work, error: Exception) -> float | None:
        """Say what is hopeless; what is so by a fault of ours is set aside as well, for somebody to look at."""
        if isinstance(error, VendorError):
            log.error("%s cannot be answered: %s", work, error)
            if not isinstance(error, InvalidRequestError):
                return None
            return await self._set_aside(work, DeadLetterReason.REQUEST_REFUSED, str(error))
        log.error("%s failed: %s", work, place_of(error))
        detail = f"{type(error).__name__}: the log of the executor has the place"
        return await self._set_aside(work, DeadLetterReason.DECISION_FAILED, detail)

    def _counted(self, lookup: Lookup, again: float | None) -> float | None:
        """Count one that is done with, in vain; one that has to be tried again is not."""
        if again is None:
            self._meters.looked_up(lookup.action, LookupOutcome.FAILED)
        return again

    async def _set_aside(self, work: Work, reason: DeadLetterReason, detail: str) -> float | None:
        """Write the dead letter; where that is not known to stand, all of it is tried again until it is too old."""
        try:
            await self._letters.write(work.record, reason, detail)
        except LogError as error:
            if self._is_too_old(work.record):
                log.error("%s is passed by, and not set aside: %s", work, error)  # noqa: TRY400 - no trace
                return None
            log.warning("%s cannot be set aside yet: %s", work, error)
            return 0.0
        except Exception as error:  # noqa: BLE001 - one that fails must not stop the others
            log.error("%s cannot be set aside: %s", work, place_of(error))  # noqa: TRY400 - the same
        return None
