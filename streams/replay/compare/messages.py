"""The messages of one topic as they were derived and as they were recorded, in order."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from schemas.cloudevents import fields_of
from streams.replay.compare.difference import NOTHING, Cause, Counts, Difference, Differs, Verdict
from streams.replay.compare.earlier import Earlier, Named
from streams.replay.compare.message import Message, Recorded

LOOK_AHEAD = 1000
"""Recorded messages among which a derived one is looked for before it is missing."""
MOST_EARLIER = 10_000
"""Recorded messages of long before what is compared that are kept: one of it may bear as old a time."""
_SHOWN = ("action", "sequence", "reason", "steps", "withdraw_reason", "policy_version", "cause", "logins_affected")
"""Fields of a command that can name nobody."""


class MessageComparison:
    """Takes both sides in order, as they come, and gives what differs.

    Args:
        topic: what the messages are of.
        place: `topic/partition` of the log.
        with_links: derived messages carry the links that live ones do.
        was_cut: the topic does not keep its first messages any more.
        before: messages that were decided before what is compared, in order, as far back as is known; None where all is
            compared. Else nobody can tell whether others that lie before the first message in common are of it: they
            are passed by.
        since_ms: the time as far back as which `before` is known, milliseconds since 1970. What lies before the first
            recorded message of that time or later is not counted among those that a derived one is looked for in.
    """

    def __init__(
        self,
        topic: str,
        place: str,
        *,
        with_links: bool,
        was_cut: bool = False,
        before: Sequence[Named] | None = None,
        since_ms: int | None = None,
    ) -> None:
        self.counts: Counts = Counter()
        self.topic = topic
        self._place = place
        self._with_links = with_links
        self._may_be_gone = was_cut
        self._earlier = Earlier(before or ())
        self._has_met = before is None
        self._since_ms = None if before is None else since_ms
        self._earlier_left = 0
        """Of the recorded ones that wait, the first: those of before that time."""
        self._after: Collection[str] = ()
        self._derived: deque[Message] = deque()
        self._recorded: deque[Recorded] = deque()
        self._ids: Counter[str] = Counter()
        """Of the recorded ones that wait."""

    @property
    def needs_recorded(self) -> bool:
        """Whether derived messages wait for recorded ones."""
        return bool(self._derived)

    def derive(self, messages: Iterable[Message]) -> None:
        """Take what was derived next."""
        self._derived.extend(messages)

    def record(self, recorded: Iterable[Recorded]) -> None:
        """Take what was recorded next."""
        told = list(recorded)
        is_before = not (self._has_met or self._earlier.is_over)
        if is_before and (passed := self._earlier.passed([one.message for one in told])):
            self._recorded.clear()
            self._ids.clear()
            self._since_ms, self._earlier_left = None, 0
            told = told[passed:]
        for one in told:
            self._recorded.append(one if self._with_links else one.without_link())
            self._ids[one.message.id] += 1
            self._count_earlier(one.message)

    def _count_earlier(self, recorded: Message) -> None:
        """Count one that was recorded long before what is compared, and let go of the first of many."""
        if self._since_ms is None:
            return
        if (recorded.timestamp or 0) >= self._since_ms:
            self._since_ms = None
            return
        self._earlier_left += 1
        if self._earlier_left > MOST_EARLIER:
            self._next_recorded()

    @property
    def _is_far(self) -> bool:
        """Whether so many are recorded that a derived one should be among them."""
        return self._since_ms is None and len(self._recorded) - self._earlier_left >= LOOK_AHEAD

    def settle(self, *, is_over: bool = False) -> Iterator[Difference]:
        """Compare as far as both sides go; `is_over` says that no more is recorded."""
        while self._derived:
            derived, is_far = self._derived[0], is_over or self._is_far
            if not self._has_met and self._is_recorded(derived):
                self._meet(derived)
            elif self._ids[derived.id] and (self._has_met or is_far):
                yield from self._take_up_to(derived)
            elif is_far:
                yield from self._missing(derived)
            else:
                return
            self._derived.popleft()

    def _is_recorded(self, derived: Message) -> bool:
        return derived.id in self._ids and any(one.message == derived for one in self._recorded)

    def end(self, *, is_all: bool = True) -> Iterator[Difference]:
        """Compare what is left of one side when both are over.

        Args:
            is_all: nothing should be recorded behind the last derived one; else it is not of what is compared.
        """
        yield from self.settle(is_over=True)
        while is_all and self._has_met and self._recorded:
            if (left := self._next_recorded()).message.id not in self._after:
                yield self._forged(left)

    def skip(self, after: Collection[str]) -> None:
        """Hear the ids of messages that were decided behind what is compared."""
        self._after = after

    def _meet(self, derived: Message) -> None:
        """Take the first message in common; one of the same id before it, and of other bytes, is of an earlier time."""
        while self._next_recorded().message != derived:
            pass
        self._may_be_gone, self._has_met = False, True
        self.counts[self.topic, Verdict.SAME] += 1

    def _take_up_to(self, derived: Message) -> Iterator[Difference]:
        """Take the recorded message of an id; whatever lies before it was not derived."""
        while (recorded := self._next_recorded()).message.id != derived.id:
            if self._has_met:
                yield self._forged(recorded)
        self._may_be_gone, self._has_met = False, True
        if recorded.message == derived:
            self.counts[self.topic, Verdict.SAME] += 1
            return
        self.counts[self.topic, Verdict.CHANGED] += 1
        whose = recorded.message._replace(key=derived.key)  # it is theirs, whatever key it was given
        differs = _differs(recorded.message, derived)
        yield self._difference(Verdict.CHANGED, Cause.BYTES, whose, differs, at=recorded.offset)

    def _next_recorded(self) -> Recorded:
        recorded = self._recorded.popleft()
        self._earlier_left = max(0, self._earlier_left - 1)
        self._ids[recorded.message.id] -= 1
        if not self._ids[recorded.message.id]:
            del self._ids[recorded.message.id]
        return recorded

    def _missing(self, derived: Message) -> Iterator[Difference]:
        if self._may_be_gone:
            self.counts[self.topic, Verdict.GONE] += 1
        else:
            self.counts[self.topic, Verdict.NEW] += 1
            yield self._difference(Verdict.NEW, Cause.NO_MESSAGE, derived)

    def _forged(self, recorded: Recorded) -> Difference:
        self.counts[self.topic, Verdict.DROPPED] += 1
        difference = self._difference(Verdict.DROPPED, Cause.FORGED, recorded.message, at=recorded.offset)
        return msgspec.structs.replace(difference, is_anybodys=not recorded.message.is_own)

    def _difference(
        self, verdict: Verdict, cause: Cause, message: Message, differs: Differs = NOTHING, at: int | None = None
    ) -> Difference:
        return Difference(
            verdict=verdict,
            cause=cause,
            place=self._place,
            offset=None,
            what=self.topic,
            id=message.id,
            customer=None if message.key is None else message.key.decode(errors="replace"),
            at=message.timestamp,
            fields=differs.fields,
            shown=differs.shown,
            message_offset=at,
        )


def _differs(recorded: Message, derived: Message) -> Differs:
    """Name what differs of a message: its parts, and the fields of its value."""
    parts = [name for name in ("key", "headers", "timestamp") if getattr(recorded, name) != getattr(derived, name)]
    then, now = fields_of(recorded.value), fields_of(derived.value)
    fields = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
    if recorded.value != derived.value and not fields:
        parts.append("spelling")
    return Differs((*parts, *fields), {name: (then.get(name), now.get(name)) for name in _SHOWN if name in fields})
