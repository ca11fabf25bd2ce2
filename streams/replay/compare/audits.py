"""Audit records as they were derived and as they were recorded, in step: by offset, then by whose they are."""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any

import msgspec
import orjson

from schemas.times import parse_rfc3339, to_epoch_ms
from streams.history import HistoryError
from streams.replay.compare.difference import DECISION, NOTHING, Cause, Counts, Difference, Differs, Verdict

Audit = tuple[bytes | None, bytes]
"""Key and value of an audit record."""

_HASH = 64
_PREVIOUS = len(b',"previous":"') + _HASH + len(b'"}')
"""How an audit record ends."""
_LINKS = len(b',"inputs_sha256":"') + _HASH + len(b'"') + _PREVIOUS

_CAUSES: tuple[tuple[str, Cause], ...] = (
    ("event_id", Cause.EVENT),
    ("event_time", Cause.EVENT),
    ("engine_version", Cause.ENGINE),
    ("policy_sha256", Cause.POLICY),
    ("catalogue_sha256", Cause.CATALOGUE),
    ("dead_letter", Cause.OTHERWISE),
    ("messages", Cause.MESSAGES),
    ("rules", Cause.RULES),
    ("phase_before", Cause.OTHERWISE),
    ("phase_after", Cause.OTHERWISE),
    ("state_sha256", Cause.STATE),
    ("inputs_sha256", Cause.INPUTS),
    ("previous", Cause.CHAIN),
)
"""What a field that differs tells, the most telling first."""
_SHOWN = ("engine_version", "dead_letter", "rules", "phase_before", "phase_after", "event_time")


class _Message(msgspec.Struct, frozen=True):
    topic: str
    id: str
    sha256: str


class _Decision(msgspec.Struct, frozen=True):
    offset: int
    event_id: str
    event_time: str
    messages: tuple[_Message, ...]


def read_decision(value: bytes) -> dict[str, Any]:
    """Read an audit record, of which anybody may have written what is recorded.

    Raises:
        HistoryError: it is none.
    """
    try:
        read: dict[str, Any] = orjson.loads(value)
        parse_rfc3339(msgspec.convert(read, _Decision).event_time)
    except ValueError as error:
        raise HistoryError("a decision cannot be read: run `txpush audit verify`, which names it") from error
    return read


