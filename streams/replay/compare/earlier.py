"""Where what is compared begins among the recorded messages of a topic, told by those that were decided before it."""

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from streams.replay.compare.message import Message


class Named(NamedTuple):
    """A message as a decision names it."""

    id: str
    sha256: str

    @classmethod
    def of(cls, message: Message) -> "Named":
        """Name a message as its decision should."""
        return cls(message.id, hashlib.sha256(message.without_link().value).hexdigest())


class Earlier:
    """Finds the end of the messages that were decided before, by their order: an id may come back behind it.

    The id of a command follows from whose it is and from when its episode began, so who was forgotten and is heard of
    again has the very same ids once more.

    Args:
        named: what decisions before have named, in order, as far back as they were read.
    """

    def __init__(self, named: Sequence[Named]) -> None:
        self._named = named
        self._next: int | None = None
        """Which of them is to come; None until the recorded ones are found among them."""
        self._places: defaultdict[Named, list[int]] = defaultdict(list)
        for place, one in enumerate(named):
            self._places[one].append(place)

    def __contains__(self, message: Message) -> bool:
        """Tell whether a decision before names it; that of one behind may name the same."""
        return Named.of(message) in self._places

    @property
    def is_over(self) -> bool:
        """Whether all of them have passed."""
        return self._next == len(self._named) or not self._named

    def passed(self, messages: Sequence[Message]) -> int:
        """Give how many of the next recorded messages, from the first on, lie before what is compared."""
        if self.is_over:
            return 0
        told = [Named.of(message) for message in messages]
        first, at = (0, self._next) if self._next is not None else self._found(told)
        passed = 0
        for number, one in enumerate(told[first:], first):
            if at is None or at == len(self._named):
                break
            places = self._places.get(one, ())
            if (further := bisect_left(places, at)) < len(places):
                at, passed = places[further] + 1, number + 1
        self._next = at
        return passed

    def _found(self, told: Sequence[Named]) -> tuple[int, int | None]:
        """Give which recorded one is which that was named: where both go on alike, the furthest or to the end of one.

        Nobody may have read as far back in the one as in the other, and what lies before may be tampered with.
        """
        found: tuple[int, int | None] = (0, None)
        longest = 0
        for number, one in enumerate(told):
            is_to_end = False
            for place in self._places.get(one, ()):
                run = self._run(told, number, place)
                is_to_end |= number + run == len(told) or place + run == len(self._named)
                if run > longest:
                    found, longest = (number, place), run
            if is_to_end:
                break
        return found

    def _run(self, told: Sequence[Named], number: int, place: int) -> int:
        pairs = zip(islice(told, number, None), islice(self._named, place, None), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
