"""Incidents, which every partition is told of outside of transactions: before them, so that it hears at least once."""

import pytest

from streams.fold.effects import Effects
from streams.testing import Happened, OwnedPartition, Step, Steps
from tests.topology import schedules

SEEDS = range(60)


class TellsAfterwards(OwnedPartition):
    """Tells once the transaction stands, when nobody would do it again."""

    is_late = False

    def tell(self, effects: Effects) -> Steps:
        if self.is_late:
            yield from super().tell(effects)

    def commit(self, effects: Effects, next_offset: int) -> Steps:
        yield from super().commit(effects, next_offset)
        self.is_late = True
        yield from self.tell(effects)
        self.is_late = False


@pytest.mark.slow
def test_all_is_told_at_least_once_and_nothing_else() -> None:
    """By whoever gets as far as the transaction, and by zombies and the dead before them."""
    happened = Happened()
    for seed in SEEDS:
        topology = schedules.run(seed)
        assert [problem for problem in topology.problems() if " told " in problem] == []
        happened.add(topology.happened)
    assert happened.steps[Step.TELL] > len(SEEDS)
    assert happened.kills[Step.TELL] + happened.pauses[Step.TELL] > 0


def test_what_is_told_too_late_is_missed() -> None:
    """A worker that dies in between has told nobody."""
    runs = (schedules.run(seed, TellsAfterwards).problems() for seed in range(300))
    assert any("was never told" in problem for problems in runs for problem in problems)
