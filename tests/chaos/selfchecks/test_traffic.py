"""What is sent follows from the seed, and from when the run's time begins."""

from datetime import UTC, datetime, timedelta

from tests.chaos.load.traffic import Traffic

START = datetime(2026, 11, 1, 3, tzinfo=UTC)


def test_a_seed_gives_the_same_traffic() -> None:
    """Bodies, records written directly, and their order; another seed gives other ones."""
    one, same, other = (list(Traffic(seed, 500, START, timedelta(days=6))) for seed in (1, 1, 2))
    assert one == same
    assert one != other
