"""Who may do what: derived from the contract, the same in every form, and the table that operators read."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.contract.channels import CHANNELS, Component
from streams.executor import process as executor
from streams.kafka.acls.rights import (
    ALL_TOPICS,
    COMMANDS,
    HELD,
    OWN_NAME,
    Operation,
    Resource,
    Right,
    reads,
    rights,
    writes,
)
from streams.kafka.acls.users import DEFAULTS, User, UserError, rights_of, users
from streams.kafka.command import topics
from streams.kafka.topics import (
    AGENT,
    AUDIT,
    EVENTS,
    EXECUTORS,
    HEALTH,
    INSTITUTIONS,
    LINKED,
    SIGNALS,
    SUBSCRIPTIONS,
    VENDOR_AUTH,
    changelog,
)
from streams.operate.letters.kept import READERS
from streams.operate.overrides.snapshot import TABLES
from streams.transport.settings import FoldSettings

TABLE = Path(__file__).parents[3] / "deploy" / "README.md"
WORDS = {
    Component.BRIDGE: "bridge",
    Component.AGENT: "agent",
    Component.INSTITUTIONS: "institution agent",
    Component.EXECUTOR: "executor",
    Component.SWEEP: "sweep",
    Component.CANARY: "canary",
    Component.OPERATOR: "operators",
    Component.AUDITOR: "auditors",
    Component.SNAPSHOT: "snapshots",
    Component.DOWNSTREAM: "services that act on commands",
}


def test_nobody_may_more_than_the_promises_allow() -> None:
    """Replay and services write nothing, the bridge reads no command, the agent does not touch the vendor's gate."""
    assert writes(Component.AUDITOR) == writes(Component.DOWNSTREAM) == frozenset()
    assert reads(Component.BRIDGE) == {SUBSCRIPTIONS}
    assert reads(Component.DOWNSTREAM) == set(COMMANDS)
    assert VENDOR_AUTH not in writes(Component.AGENT) | reads(Component.AGENT)
    assert reads(Component.SWEEP) == {HEALTH, VENDOR_AUTH}
    assert writes(Component.SWEEP) == {EVENTS, VENDOR_AUTH}
    assert writes(Component.SNAPSHOT) == {EVENTS, SIGNALS}
    assert reads(Component.SNAPSHOT) == {EVENTS, SIGNALS, AUDIT}
    for component in Component:
        assert all(right.name for right in rights_of(User(f"User:{component}", component))), "a prefix of everything"


def test_whoever_the_contract_names_may() -> None:
    """Writers of every message, readers of every channel; services of others are held to commands."""
    for channel in CHANNELS:
        for message in channel.messages:
            assert [one for one in message.by if channel.address not in writes(one)] == []
        ours = [one for one in channel.to if one is not Component.DOWNSTREAM]
        assert [one for one in ours if channel.address not in reads(one)] == []


def test_operators_can_look_at_what_was_set_aside() -> None:
    """`dead-letter show` reads the record that a letter is about, of any log."""
    assert set(READERS) <= reads(Component.OPERATOR)


def test_commands_have_one_writer() -> None:
    """What customers are told of comes from the agents alone."""
    for topic in COMMANDS:
        (writer,) = (component for component in Component if topic in writes(component))
        assert writer is (Component.INSTITUTIONS if topic.endswith("support-ticket") else Component.AGENT)


def test_groups_and_transactions_are_those_that_the_processes_use(any_clock: object) -> None:
    """The names of the rights are the names in the code; nobody but a fold may take over its transactions."""
    assert (executor.GROUP, executor.LINKED_TOPICS) == (EXECUTORS, LINKED)
    assert {changelog(AGENT, table) for table in TABLES} == set(HELD)
    for application, owner in ((AGENT, Component.AGENT), (INSTITUTIONS, Component.INSTITUTIONS)):
        used = FoldSettings("kafka:9092", application, "log", 3, any_clock).transactional_prefix  # type: ignore[arg-type]
        for component in Component:
            may = [one.name for one in rights(component) if one.resource is Resource.TRANSACTIONAL_ID]
            assert any(used.startswith(name) for name in may) is (component is owner)
            joined = Right(Resource.GROUP, application, Operation.READ) in rights(component)
            assert joined is (component is owner)


@pytest.fixture
def any_clock() -> object:
    return object()


