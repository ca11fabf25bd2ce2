"""Partitions with a fault planted into the order of their steps: what the schedules have to find."""

from itertools import count

from streams.fold.effects import Effects, Table
from streams.testing import Isolation, OwnedPartition, Step, Steps

_numbers = count()


class OffsetBeforeFence(OwnedPartition):
    """Reads the committed offset while the former owner may still move it, and takes it for the state's."""

    def seek_to_state(self) -> None:
        """Not ask the state."""

    def life(self) -> Steps:
        yield Step.OFFSET
        self.seek()
        yield Step.FENCE
        self.fence()
        yield from self.restored()
        while True:
            yield from self.turn()


class RestoreBeforeFence(OwnedPartition):
    """Reads the state while the former owner may still change it."""

    def life(self) -> Steps:
        yield Step.RESTORE
        self.early = self.restore()
        yield Step.FENCE
        self.fence()
        yield Step.OFFSET
        self.seek()
        yield from self.restored()
        while True:
            yield from self.turn()

    def restore(self) -> dict[Table, dict[str, object]]:
        early: dict[Table, dict[str, object]] | None = self.__dict__.pop("early", None)
        return super().restore() if early is None else early


class StateBeforeTransaction(OwnedPartition):
    """Writes the tables by themselves, and the rest in the transaction."""

    def commit(self, effects: Effects, next_offset: int) -> Steps:
        self.add_changes(effects)
        for place in [place for place in effects.outbox.records if place[0].endswith("-changelog")]:
            yield Step.SEND
            for record in effects.outbox.records.pop(place):
                self.parts.cluster.append(*place, record)
        changes, effects.changes = effects.changes, {}
        steps = super().commit(effects, next_offset)
        for step in steps:
            if step is Step.APPLY:
                effects.changes = changes
            yield step


class OffsetOutsideTransaction(OwnedPartition):
    """Commits the offset by itself, before what it led to."""

    def commit(self, effects: Effects, next_offset: int) -> Steps:
        application = self.parts.application
        place = application.name, application.log, self.number
        yield Step.OFFSETS
        self.parts.cluster.transactions.offsets[place] = next_offset
        yield from super().commit(effects, next_offset)


class NotFenced(OwnedPartition):
    """Has a transactional id of its own, so that nobody ever fences it."""

    def fence(self) -> None:
        self._producer = self.parts.cluster.producer(
            f"{self.parts.application.transactional_id(self.number)}.{next(_numbers)}"
        )


class RestoresUncommitted(OwnedPartition):
    """Restores from what a transaction has written that may never stand."""

    restores = Isolation.READ_UNCOMMITTED


class PollsUncommitted(OwnedPartition):
    """Takes up records of its log before it is known whether they stand."""

    polls = Isolation.READ_UNCOMMITTED


PLANTED = (
    OffsetBeforeFence,
    RestoreBeforeFence,
    StateBeforeTransaction,
    OffsetOutsideTransaction,
    NotFenced,
    RestoresUncommitted,
    PollsUncommitted,
)
