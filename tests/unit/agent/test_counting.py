"""What the agent counts of customers for the metrics: where they stand now, and what became of them."""

import pytest

from schemas.catalogue import Kind
from schemas.commands import Action, Hold, LookupAction
from schemas.events import OverrideAction
from streams.observe.kinds import AnyCounter
from streams.observe.parts.business import (
    AGENT_CONTACTS_DEFERRED,
    AGENT_OBSERVATIONS,
    AGENT_RELAPSES,
    AGENT_UNKNOWN_CODES,
)
from streams.observe.parts.deciding import AGENT_COMMANDS, AGENT_LOOKUPS
from tests.unit.fold.build import (
    BANKS,
    CUSTOMERS,
    DAY,
    HOUR,
    MINUTE,
    POLICY,
    START,
    World,
    activated,
    agent_world,
    connected,
    deleted,
    forgotten,
    looked,
    overridden,
    tick,
)
from tests.unit.fold.standing import standing

ONE, TWO, THREE, _ = CUSTOMERS
BY_BANK = "txpush_agent_institution_failing_accounts"


@pytest.fixture
def agent() -> World:
    return agent_world()


def counted(world: World, metric: AnyCounter) -> dict[tuple[str, ...], int]:
    """Give what a counter is to go up by, by the values of its labels."""
    found = [
        (series[1:], times) for tally in world.tallies for series, times in tally.counts.items() if series[0] is metric
    ]
    return {labels: sum(times for one, times in found if one == labels) for labels, _ in found}


@pytest.mark.parametrize("restarts", [False, True])
def test_where_accounts_stand(agent: World, *, restarts: bool) -> None:
    """By the phase of each, followed from event to event, and counted anew by the next owner."""
    agent.hear(
        looked(ONE, 185, START),
        looked(ONE, 0, START + MINUTE, "a2"),
        looked(TWO, 102, START),
        looked(THREE, None, START),
    )
    agent.hear(looked(ONE, 0, START + HOUR), deleted(TWO, START + HOUR))
    if restarts:
        agent.restart()
    phases = ("healthy", "customer_action", "institution_trouble", "never_aggregated", "deleted")
    assert [standing(agent, "accounts", phase) for phase in phases] == [2, 0, 0, 1, 1]
    agent.hear(forgotten(ONE, START + DAY))
    assert standing(agent, "accounts", "healthy") == 0


def test_new_rules_count_anew(agent: World) -> None:
    """Where an account stands is the catalogue's word, so all are looked at again."""
    agent.hear(looked(ONE, 185, START))
    agent.hear(activated(START + HOUR, POLICY))
    assert agent.fold.standing("txpush_agent_accounts", "customer_action") == 0
    assert standing(agent, "accounts", "customer_action") == 1


def test_new_rules_in_the_midst_of_a_poll(agent: World) -> None:
    """What else the poll has changed is counted by the new ones, too: a case that has no reminder left under them."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 185, START + 36 * HOUR))
    assert standing(agent, "cases_unresponsive") == 0
    one_reminder = POLICY.model_copy(update={"contact": POLICY.contact.model_copy(update={"reminder_days": (1,)})})
    at = START + 37 * HOUR
    agent.hear(activated(at, one_reminder), looked(ONE, 169, at, "a2", institution_login_id="L1"))
    assert (standing(agent, "cases_unresponsive"), standing(agent, "cases_waiting")) == (1, 1)


def test_banks_with_failing_accounts(agent: World) -> None:
    """By institution; one where nothing fails any more is not named, nor what has none."""
    agent.hear(looked(ONE, 185, START), looked(TWO, 103, START), looked(TWO, 0, START + MINUTE, "a2"))
    agent.hear(looked(THREE, 185, START, institution_id=None))
    assert agent.fold.standing_by(BY_BANK) == {BANKS[0]: 2}
    agent.hear(looked(ONE, 0, START + HOUR), looked(TWO, 0, START + HOUR))
    assert agent.fold.standing_by(BY_BANK) == {}


def test_where_cases_stand(agent: World) -> None:
    """Open commands by kind, marked logins, contacts that wait, and those whom every reminder has left cold."""
    agent.hear(looked(ONE, 185, START), overridden(OverrideAction.MARK_OTP, START, TWO, institution_login_id="L1"))
    agent.hear(looked(ONE, 169, START + HOUR, "a2", institution_login_id="L1"))
    assert standing(agent, "commands_open", "connect-fix") == 1
    assert standing(agent, "otp_logins") == 1
    assert standing(agent, "cases_waiting") == 1
    assert counted(agent, AGENT_CONTACTS_DEFERRED) == {(Hold.COOLDOWN,): 1}
    assert standing(agent, "cases_unresponsive") == 0
    agent.hear(looked(ONE, 185, START + 30 * DAY))
    assert standing(agent, "cases_unresponsive") == 1


def test_observations_by_cause(agent: World) -> None:
    """Each observation once, whatever its code; what was seen before is none."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 185, START), looked(TWO, 0, START), looked(THREE, None, START))
    assert counted(agent, AGENT_OBSERVATIONS) == {("challenge",): 1, ("healthy",): 1}


def test_codes_that_nobody_knows(agent: World) -> None:
    """By code, with the time at which each was received."""
    agent.hear(looked(ONE, 777777, START), looked(TWO, 185, START))
    assert counted(agent, AGENT_UNKNOWN_CODES) == {("777777",): 1}
    assert [at for tally in agent.tallies for at in tally.unknown_at] == [START]


def test_what_goes_out(agent: World) -> None:
    """Commands by kind and action; a look-up is asked of the executor, and is none."""
    agent.hear(looked(ONE, 185, START), looked(TWO, 185, START, institution_login_id=None))
    agent.hear(tick(START + 2 * HOUR))
    assert counted(agent, AGENT_COMMANDS) == {(Kind.CONNECT_FIX, Action.ISSUE): 1}
    assert counted(agent, AGENT_LOOKUPS) == {(LookupAction.LOCATE,): 1}


def test_relapses(agent: World) -> None:
    """A login that is challenged again soon after a repair, once each."""
    agent.hear(looked(ONE, 185, START), connected(ONE, "done", START + HOUR), looked(ONE, 0, START + 2 * HOUR))
    assert counted(agent, AGENT_RELAPSES) == {}
    agent.hear(looked(ONE, 185, START + DAY), looked(ONE, 185, START + 2 * DAY))
    assert counted(agent, AGENT_RELAPSES) == {(): 1}
