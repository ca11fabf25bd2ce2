"""What the fold of a log sends with the real deciders: commands, health, signals."""

from schemas.events import Source
from streams.domain import Outcome
from streams.kafka.topics import HEALTH, SIGNALS
from streams.observe.labels import Gathered
from streams.observe.parts.deciding import AGENT_EVENTS
from tests.unit.fold.build import CUSTOMERS, DAY, HOUR, PARTITION, START, STRANGER, World, deleted, event, looked, tick
from tests.unit.fold.logfold.build import dead

FIX = "remediation.connect-fix"
ONE, TWO, *_ = CUSTOMERS


def test_a_poll_sees_what_was_decided_before_in_it(agent: World) -> None:
    """Failure and repair in one poll: a command is issued and withdrawn, and health says how it ends."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 0, START + DAY))
    assert [one["action"] for one in agent.sent(FIX)] == ["issue", "withdraw"]
    assert [one["phase"] for one in agent.sent(HEALTH)] == ["healthy"]


def test_messages_are_cloud_events_of_their_cause(agent: World) -> None:
    """A command goes out under the customer's key with the time of the event that caused it."""
    agent.hear(looked(ONE, 185, START))
    (sent,) = agent.out[FIX, PARTITION]
    (command,) = agent.sent(FIX)
    headers = dict(sent.headers)
    assert (sent.key, headers["ce_time"]) == (ONE.encode(), b"2026-11-01T03:00:00Z")
    assert headers["ce_id"].decode() == f"{command['command_id']}:0"
    assert (headers["ce_type"], headers["ce_source"]) == (FIX.encode(), b"/remediation/agent")


def test_a_signal_names_the_record_that_caused_it(agent: World) -> None:
    """A signal goes to the partition of its institution and says where its cause is in the log."""
    agent.hear(looked(TWO, None, START), looked(ONE, 185, START, institution_id=STRANGER))
    (place,) = [place for place in agent.out if place[0] == SIGNALS]
    assert place[1] != PARTITION
    (sent,) = agent.sent(SIGNALS)
    assert (sent["institution_id"], sent["source_partition"], sent["source_offset"]) == (STRANGER, PARTITION, 1)


def test_a_forgotten_account_leaves_its_last_health(agent: World) -> None:
    """Deleted and forgotten within one poll, as when a backlog is read, an account is last heard of as deleted."""
    agent.hear(looked(ONE, 0, START, account="a9"))
    agent.hear(looked(ONE, 185, START), deleted(ONE, START + HOUR), tick(START + 60 * DAY))
    assert [one["phase"] for one in agent.sent(HEALTH)] == ["healthy", "deleted"]
    assert list(agent.state()["accounts"]) == [f"{ONE}/a9"]


def test_a_forgotten_customer_leaves_nothing(agent: World) -> None:
    """With its last account, and a month of silence, a customer is gone: the health of its accounts as well."""
    agent.hear(looked(ONE, 185, START), deleted(ONE, START + HOUR), tick(START + 60 * DAY))
    assert agent.out[HEALTH, PARTITION][-1].value is None
    assert agent.state()["customers"] == {}


def test_types_of_later_versions_are_counted(agent: World) -> None:
    """An event that this version does not decide on is let through and changes nothing."""
    agent.hear(event("of.a.later.version", START, {"n": 1}, ONE, Source.BRIDGE))
    assert dead(agent) == []
    assert agent.tallies[0].counts[AGENT_EVENTS, Gathered.OTHER, Outcome.UNHANDLED] == 1
    assert not agent.audits
