"""The commands of two policies, held against each other by their ids, and by which rules they differ."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from streams.replay.compare.difference import Cause, Difference, Verdict
from streams.replay.otherwise.figures import DAY_MS, Counting, Figures
from streams.replay.otherwise.said import COMPARED, Said

WAIT_MS = 45 * DAY_MS
"""How long a message of one side waits for that of the other."""

Sort = tuple[str, str, Verdict, str]
"""Kind, action, how it compares, and the rules that led to it."""


@dataclass(slots=True)
class WhatIf:
    """What came of a comparison of two policies: both sides' figures, and how many messages of what sort differ."""

    recorded: Figures = field(default_factory=Figures)
    derived: Figures = field(default_factory=Figures)
    sorts: Counter[Sort] = field(default_factory=Counter)
    days: Counter[tuple[int, Verdict]] = field(default_factory=Counter)

    def add(self, other: "WhatIf") -> None:
        """Add that of another partition."""
        self.recorded.add(other.recorded)
        self.derived.add(other.derived)
        self.sorts.update(other.sorts)
        self.days.update(other.days)


class CommandComparison:
    """Takes both sides about as fast as time goes on; holds what has not met its like yet."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._derived, self._recorded = Counting(), Counting()
        self._new: dict[str, Said] = {}
        self._dropped: dict[str, Said] = {}
        self._what = WhatIf(self._recorded.figures, self._derived.figures)

    @property
    def what(self) -> WhatIf:
        """What it has come to."""
        return self._what

    def derive(self, messages: Iterable[Said]) -> Iterator[Difference]:
        """Take what the other policy leads to next."""
        return self._take(list(messages), self._derived, self._new, self._dropped)

    def record(self, messages: Iterable[Said]) -> Iterator[Difference]:
        """Take what went out next."""
        return self._take(list(messages), self._recorded, self._dropped, self._new)

    def _take(
        self, messages: list[Said], counting: Counting, mine: dict[str, Said], others: dict[str, Said]
    ) -> Iterator[Difference]:
        counting.take(messages)
        for said in messages:
            other = others.pop(said.id, None)
            if other is None:
                mine[said.id] = said
            else:
                yield from self._pair(other, said) if mine is self._new else self._pair(said, other)

    def settle(self, now: int) -> Iterator[Difference]:
        """Give up waiting for the like of what is old by now."""
        for waiting, verdict in ((self._new, Verdict.NEW), (self._dropped, Verdict.DROPPED)):
            while waiting and next(iter(waiting.values())).time < now - WAIT_MS:
                yield self._alone(waiting.pop(next(iter(waiting))), verdict)

    def end(self) -> Iterator[Difference]:
        """Give what has no like."""
        for waiting, verdict in ((self._new, Verdict.NEW), (self._dropped, Verdict.DROPPED)):
            for said in waiting.values():
                yield self._alone(said, verdict)
            waiting.clear()

    def _pair(self, recorded: Said, derived: Said) -> Iterator[Difference]:
        fields = tuple(name for name in COMPARED if getattr(recorded, name) != getattr(derived, name))
        if not fields:
            self._count(recorded, Verdict.SAME)
            return
        self._count(derived, Verdict.CHANGED)
        shown = {name: (getattr(recorded, name), getattr(derived, name)) for name in fields if name != "account_ids"}
        yield self._difference(derived, Verdict.CHANGED, fields, shown)

    def _alone(self, said: Said, verdict: Verdict) -> Difference:
        self._count(said, verdict)
        told = {"action": said.action, "reason": said.reason, "rules": said.rules}
        is_new = verdict is Verdict.NEW
        return self._difference(
            said, verdict, (), {name: (None, value) if is_new else (value, None) for name, value in told.items()}
        )

    def _count(self, said: Said, verdict: Verdict) -> None:
        self._what.sorts[said.kind, said.action, verdict, ", ".join(said.rules)] += 1
        self._what.days[said.time // DAY_MS, verdict] += 1

    def _difference(
        self, said: Said, verdict: Verdict, fields: tuple[str, ...], shown: dict[str, tuple[Any, Any]]
    ) -> Difference:
        return Difference(
            verdict=verdict,
            cause=Cause.OTHER_POLICY,
            place=self._place,
            offset=None,
            what=said.kind,
            id=said.id,
            customer=said.key,
            at=said.time,
            fields=fields,
            shown=shown,
        )
