"""A consumer group with static members and eager rebalances, as far as workers can tell."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

SESSION_SECONDS = 10.0


class Member(Protocol):
    """A worker as its group sees it."""

    @property
    def instance(self) -> str:
        """The static member name: the same after a restart."""

    @property
    def silent_since(self) -> float | None:
        """Since when it sends no heartbeats; None while it does."""


class Word(Enum):
    """What a heartbeat is answered with."""

    FINE = auto()
    REJOIN = auto()
    """A rebalance is under way, or the group does not know the member (any more)."""
    ASSIGNED = auto()
    """The rebalance is over, or a restarted member takes up where its former self was: open the partitions."""
    FENCED = auto()
    """Another process has joined under this name."""


@dataclass(slots=True)
class Seat:
    """A member's place in the group."""

    worker: Member
    has_joined: bool = False
    assigned: tuple[int, ...] = ()
    is_told: bool = False


class Group:
    """Membership of one application; partitions are dealt out in turn."""

    def __init__(self, partitions: int, session_seconds: float = SESSION_SECONDS) -> None:
        self.rebalances = 0
        self.session_seconds = session_seconds
        self._partitions = partitions
        self._seats: dict[str, Seat] = {}
        self._stable = True

    def word(self, worker: Member) -> Word:
        """Answer a heartbeat."""
        seat = self._seats.get(worker.instance)
        if seat is None:
            return Word.REJOIN
        if seat.worker is not worker:
            return Word.FENCED
        if not self._stable:
            return Word.FINE if seat.has_joined else Word.REJOIN
        return Word.FINE if seat.is_told else Word.ASSIGNED

    def knows(self, worker: Member) -> bool:
        """Tell whether the member still has its seat."""
        seat = self._seats.get(worker.instance)
        return seat is not None and seat.worker is worker

    def join(self, worker: Member) -> None:
        """Let a member in that has closed its partitions; a restarted static member rebalances nobody."""
        seat = self._seats.get(worker.instance)
        if seat is not None and seat.worker is not worker and self._stable:
            seat.worker, seat.is_told = worker, False
            return
        if seat is None or self._stable:
            self.rebalance()
        self._seats[worker.instance] = Seat(worker, has_joined=True)
        self._complete()

    def assignment(self, worker: Member) -> tuple[int, ...]:
        """Tell a member its partitions."""
        seat = self._seats[worker.instance]
        seat.is_told = True
        return seat.assigned

    def rebalance(self) -> None:
        """Begin a rebalance: every member has to close its partitions and join again."""
        if self._stable:
            self.rebalances += 1
            self._stable = False
            for seat in self._seats.values():
                seat.has_joined = False

    def expire(self, now: float) -> None:
        """Drop members that have been silent for longer than the session; the others share their partitions."""
        gone = [name for name, seat in self._seats.items() if self._is_lost(seat.worker, now)]
        if gone:
            self.rebalance()
            for name in gone:
                del self._seats[name]
            self._complete()

    def _is_lost(self, worker: Member, now: float) -> bool:
        return worker.silent_since is not None and worker.silent_since + self.session_seconds <= now

    def _complete(self) -> None:
        if self._seats and all(seat.has_joined for seat in self._seats.values()):
            self._stable = True
            seats = [self._seats[name] for name in sorted(self._seats)]
            for number, seat in enumerate(seats):
                seat.assigned = tuple(range(number, self._partitions, len(seats)))
                seat.is_told = False
