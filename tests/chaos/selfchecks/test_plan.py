"""A plan follows from its seed, and has what its profile asks for."""

from collections import Counter

import pytest

from tests.chaos.faults.plan import Kind, Plan
from tests.chaos.faults.profiles import LONG, PROFILES, Profile


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_seed_gives_the_same_steps(profile: Profile) -> None:
    """All that the profile counts, in an order that is the seed's."""
    one, same, other = (list(Plan(seed, profile.counts).steps()) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert Counter((step.kind, step.group) for step in one) == profile.counts


def test_the_long_form_has_what_is_promised_of_it() -> None:
    """Sixty SIGKILLs and fifteen SIGSTOPs over bridges, agents and brokers, at 300,000 notifications."""
    kinds: Counter[Kind] = Counter()
    for (kind, _), times in LONG.counts.items():
        kinds[kind] += times
    assert kinds[Kind.KILL] + kinds[Kind.BROKER_KILL] >= 60
    assert kinds[Kind.STOP] + kinds[Kind.BROKER_STOP] >= 15
    assert LONG.notifications * 0.97 >= 300_000
    assert set(kinds) >= set(Kind) - {Kind.SCALE_IN}


def test_what_lasts_goes_on_beside_the_rest() -> None:
    """The time of a plan is that of its longest lane, and less is left when some of it is done."""
    plan = Plan(1, {(Kind.KILL, "agents"): 10, (Kind.OUTAGE, "brokers"): 1, (Kind.VENDOR, "vendor"): 2})
    assert plan.seconds == 80.0
    assert plan.seconds_after(Counter({Kind.OUTAGE: 1})) == 60.0
    assert plan.seconds_after(Counter({Kind.OUTAGE: 1, Kind.KILL: 10})) == 18.0
