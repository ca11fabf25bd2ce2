"""What a proof can find wrong: named in a line, with the place and what should be there."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from streams.history import Place
from streams.history.forgotten import WITHHELD


class Kind(StrEnum):
    """What has become of a record."""

    CHANGED = "changed"
    MISSING = "missing"
    FORGED = "forged"
    """Nobody of ours has written it: nothing that was decided names it."""
    MOVED = "moved"
    SWAPPED = "swapped"
    REWRITTEN = "rewritten"
    """A chain that is whole in itself is another than the one that was signed, or that the state goes on from."""
    DIFFERENT = "different"
    """Something in an interval is not as it was; what it is could not be told."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        place: the partition of the topic where it is.
        offset: of the record, or of the one behind which it should be; None for all of the partition.
        text: what is wrong, and what was expected; names no customer.
        message: id and SHA-256 of a message that is missing, or that nobody names: one may be found as the other.
        ids: of events and messages that the text has, and that say whose they are to who guesses.
        keys: of what it is about, and of decisions on that: whose it may be.
        is_anybodys: one of the ids is of a record that none of ours has written: its key does not tell whose it is.
    """

    kind: Kind
    place: Place
    offset: int | None
    text: str
    message: tuple[str, str] | None = None
    ids: tuple[str, ...] = field(default=(), compare=False, repr=False)
    keys: tuple[bytes | None, ...] = field(default=(), compare=False, repr=False)
    is_anybodys: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        """Give the line."""
        where = str(self.place) if self.offset is None else f"{self.place} at {self.offset}"
        return f"{self.kind}: {where}: {self.text}"


def without_ids(fault: Fault) -> Fault:
    """Give a fault of somebody who was forgotten: its place says where to look."""
    text = fault.text
    for one in fault.ids:
        for written in (one, repr(one)[1:-1]):
            text = text.replace(written, WITHHELD) if written else text
    return replace(fault, text=text, message=None, ids=())


def joined(faults: list[Fault]) -> list[Fault]:
    """Tell a message that is missing in one place and too many in another as one that was moved, in its first place."""
    spare = {one.message: one for one in faults if one.kind is Kind.FORGED and one.message is not None}
    told: list[Fault] = []
    found: set[Fault] = set()
    for fault in faults:
        elsewhere = spare.get(fault.message) if fault.message and fault.kind is Kind.MISSING else None
        if elsewhere is not None:
            found.add(elsewhere)
            where = f"{elsewhere.place} at {elsewhere.offset}"
            fault = replace(fault, kind=Kind.MOVED, text=f"{fault.text}; it is in {where}")  # noqa: PLW2901
        told.append(fault)
    return [one for one in told if one not in found]
