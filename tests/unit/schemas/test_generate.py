"""The generated JSON Schema: current, complete, and true to what is written."""

import json
from importlib import resources
from typing import Any

import pytest

from schemas.generate import READ, WRITTEN, documents

COMMITTED = {
    path.name: path.read_text("utf-8")
    for path in resources.files("schemas").joinpath("json").iterdir()
    if path.name.endswith(".schema.json")
}


def test_committed_schemas_are_current() -> None:
    """What is shipped is what the models say; it ships with the package."""
    current = documents()
    wrong = sorted(name for name in current.keys() | COMMITTED.keys() if current.get(name) != COMMITTED.get(name))
    assert not wrong, f"run `python -m schemas.generate` and commit schemas/json: {', '.join(wrong)} not current"


@pytest.mark.parametrize("name", [*READ, *WRITTEN])
def test_every_schema_names_itself(name: str) -> None:
    """A schema says its dialect, its id with the version, and what it is for."""
    schema: dict[str, Any] = json.loads(COMMITTED[f"{name}.schema.json"])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:txpush-remediation:1:{name}"
    assert schema["type"] == "object"
    assert schema["description"]


def test_what_is_read_has_the_names_of_the_wire() -> None:
    """Inbound messages have the vendor's names, take unknown fields, and need the two ids only."""
    schema = json.loads(COMMITTED["account-snapshot.schema.json"])
    assert {"customerId", "aggregationStatusCode"} <= schema["properties"].keys()
    assert schema["required"] == ["customerId", "accountId"]
    assert schema.get("additionalProperties", True) is True


def test_what_is_written_is_closed() -> None:
    """A command has no field that its schema does not know, and may lack only what it need not say."""
    schema = json.loads(COMMITTED["command.schema.json"])
    assert schema["additionalProperties"] is False
    assert schema["properties"].keys() - set(schema["required"]) == {"not_after", "withdraw_reason", "fix_url"}
