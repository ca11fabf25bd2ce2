"""The link of a command: which messages carry it, and that nothing is decided or audited with it."""

import hashlib
from typing import Any

import orjson
import pytest

from schemas.commands import Command
from schemas.events import ConnectEvent
from schemas.policy import Policy
from streams.links import FixLinks
from streams.testing import Topology
from tests.unit.fold.build import CUSTOMERS, DAY, HOUR, START, World, agent_world, event, looked, tick

FIX, RELINK, OTP = "remediation.connect-fix", "remediation.relink", "remediation.otp-escalation"
CONSENT, DUPLICATE = "remediation.consent-renewal", "remediation.remove-duplicate"
LINKS = FixLinks([b"k" * 32], "https://fix.example.com")
ONE = CUSTOMERS[0]


@pytest.fixture
def agent() -> World:
    return agent_world(links=LINKS)


def links(world: World, topic: str) -> list[tuple[str, bool]]:
    """Give action of every message of a topic, and whether it carries a link."""
    return [(one["action"], "fix_url" in one) for one in world.sent(topic)]


def test_open_commands_carry_a_link(agent: World) -> None:
    """Issue, update and remind do; the end of a command does not."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 103, START + HOUR), tick(START + 2 * DAY))
    agent.hear(looked(ONE, 0, START + 3 * DAY))
    assert links(agent, FIX) == [("issue", True), ("update", True), ("remind", True), ("withdraw", False)]


def test_the_link_is_that_of_command_and_time(agent: World) -> None:
    """It names the command, and lives from the time of the message, the due time of a reminder."""
    agent.hear(looked(ONE, 185, START), tick(START + 2 * DAY))
    issue, remind = agent.sent(FIX)
    assert issue["fix_url"] == LINKS.url(issue["command_id"], START)
    assert remind["fix_url"] == LINKS.url(issue["command_id"], START + DAY)


@pytest.mark.parametrize(("code", "topic"), [(949, RELINK), (169, DUPLICATE)])
def test_what_no_fix_mends_has_no_link(agent: World, code: int, topic: str) -> None:
    """Relinking and removing happen elsewhere."""
    agent.hear(looked(ONE, code, START))
    assert links(agent, topic) == [("issue", False)]


def test_an_escalation_carries_a_link(agent: World) -> None:
    """For use inside the app, with the customer present (R2)."""
    agent.hear(looked(ONE, 931, START))
    assert links(agent, OTP) == [("issue", True)]


def test_a_renewal_carries_a_link(agent: World) -> None:
    """Consent is renewed by a fix, too (R15)."""
    agent.hear(looked(ONE, 0, START, authorization_end_date=START + 3 * DAY, authorization_expires=True))
    assert links(agent, CONSENT) == [("issue", True)]


def test_no_link_where_fix_is_not_integrated() -> None:
    """What Data Connect Full has to mend carries none (R2)."""
    with Topology(policy=Policy(version="mine", fix_integrated=False), links=LINKS) as topology:
        for account, code in (("1", 103), ("2", 931)):
            topology.notify(failing(account, code, int(topology.now.timestamp())))
        assert {one["kind"] for one in topology.commands()} == {"connect-fix", "otp-escalation"}
        assert not any("fix_url" in one for one in topology.commands())


def failing(account: str, code: int, at: int) -> dict[str, Any]:
    """Give a notification about an account at a login of its own."""
    snapshot = {
        "id": account,
        "customerId": "7000000042",
        "institutionId": "102105",
        "institutionLoginId": int(f"71{account}"),
        "aggregationStatusCode": code,
        "aggregationAttemptDate": at,
    }
    return {"event": {"class": "account", "type": "modified", "records": [snapshot]}}


def test_without_links_none_is_carried() -> None:
    """As it is where no address and no key are set."""
    world = agent_world()
    world.hear(looked(ONE, 185, START))
    assert links(world, FIX) == [("issue", False)]


def without_link(value: bytes | None) -> bytes:
    """Give a message as replay and exports have it."""
    return Command.model_validate_json(value or b"").model_copy(update={"fix_url": None}).model_dump_json().encode()


def test_the_audit_is_of_the_message_without_it(agent: World) -> None:
    """The hash is that of the message as decided, and the same as of an agent without links."""
    heard = [looked(ONE, 185, START), looked(ONE, 103, START + HOUR)]
    agent.hear(*heard)
    sent = [one.value for (topic, _), records in agent.out.items() if topic == FIX for one in records]
    audited = [one["sha256"] for record in agent.audits for one in orjson.loads(record.value or b"")["messages"]]
    assert {hashlib.sha256(without_link(value)).hexdigest() for value in sent} <= set(audited)
    assert not {hashlib.sha256(value or b"").hexdigest() for value in sent} & set(audited)
    audits = [one.value for one in agent.audits]
    plain = agent_world()
    plain.hear(*heard)
    assert [one.value for one in plain.audits] == audits


def test_a_link_is_no_part_of_a_repr(agent: World) -> None:
    """Whoever logs a command does not log the link with it."""
    agent.hear(looked(ONE, 185, START))
    command = Command.model_validate_json(orjson.dumps(agent.sent(FIX)[0]))
    assert command.fix_url is not None
    assert command.fix_url not in repr(command)


def test_a_fix_by_the_link_is_strong(agent: World) -> None:
    """The id that a link names is the one by which the vendor's event finds its case again."""
    agent.hear(looked(ONE, 185, START))
    (issue,) = agent.sent(FIX)
    command_id = LINKS.read(issue["fix_url"].rpartition("/")[2], START)
    done = ConnectEvent.model_validate(
        {"customer_id": ONE, "event_type": "done", "webhook_data": {"command_id": command_id}}
    )
    agent.hear(event("connect.done", START + HOUR, done, ONE), looked(ONE, 0, START + 2 * HOUR))
    assert agent.sent(FIX)[-1]["action"] == "complete"