class AuditComparison:
    """Takes both sides in order, as they come, and gives what differs.

    Equal bytes are one look. Where a difference has moved the chain, all that follows is compared without its
    `previous`, which is held against the record before it instead. Decisions of another engine version are held against
    ours without it, and counted in `engines`.

    Args:
        place: `topic/partition` of the log.
        engine: the version that derives.
        of_some: only decisions on some customers are given: neither chain nor inputs can be told.
        decided: everything that is derived was decided on live; else what comes behind the last recorded decision
            may be still to come, and is counted in `undecided`.
    """

    def __init__(self, place: str, engine: str, *, of_some: bool = False, decided: bool = True) -> None:
        self.counts: Counts = Counter()
        self.engines: Counter[str] = Counter()
        self.undecided = 0
        self._place = place
        self._engine = engine
        self._of_some = of_some
        self._decided = decided
        self._cut = _LINKS if of_some else _PREVIOUS
        self._derived: deque[Audit] = deque()
        self._recorded: deque[Audit] = deque()
        self._last: bytes | None = None
        """The recorded decision before the next one."""
        self._is_apart = False
        """One side had a decision more since the last pair: the inputs are counted from elsewhere."""

    @property
    def needs_recorded(self) -> bool:
        """Whether derived decisions wait for recorded ones."""
        return bool(self._derived)

    def derive(self, audits: Iterable[Audit]) -> None:
        """Take what was derived next."""
        self._derived.extend(audits)

    def record(self, audits: Iterable[Audit]) -> None:
        """Take what was recorded next."""
        self._recorded.extend(audits)

    def settle(self, *, is_over: bool = False) -> Iterator[Difference]:
        """Compare as far as both sides go; `is_over` says that no more is recorded."""
        while self._derived and self._recorded:
            if self._derived[0] == self._recorded[0]:
                self._take_equal()
            elif (found := self._settle_unequal(is_over=is_over)) is None:
                return
            else:
                yield from found

    def end(self) -> Iterator[Difference]:
        """Compare what is left of one side when both are over."""
        yield from self.settle(is_over=True)
        while self._recorded:
            yield self._dropped(self._recorded.popleft())
        while self._decided and self._derived:
            yield self._new(self._derived.popleft())
        self.leave()

    def leave(self) -> set[str]:
        """Leave derived decisions that may be still to come; give the ids of the messages that they name."""
        left = [read_decision(value) for _, value in self._derived]
        self._derived.clear()
        self.undecided += len(left)
        return {message["id"] for audit in left for message in audit["messages"]}

    def _take_equal(self) -> None:
        same = sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self._derived, self._recorded, strict=False))
        )
        self._last = self._recorded[same - 1][1]
        for side in (self._derived, self._recorded):
            for _ in range(same):
                side.popleft()
        self._is_apart = False
        self.counts[DECISION, Verdict.SAME] += same
        self.engines[self._engine] += same

    def _settle_unequal(self, *, is_over: bool) -> list[Difference] | None:
        """Compare all that is of the offset of the next ones; None where more of it may be recorded."""
        derived, recorded = self._derived[0], self._recorded[0]
        if derived[0] == recorded[0] and self._body(derived[1]) == self._body(recorded[1]):
            return self._pair_alike(self._derived.popleft(), self._recorded.popleft())
        at, was = _offset(derived), _offset(recorded)
        if at < was:
            return [self._new(self._derived.popleft())]
        if at > was:
            return [self._dropped(self._recorded.popleft())]
        if not is_over and _offset(self._recorded[-1]) == was:
            return None
        return list(self._settle_offset(at))

    def _settle_offset(self, offset: int) -> Iterator[Difference]:
        """Compare the decisions on one record: those of a tick are of many customers."""
        derived, recorded = _of_offset(self._derived, offset), _of_offset(self._recorded, offset)
        if len(derived) == len(recorded) == 1:
            yield from self._pair(derived[0], recorded[0])
            return
        left: defaultdict[bytes | None, deque[Audit]] = defaultdict(deque)
        for one in recorded:
            left[one[0]].append(one)
        for one in derived:
            if left[one[0]]:
                yield from self._pair(one, left[one[0]].popleft(), follows=False)
            else:
                yield self._new(one)
        for one in (one for others in left.values() for one in others):
            yield self._dropped(one)

    # -- one of them

    def _body(self, value: bytes) -> bytes:
        return value[: -self._cut]

    def _pair_alike(self, derived: Audit, recorded: Audit) -> list[Difference]:
        """Take two that differ in their links at most: nothing has to be read where the chain moved earlier."""
        if not (self._of_some or self._last is None or _previous(recorded) == hashlib.sha256(self._last).hexdigest()):
            return self._pair(derived, recorded)
        self._last, self._is_apart = recorded[1], False
        self.counts[DECISION, Verdict.SAME] += 1
        self.engines[self._engine] += 1
        return []

    def _pair(self, derived: Audit, recorded: Audit, *, follows: bool = True) -> list[Difference]:
        now, then = read_decision(derived[1]), read_decision(recorded[1])
        self.engines[str(then.get("engine_version"))] += 1
        fields = [name for name, _ in _CAUSES if now.get(name) != then.get(name) and name not in self._untold()]
        if "previous" in fields and self._follows(then, sure=follows):
            fields.remove("previous")
        if self._is_apart and "inputs_sha256" in fields:
            fields.remove("inputs_sha256")
        self._last, self._is_apart = recorded[1], False
        if not set(fields) - {"engine_version"}:
            self.counts[DECISION, Verdict.SAME] += 1
            return []
        self.counts[DECISION, Verdict.CHANGED] += 1
        cause = next(cause for name, cause in _CAUSES if name in fields)
        if "dead_letter" in fields and cause is Cause.OTHERWISE:
            cause = Cause.IS_DEAD_LETTER if now["dead_letter"] else Cause.WAS_DEAD_LETTER
        shown = {name: (then.get(name), now.get(name)) for name in _SHOWN if name in fields}
        if "messages" in fields:
            shown["messages"] = (_told(then), _told(now))
        return [self._difference(Verdict.CHANGED, cause, recorded, Differs(tuple(fields), shown))]

    def _untold(self) -> Sequence[str]:
        return ("inputs_sha256", "previous") if self._of_some else ()

    def _follows(self, then: Mapping[str, Any], *, sure: bool) -> bool:
        """Tell whether a record links to the one recorded before it; one whose neighbour is not known may."""
        if self._last is None or not sure:
            return True
        return bool(then.get("previous") == hashlib.sha256(self._last).hexdigest())

    def _new(self, audit: Audit) -> Difference:
        self._is_apart = True
        self.counts[DECISION, Verdict.NEW] += 1
        return self._difference(Verdict.NEW, Cause.NO_DECISION, audit)

    def _dropped(self, audit: Audit) -> Difference:
        self._is_apart, self._last = True, audit[1]
        self.counts[DECISION, Verdict.DROPPED] += 1
        return self._difference(Verdict.DROPPED, Cause.NO_EVENT, audit)

    def _difference(self, verdict: Verdict, cause: Cause, audit: Audit, differs: Differs = NOTHING) -> Difference:
        key, read = audit[0], read_decision(audit[1])
        return Difference(
            verdict=verdict,
            cause=cause,
            place=self._place,
            offset=read["offset"],
            what=DECISION,
            id=str(read["event_id"]),
            customer=None if key is None else key.decode(errors="replace"),
            at=to_epoch_ms(parse_rfc3339(read["event_time"])),
            fields=differs.fields,
            shown=differs.shown,
        )


def _previous(audit: Audit) -> str:
    return audit[1][-_HASH - 2 : -2].decode(errors="replace")


def _offset(audit: Audit) -> int:
    offset: int = read_decision(audit[1])["offset"]
    return offset


def _of_offset(audits: deque[Audit], offset: int) -> list[Audit]:
    found = list(takewhile(lambda one: _offset(one) == offset, islice(audits, len(audits))))
    for _ in found:
        audits.popleft()
    return found


def _told(audit: Mapping[str, Any]) -> list[str]:
    """Name the messages of a decision: topic, id, and the beginning of the hash."""
    return [f"{one['topic']} {one['id']} {one['sha256'][:8]}" for one in audit.get("messages", ())]
