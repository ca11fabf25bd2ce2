"""A worker process: one application, its partitions, and what it does when its group speaks."""

from collections.abc import Callable
from enum import Enum, auto

from streams.testing.broker import Group, Word
from streams.testing.workers.partition import OwnedPartition, Parts


class Life(Enum):
    """What state a process is in."""

    RUNNING = auto()
    ASLEEP = auto()
    """Paused whole, heartbeats included: it goes on with its next step when it wakes."""
    DEAD = auto()


class Worker:
    """One process; when it dies its memory is gone, and a new Worker of the same instance takes over."""

    def __init__(
        self, instance: str, group: Group, parts: Parts, partition: Callable[[Parts, int], OwnedPartition]
    ) -> None:
        self.instance = instance
        self.group = group
        self.parts = parts
        self.life = Life.RUNNING
        self.silent_since: float | None = None
        self.owned: dict[int, OwnedPartition] = {}
        self.is_zombie = False
        """Woke up after its place in the group was given away, and has not noticed yet."""
        self._partition = partition
        self._closing = False
        self._stopping = False

    @property
    def has_something_to_hear(self) -> bool:
        """Whether the next heartbeat, or the end of closing, changes something."""
        if self._closing:
            return not any(partition.is_writing for partition in self.owned.values())
        return self._stopping or self.group.word(self) is not Word.FINE

    def hear(self) -> None:
        """Do what the group says: close, join, open, or end."""
        if self._closing:
            self._close_rest()
        elif self._stopping:
            self._close()
        else:
            self._obey(self.group.word(self))

    def _obey(self, word: Word) -> None:
        if word is Word.FENCED:
            self.die()
        elif word is Word.REJOIN:
            self._close()
        elif word is Word.ASSIGNED:
            for number in self.group.assignment(self):
                self.owned[number] = self._partition(self.parts, number)

    def _close(self) -> None:
        """Give up what is between transactions; the rest goes on to the end of its own."""
        self._closing = True
        for number, partition in list(self.owned.items()):
            if not partition.is_writing:
                self._drop(number)
        if not self.owned:
            self._close_rest()

    def _close_rest(self) -> None:
        for number in list(self.owned):
            self._drop(number)
        self._closing = self.is_zombie = False
        if self._stopping:
            self.die()
        else:
            self.group.join(self)

    def _drop(self, number: int) -> None:
        self.owned.pop(number).forget()

    def turns(self) -> list[OwnedPartition]:
        """Give the partitions with something to do."""
        if self._closing:
            return [partition for partition in self.owned.values() if partition.is_writing]
        return [partition for partition in self.owned.values() if not partition.is_idle]

    def die(self) -> None:
        """End at once: nothing is tidied up."""
        self.life = Life.DEAD
        self.silent_since = self.parts.cluster.elapsed
        self.owned = {}

    def stop(self) -> None:
        """End in good order: transactions under way end first."""
        self._stopping = True

    def sleep(self) -> None:
        """Stop between two steps, heartbeats included."""
        self.life = Life.ASLEEP
        self.silent_since = self.parts.cluster.elapsed

    def wake(self) -> None:
        """Go on with the next step."""
        self.life = Life.RUNNING
        self.silent_since = None
        self.is_zombie = not self.group.knows(self)
