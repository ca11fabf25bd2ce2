"""The generated JSON Schema: current, complete, and true to what is written."""

import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.catalogue import Kind, Step
from schemas.commands import Action, Command, EpisodeRef, Evidence, Reason
from schemas.contract.messages import OPEN_ENUMS, READ, WRITTEN, taken
from schemas.generate import ASYNCAPI, documents

PACKAGE = resources.files("schemas")
COMMITTED = {
    f"json/{path.name}": path.read_text("utf-8")
    for path in PACKAGE.joinpath("json").iterdir()
    if path.name.endswith(".schema.json")
} | {ASYNCAPI: PACKAGE.joinpath(ASYNCAPI).read_text("utf-8")}
AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
COMMAND = Command(
    command_id="5b0c",
    sequence=0,
    action=Action.ISSUE,
    kind=Kind.CONNECT_FIX,
    customer_id="7",
    institution_login_id="71",
    institution_id=None,
    account_ids=("5",),
    reason=Reason(code=185, cause="challenge", text="Security challenge encountered"),
    steps=(Step.ANSWER_CHALLENGE,),
    episode=EpisodeRef(opened_at=AT, ordinal=1),
    not_after=AT,
    evidence=Evidence(event_ids=("a:0",), rules=("R3",)),
    policy_version="1",
    catalogue_version="1",
)


def schema(name: str) -> dict[str, Any]:
    """Give the committed schema of a message."""
    found: dict[str, Any] = json.loads(COMMITTED[f"json/{name}.schema.json"])
    return found


def test_committed_schemas_are_current() -> None:
    """What is shipped is what the models say; it ships with the package."""
    current = documents()
    wrong = sorted(name for name in current.keys() | COMMITTED.keys() if current.get(name) != COMMITTED.get(name))
    assert not wrong, f"run `python -m schemas.generate` and commit schemas: {', '.join(wrong)} not current"


@pytest.mark.parametrize("name", [*READ, *WRITTEN])
def test_every_schema_names_itself(name: str) -> None:
    """A schema is one, and says its dialect, its id with the version, and what it is for."""
    found = schema(name)
    Draft202012Validator.check_schema(found)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == f"urn:txpush-remediation:1:{name}"
    assert found["type"] == "object"
    assert found["description"]


def test_what_is_read_has_the_names_of_the_wire() -> None:
    """Inbound messages have the vendor's names, take unknown fields, and need the two ids only."""
    snapshot = schema("account-snapshot")
    assert {"customerId", "aggregationStatusCode"} <= snapshot["properties"].keys()
    assert snapshot["required"] == ["customerId", "accountId"]
    assert snapshot.get("additionalProperties", True) is True


def test_what_is_written_is_named() -> None:
    """A command has no field that its schema does not name, and may lack only what it need not say."""
    command = schema("command")
    assert command["properties"].keys() == Command.model_fields.keys()
    assert command["properties"].keys() - set(command["required"]) == {"not_after", "withdraw_reason", "fix_url"}


def test_a_reader_is_ready_for_later_versions() -> None:
    """Whoever checks a command by its schema takes more fields and unknown steps, and no other action."""
    check, sent = Draft202012Validator(schema("command")), json.loads(COMMAND.model_dump_json())
    assert check.is_valid(sent)
    assert check.is_valid(sent | {"priority": 1, "episode": {**sent["episode"], "of": "a later version"}})
    assert check.is_valid(sent | {"steps": ["call_the_bank"], "kind": "later-kind"})
    assert not check.is_valid(sent | {"action": "escalate"})
    assert not check.is_valid(sent | {"sequence": "0"})


def test_open_enums_list_what_is_known() -> None:
    """An open enum names its present values; every name of an open enum is one of a written message."""
    assert schema("command")["$defs"]["Step"]["x-extensible-enum"] == [step.value for step in Step]
    used = {name for message in WRITTEN for name in schema(message).get("$defs", {})}
    assert used >= OPEN_ENUMS


def test_our_own_readers_stay_strict() -> None:
    """What we read back of our own has closed enums and no unknown fields."""
    own = taken("signal")
    assert own["additionalProperties"] is False
    assert "enum" in taken("ticket-wanted")["$defs"]["TicketCause"]
