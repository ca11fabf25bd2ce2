"""A plan follows from its seed, and has what its profile asks for."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos.faults.chaos import Chaos
from tests.chaos.faults.lasting import Lasting
from tests.chaos.faults.plan import Done, Kind, Plan, Step
from tests.chaos.faults.profiles import (
    AGENTS,
    BRIDGES,
    EXECUTORS,
    INSTITUTIONS,
    LONG,
    PROFILES,
    Least,
    Profile,
)


class Noted(Lasting):
    """Counts what is to be done, and does nothing."""

    begun = 0

    async def do(self, step: Step, done: list[Done]) -> None:
        """Count a step."""
        del step, done
        self.begun += 1


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
    for (kind, group), times in LONG.counts.items():
        kinds[kind] += times if group != EXECUTORS else 0
    assert kinds[Kind.KILL] + kinds[Kind.BROKER_KILL] >= 60
    assert kinds[Kind.STOP] + kinds[Kind.BROKER_STOP] >= 15
    assert {group for kind, group in LONG.counts if kind is Kind.STOP} == {AGENTS, INSTITUTIONS, BRIDGES, EXECUTORS}
    assert LONG.notifications * 0.97 >= 300_000
    assert set(kinds) >= set(Kind) - {Kind.SCALE_IN}
    assert LONG.least == Least(inside=1 / 3, fences=5)


def test_what_lasts_goes_on_beside_the_rest() -> None:
    """The time of a plan is that of its longest lane, and less is left when some of it is done."""
    plan = Plan(1, {(Kind.KILL, "agents"): 10, (Kind.OUTAGE, "brokers"): 1, (Kind.VENDOR, "vendor"): 2})
    assert plan.seconds == 80.0
    assert replace(plan, outage_seconds=3.0).seconds == 60.0, "an outage lasts as long as it is asked for"
    assert plan.seconds_after(Counter({Kind.OUTAGE: 1})) == 60.0
    assert plan.seconds_after(Counter({Kind.OUTAGE: 1, Kind.KILL: 10})) == 18.0


async def test_no_step_comes_before_its_share_of_the_notifications() -> None:
    """Else all is disturbed in the first minutes of a long run, and nothing in the rest."""
    plan = Plan(1, {(Kind.SKEW, "agents"): 4}, gaps=(0.0, 0.0))
    chaos = Chaos(plan, {}, lasting=(lasting := Noted(plan, {})))
    chaos.sent = lambda: 0.5
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(chaos.run(), 0.5)
    assert lasting.begun == 3, "of four steps those at 0, a quarter and a half"
    assert chaos.seconds_left() == 0.0, "so that the feed hurries"
    chaos.sent = lambda: 0.75
    lasting.begun = 0
    await asyncio.wait_for(chaos.run(), 5)
    assert lasting.begun == 4
