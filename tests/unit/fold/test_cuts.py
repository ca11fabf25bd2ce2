"""However a log is cut into polls, and whenever its partition moves: the same to the byte, under small limits too."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.events import Event, OverrideAction, Source
from schemas.policy import Contact
from schemas.signals import SignalType
from streams.agent import turn as agent_turn
from streams.institutions import turn as institution_turn
from tests.unit.fold.build import (
    BANKS,
    DAY,
    HOUR,
    MINUTE,
    PARTITION,
    POLICY,
    START,
    World,
    activated,
    agent_world,
    deleted,
    forgotten,
    ids_of,
    incident,
    institution_world,
    looked,
    overridden,
    record,
    signal,
    tick,
)

CUSTOMERS = ids_of(PARTITION, 8)
MILD = POLICY.model_copy(update={"version": "mild", "contact": Contact(cooldown_hours=12)})
SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 100))]
NOW = 0 * HOUR


def agents_log(dice: random.Random) -> list[Event]:
    """Give a log of customers, with all that is about everybody among it."""
    log: list[Event] = []
    at, sequence = START, 0
    for _ in range(dice.randint(20, 60)):
        at += dice.choice([NOW, MINUTE, HOUR, 5 * HOUR, 12 * HOUR, DAY, 3 * DAY])
        sequence += dice.choice([1, 1, 2])
        one, bank = dice.choice(CUSTOMERS), dice.choice(BANKS)
        code, account = dice.choice([0, 185, 103, 185, 102, 945]), f"a{dice.randint(1, 3)}"
        scope: dict[str, Any] = dice.choice([{"all": True}, {"institution_id": BANKS[0]}])
        until = dice.choice([None, at, at + DAY])
        told = incident(at, dice.choice([185, 102]), sequence, is_open=dice.random() < 0.6, bank=bank)
        released = overridden(OverrideAction.RELEASE_BASELINE, at, all=True, rate_per_hour=dice.choice([None, 1]))
        kinds: list[tuple[float, Event]] = [
            (0.5, looked(one, code, at, account=account, institution_id=bank, baseline=dice.random() < 0.1)),
            (0.2, tick(at)),
            (0.12, told),
            (0.08, overridden(OverrideAction.SILENCE, at, until=until, **scope)),
            (0.03, released),
            (0.02, forgotten(one, at)),
            (0.02, deleted(one, at, account="a1")),
            (0.03, activated(at, dice.choice([MILD, POLICY]))),
        ]
        log += dice.choices([event for _, event in kinds], [weight for weight, _ in kinds])
    return log


def institutions_log(dice: random.Random) -> list[Event]:
    """Give a log of signals: logins that fail and leave in numbers, and long times without a word."""
    log: list[Event] = []
    at = START
    for _ in range(dice.randint(30, 90)):
        at += dice.choice([NOW, NOW, MINUTE, 10 * MINUTE, HOUR, 12 * HOUR, 7 * DAY])
        bank, code = dice.choice(BANKS), dice.choice([148, 906, 185, 777777])
        logins = range(dice.choice([1, 5, 25]))
        what: Sequence[Sequence[Event]] = (
            [tick(at, Source.INSTITUTIONS)],
            [activated(at, dice.choice([MILD, POLICY]))],
            [signal(SignalType.FAILING, f"l{n}", at, bank, code) for n in logins],
            [signal(SignalType.LEFT, f"l{n}", at, bank, code) for n in logins],
            [signal(SignalType.HEALTHY, str(len(logins)), at, bank)],
            [signal(SignalType.TICKET_WANTED, f"l{len(logins)}", at, bank)],
        )
        log += dice.choices(what, [25, 5, 30, 20, 10, 10])[0]
    return log


def outcome(world: World, log: Sequence[Event], dice: random.Random, sizes: range, *, moves: bool = False) -> Any:  # noqa: ANN401 - what is compared
    """Fold a log poll by poll, and give all that is left of it, counts of healthy logins apart: those are of a poll."""
    records = [record(offset, event) for offset, event in enumerate(log)]
    while records:
        size = dice.choice(sizes)
        world.poll(records[:size])
        del records[:size]
        if moves and dice.random() < 0.5:
            world.restart()
            while dice.random() < 0.5 and not world.fold.prepare(PARTITION):
                pass
    return world.said(), world.state(), [one.value for one in world.audits], world.fold.next_due(PARTITION)


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_turn, "DECIDED_AT_ONCE", 2)
    monkeypatch.setattr(institution_turn, "CHANGED_AT_ONCE", 3)


def dice_of(seed: int) -> random.Random:
    """Give the dice of a seed."""
    return random.Random(seed)  # noqa: S311 - a test has to repeat


LOGS = [(agent_world, agents_log), (institution_world, institutions_log)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("make", "log_of"), LOGS, ids=["agent", "institutions"])
def test_cuts(make: Callable[[], World], log_of: Callable[[random.Random], list[Event]], seed: int) -> None:
    """One poll, a poll a record, any cut, and moves in between come to the same."""
    log = log_of(dice_of(seed))
    expected = outcome(make(), log, dice_of(seed), range(1, 2))
    assert outcome(make(), log, dice_of(seed), range(len(log), len(log) + 1)) == expected
    assert outcome(make(), log, dice_of(seed), range(1, 12)) == expected
    assert outcome(make(), log, dice_of(seed), range(1, 12), moves=True) == expected
