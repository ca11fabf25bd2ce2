"""Where a sweep has come to, in a file, so that one that ended or was killed goes on instead of beginning again."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from schemas.problems import UNREADABLE
from streams.sweep.report import Report

VERSION = 1


class StateError(ValueError):
    """The file cannot be gone on from; the message says what to do."""


class State(msgspec.Struct):
    """How far a sweep is; customers are read in the order of their ids.

    Attributes:
        fingerprint: of what it is about: another cluster, account at the vendor or list of customers is another sweep.
        through: all customers up to this one, in order, are done or in `again`.
        ahead: customers beyond it that are done.
        again: customers that are still to be read for a second time.
        report: what was found so far.
    """

    fingerprint: str
    version: int = VERSION
    through: str = ""
    ahead: list[str] = []
    again: list[str] = []
    report: Report = msgspec.field(default_factory=Report)


def fingerprint(*parts: str) -> str:
    """Name what a sweep is about without telling it."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load(path: Path, mark: str) -> State:
    """Read where a sweep has come to; one that has none begins.

    Raises:
        StateError: the file is of another sweep or of another release, or is not readable.
    """
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State(mark)
    except (OSError, *UNREADABLE) as error:
        raise StateError(f"{path}: cannot be read: {error}; name another file, or remove it to begin anew") from None
    if (state.version, state.fingerprint) != (VERSION, mark):
        raise StateError(
            f"{path}: is of another sweep: another cluster, account at the vendor, list of customers, kind of run or "
            "release; name another file, or remove it to begin anew"
        )
    return state


def save(path: Path, state: State) -> None:
    """Write a file that is whole at any moment; raises OSError."""
    write_whole(path, msgspec.json.encode(state))


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader finds the old content or the new; raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


class Order:
    """Whose turn it is, and how far all are done; keeps `state` up to date.

    Args:
        customers: all customers of the sweep, in any order.
        state: where to go on.
    """

    def __init__(self, customers: Iterable[str], state: State) -> None:
        ahead, again = set(state.ahead), set(state.again)
        rest = {one for one in customers if one > state.through}
        self._state = state
        self._fresh = deque(sorted(rest - ahead - again))
        self._later = deque(state.again)
        self._again = again
        self._put_off = 0
        self._under_way: dict[str, None] = {}
        self._ahead = ahead

    def __len__(self) -> int:
        """Give how many are still to be taken."""
        return len(self._fresh) + len(self._later)

    def take(self) -> str | None:
        """Give the next customer, those not read yet first; None where there is none now."""
        if self._fresh:
            customer_id = self._fresh.popleft()
            self._under_way[customer_id] = None
            return customer_id
        return self._later.popleft() if self._later else None

    def put_off(self) -> int:
        """Give how many were put to the end of this run."""
        return self._put_off

    def is_second(self, customer_id: str) -> bool:
        """Say whether a customer is read for a second time."""
        return customer_id in self._again

    def done(self, customer_id: str) -> None:
        """Note that a customer was read."""
        if self.is_second(customer_id):
            self._again.discard(customer_id)
            self._state.again.remove(customer_id)
        self._move_on(customer_id)

    def put_to_the_end(self, customer_id: str) -> None:
        """Have a customer read again when all others were."""
        self._later.append(customer_id)
        self._put_off += 1
        self.leave(customer_id)

    def leave(self, customer_id: str) -> None:
        """Have a customer read again by the run that goes on from here."""
        if not self.is_second(customer_id):
            self._again.add(customer_id)
            self._state.again.append(customer_id)
        self._move_on(customer_id)

    def _move_on(self, customer_id: str) -> None:
        """Move the mark up to the first customer, in order, that is still under way."""
        state = self._state
        if customer_id in self._under_way:
            del self._under_way[customer_id]
            self._ahead.add(customer_id)
        first = next(iter(self._under_way), None)
        behind = [one for one in self._ahead if first is None or one < first]
        state.through = max([state.through, *behind])
        self._ahead.difference_update(behind)
        state.ahead = sorted(self._ahead)
