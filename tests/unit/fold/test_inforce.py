"""The rules in force: named by their content, announced once, and restored as they were."""

from schemas.cloudevents import from_record
from schemas.events import PolicyActivated, Source
from schemas.policy import Policy
from streams.fold.inforce import InForce, read_activation, write_activation
from streams.observe.parts.deciding import AGENT_EVENTS
from tests.unit.fold.build import (
    CATALOGUE,
    CUSTOMERS,
    HOUR,
    PARTITION,
    POLICY,
    START,
    activated,
    agent_world,
    looked,
    record,
)

SHIPPED = InForce.of(POLICY, CATALOGUE)


def test_rules_are_named_by_their_content() -> None:
    """Another policy has another hash; the hashes that a record states are not taken on trust."""
    other = Policy(fix_integrated=False)
    data = activated(START, other).data
    assert isinstance(data, PolicyActivated)
    lying = data.model_copy(update={"policy_sha256": POLICY.sha256})
    assert InForce.activated(lying).policy_sha256 == other.sha256 != POLICY.sha256


def test_an_announcement_activates_what_is_in_force() -> None:
    """What the agent writes on first opening a partition puts the same rules in force, on the log's own evidence."""
    made = SHIPPED.announcement(Source.AGENT, "log", 2, START)
    written = record(0, made)
    read = from_record(written.headers, written.key, written.value, written.timestamp)
    assert read == made
    assert isinstance(read.data, PolicyActivated)
    again = InForce.activated(read.data)
    assert (again.policy_sha256, again.catalogue_sha256) == (SHIPPED.policy_sha256, SHIPPED.catalogue_sha256)
    assert again.rules.policy == POLICY


def test_announcements_repeat_their_id() -> None:
    """The same rules announced again, after a crash for one, are the same event; another partition's are another."""
    ids = [SHIPPED.announcement(Source.AGENT, "log", partition, START).id for partition in (2, 2, 3)]
    assert ids[0] == ids[1] != ids[2]


def test_an_activation_comes_back_from_its_table() -> None:
    """The table of policies gives back what it was given."""
    data = activated(START, Policy(version="7")).data
    assert isinstance(data, PolicyActivated)
    assert read_activation(write_activation(data)) == data


def test_an_announcement_does_not_undo_an_operator() -> None:
    """Rules activated before an agent first opens the partition stay: it announces its own behind them in the log."""
    world = agent_world()
    said = world.fold.announcement(PARTITION)
    assert said is not None
    world.hear(
        activated(START, Policy(version="2", fix_integrated=False)), said, looked(CUSTOMERS[0], 945, START + HOUR)
    )
    world.hear(said, looked(CUSTOMERS[1], 945, START + 2 * HOUR))
    assert [one["policy_version"] for one in world.sent("remediation.relink")] == ["2", "2"]
    assert world.tallies[0].counts[AGENT_EVENTS, "policy.activated", "overtaken"] == 1