def test_users_are_named_by_component() -> None:
    """A name replaces the default of its component; a service's groups have its name, of a certificate too."""
    chosen = users(["downstream=User:mailer", "downstream=User:CN=tickets,O=Example", "agent=User:CN=a"])
    assert [user for user in chosen if user.component is Component.DOWNSTREAM] == [
        User("User:mailer", Component.DOWNSTREAM),
        User("User:CN=tickets,O=Example", Component.DOWNSTREAM),
    ]
    assert len(chosen) == len(DEFAULTS) + 1
    groups = {
        (right.name, right.is_prefix)
        for user in chosen
        for right in rights_of(user)
        if right.resource is Resource.GROUP
    }
    assert {("mailer", False), ("mailer.", True), ("tickets", False), ("tickets.", True)} < groups
    assert User("User:txpush-bridge", Component.BRIDGE) in chosen


@pytest.mark.parametrize("text", ["mailer=User:mailer", "agent", "agent=mailer", "agent=User:", "agent=User:*"])
def test_what_is_no_user_is_refused(text: str) -> None:
    """A slip of the pen must not give a right to somebody else, least of all to everybody."""
    with pytest.raises(UserError, match="is no"):
        users([text])
    ended = CliRunner().invoke(topics, ["acls", "--user", text])
    assert (ended.exit_code, "is no" in ended.output) == (2, True)


def test_nobody_may_use_the_groups_of_another() -> None:
    """`mail` has no right on those of `mailer`; a name that would have is refused."""
    assert not any(
        "mailer".startswith(right.name)
        for right in rights_of(User("User:mail", Component.DOWNSTREAM))
        if right.is_prefix
    )
    with pytest.raises(UserError, match=r"'mail\.er' is no user beside 'mail'"):
        users(["downstream=User:mail", "downstream=User:mail.er"])


def told(line: str) -> set[tuple[str, Right]]:
    """Read a line of the script as `kafka-acls.sh` does: every operation on every resource."""
    words = shlex.split(line)
    assert words[:6] == [
        "kafka-acls.sh",
        "--bootstrap-server",
        "$BOOTSTRAP",
        "--command-config",
        "$ADMIN_CONFIG",
        "--add",
    ]
    assert words[6] == "--force"
    given: dict[str, list[str]] = {}
    for option, value in zip(words[7::2], words[8::2], strict=True):
        given.setdefault(option.removeprefix("--"), []).append(value)
    (principal,) = given["allow-principal"]
    is_prefix = given.get("resource-pattern-type", ["literal"]) == ["prefixed"]
    return {
        (principal, Right(resource, name, Operation(operation), is_prefix))
        for resource in Resource
        for name in given.get(resource, ())
        for operation in given["operation"]
    }


def test_the_script_says_exactly_the_rights() -> None:
    """Read back line by line it is what is put in force otherwise: nothing less, nothing more."""
    ended = CliRunner().invoke(topics, ["acls", "--user", "downstream=User:CN=tickets,O=An Example"])
    assert ended.exit_code == 0
    lines = [line for line in ended.output.splitlines() if line.startswith("kafka-acls.sh")]
    found = set[tuple[str, Right]]().union(*map(told, lines))
    chosen = users(["downstream=User:CN=tickets,O=An Example"])
    assert found == {(user.principal, right) for user in chosen for right in rights_of(user)}
    assert "set -eu" in ended.output


def test_the_table_for_operators_is_the_rights() -> None:
    """Each component has a row with all that it may read and write, and its groups and transactional ids."""
    rows = dict(re.findall(r"^\| ([a-z ]+) \| (.* \| .* \| .*) \|$", TABLE.read_text(), re.MULTILINE))
    for component in Component:
        reading, writing, beside = (_expanded(cell) for cell in rows[WORDS[component]].split(" | "))
        assert reading & set(ALL_TOPICS) == reads(component), component
        assert writing & set(ALL_TOPICS) == writes(component), component
        others = [one for one in rights(component) if one.resource is not Resource.TOPIC]
        named = {f"{one.name}{'*' if one.is_prefix else ''}".replace(OWN_NAME, "NAME") for one in others}
        assert beside == named, component


def _expanded(cell: str) -> set[str]:
    names = set(re.findall(r"`([^`]+)`", cell))
    topics_named = {topic for name in names for topic in ALL_TOPICS if fnmatch(topic, name)}
    return set(ALL_TOPICS) if cell.strip() == "all topics" else names | topics_named
