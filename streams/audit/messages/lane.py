"""The messages of one topic of a partition, taken as the decisions name them; each fault is told once it is sure."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from streams.audit.faults import Fault, Kind
from streams.audit.messages.before import Before
from streams.audit.messages.found import Found, Identified
from streams.audit.plan import OutputPlan
from streams.audit.walking.cursor import Cursor
from streams.fold.effects import SourceRecord
from streams.kafka.topics import DEAD_LETTER

WINDOW = 256
"""Messages that are looked at ahead for one that is not in its place."""
HEAD_WINDOW = 5000
"""The same where nobody knows which message is the first."""
MOST_WAITING = 10_000
MOST_APART = 1000
"""Messages out of their place that are kept; with more of them the topic is another."""
MOST_FAULTS = 10
LATE_MS = timedelta(days=7) // timedelta(milliseconds=1)
"""A message may be older than the record that caused it: a timer that was due while no agent ran."""

Checked = Callable[[SourceRecord], str | None]
"""Says what else is wrong with a message that is in its place; None where nothing is."""


class Named(NamedTuple):
    """A message as a decision names it.

    `by` is the decision's offset, `at` its time in milliseconds since 1970, `key` whose it is.
    """

    id: str
    sha256: str
    by: int
    at: int
    key: bytes | None = None


@dataclass(slots=True)
class Compared:
    """What came of it.

    Attributes:
        messages: that are as they were decided.
        gone: named, and not there any more, or in front of what was read.
        outside: found, and of decisions in front of what was read.
        in_flight: found behind what was decided when the reading began.
        given_up: too many are not in their place for the rest to be told apart.
    """

    messages: int = 0
    gone: int = 0
    outside: int = 0
    in_flight: int = 0
    given_up: bool = False
    faults: list[Fault] = field(default_factory=list)


class Lane:
    """See `Compared`.

    Args:
        records: the topic's, from where the plan says.
        plan: how its beginning and its end are to be understood.
        identified: what is compared of a record.
        checked: what else a message has to be.
        is_whole: the decisions begin with the first of all, or with the plan's span.
    """

    def __init__(
        self, records: Cursor, plan: OutputPlan, identified: Identified, checked: Checked | None, *, is_whole: bool
    ) -> None:
        self._records = records
        self._plan = plan
        self._identified = identified
        self._checked = checked
        self._is_whole = is_whole
        self._is_at_head = not (is_whole and plan.is_exact)
        self._is_before: Before | None = None
        self._ahead: deque[Found] = deque()
        self._waiting: deque[Named] = deque()
        """Named, and behind what can be read by now."""
        self._early: dict[str, Found] = {}
        self._missing: dict[str, Named] = {}
        self.compared = Compared()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is open that a transaction which is just being committed would explain."""
        return not self._waiting and (not self._ahead or self._ahead[0].record.offset >= self._plan.sure)

    @property
    def position(self) -> int | None:
        """The offset behind the message that was taken last; None where nobody knows where it began."""
        if self._is_at_head:
            return None
        return self._ahead[0].record.offset if self._ahead else self._records.position

    def begin(self, is_before: Before) -> None:
        """Hear how messages of decisions in front of what is read are told; the first word counts."""
        self._is_before = self._is_before or is_before

    def extend(self, end: int) -> None:
        """Go on to a later end."""
        self._records.extend(end)

    async def close(self) -> None:
        """Let go of what reads."""
        await self._records.close()

    async def retry(self) -> None:
        """Look again for what was behind the end."""
        waiting, self._waiting = self._waiting, deque()
        for named in waiting:
            await self.expect(named)

    async def look(self) -> None:
        """Look at what comes next, where nothing is expected."""
        await self._peek(0)

    async def _peek(self, number: int) -> Found | None:
        while len(self._ahead) <= number:
            record = await self._records.peek()
            if record is None:
                return None
            self._records.take()
            found = self._identified(record)
            if found is not None:
                self._ahead.append(found)
        return self._ahead[number]

    def _fault(self, kind: Kind, text: str, named: Named | None = None, found: Found | None = None) -> None:
        """Tell of what was named, of what was found, or of both."""
        if len(self.compared.faults) >= MOST_FAULTS:
            return
        place = self._records.place
        told = next((one.id, one.sha256) for one in (named, found) if one is not None)
        message = told if kind in (Kind.MISSING, Kind.FORGED) else None
        ids = () if place.topic == DEAD_LETTER else told[:1]  # of a dead letter it is a place
        keys = (None if named is None else named.key, None if found is None else found.record.key)
        offset = None if found is None else found.record.offset
        self.compared.faults.append(Fault(kind, place, offset, text, message, ids, keys, kind is Kind.FORGED))

    # -- what decisions name

    async def expect(self, named: Named) -> None:
        """Take the message that a decision names next."""
        if self.compared.given_up:
            return
        if self._is_at_head and not await self._found_head(named):
            self._gone(named)
            return
        if (found := self._early.pop(named.id, None)) is not None:
            self._moved(named, found)
            return
        while (found := await self._peek(0)) is not None:
            if found.id == named.id:
                self._take(named, self._ahead.popleft())
                return
            if (late := self._missing.pop(found.id, None)) is not None:
                self._moved(late, self._ahead.popleft())
            elif (number := await self._index(named.id, WINDOW)) is not None:
                self._set_apart(number)
            else:
                self._missing[named.id] = named
                self._bound()
                return
        self._waiting.append(named)
        if len(self._waiting) > MOST_WAITING:
            self._give_up()

    def _gone(self, named: Named) -> None:
        """Take it that a message is as old as it may be for retention to have removed it."""
        self.compared.gone += 1
        kept = self._plan.kept_ms
        if self._is_whole and kept is not None and named.at > kept:
            text = f"message {named.id} of decision {named.by} was removed before its time"
            self._fault(Kind.MISSING, text, named)

    async def _found_head(self, named: Named) -> bool:
        """Find the first message of what is read; those in front of it are of other decisions, or nobody's."""
        oldest = named.at - LATE_MS
        while not self._is_whole and (found := await self._peek(0)) is not None and found.record.timestamp < oldest:
            self._ahead.popleft()
            self.compared.outside += 1
        number = await self._index(named.id, HEAD_WINDOW)
        if number is None:
            return False
        self._is_at_head = False
        if self._is_whole:
            self._set_apart(number)
        else:
            for _ in range(number):
                self._outside(self._ahead.popleft())
        return True

    def _outside(self, found: Found) -> None:
        """Count a message as one of a decision in front of what is read, unless it cannot be."""
        if self._is_before is None or self._is_before(found):
            self.compared.outside += 1
        else:
            self._forged(found)

    async def _index(self, message_id: str, most: int) -> int | None:
        await self._peek(most)
        return next(
            (number for number, one in zip(range(most), self._ahead, strict=False) if one.id == message_id), None
        )

    def _set_apart(self, number: int) -> None:
        for _ in range(number):
            found = self._ahead.popleft()
            if found.id in self._early:
                self._forged(found)
            self._early[found.id] = found
        self._bound()

    def _bound(self) -> None:
        if max(len(self._early), len(self._missing)) > MOST_APART:
            self._give_up()

    def _give_up(self) -> None:
        self._tell_apart()
        self.compared.given_up = True
        self._waiting.clear()

    def _take(self, named: Named, found: Found) -> None:
        if found.sha256 != named.sha256 and not (named.sha256.endswith(" ") and found.sha256.startswith(named.sha256)):
            text = f"message {named.id} is not the one that decision {named.by} has hashed"
            self._fault(Kind.CHANGED, text, named, found=found)
            return
        self.compared.messages += 1
        if self._checked is not None and (odd := self._checked(found.record)) is not None:
            self._fault(Kind.CHANGED, f"message {named.id} of decision {named.by}: {odd}", named, found=found)

    def _moved(self, named: Named, found: Found) -> None:
        text = f"message {named.id} of decision {named.by} is not in its order"
        self._fault(Kind.MOVED, text, named, found=found)

    def _forged(self, found: Found) -> None:
        text = f"no decision names message {found.id!r}"
        self._fault(Kind.FORGED, text, found=found)

    # -- the end

    async def finish(self) -> None:
        """Tell what is left on either side."""
        self._missing |= {named.id: named for named in self._waiting}
        self._waiting.clear()
        if self.compared.given_up:
            return
        while (found := await self._peek(0)) is not None:
            self._ahead.popleft()
            if (late := self._missing.pop(found.id, None)) is not None:
                self._moved(late, found)
            elif found.record.offset >= self._plan.sure:
                self.compared.in_flight += 1
            elif self._is_at_head and not self._is_whole:
                self._outside(found)
            else:
                self._forged(found)
        self._tell_apart()

    def _tell_apart(self) -> None:
        for named in self._missing.values():
            text = f"message {named.id} of decision {named.by} is not there"
            self._fault(Kind.MISSING, text, named)
        for found in self._early.values():
            self._forged(found)
        self._missing, self._early = {}, {}
