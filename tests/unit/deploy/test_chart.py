"""The chart, without Helm: its values fit their schema, whose names are the code's own."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from schemas.contract.channels import Component
from streams.cli import COMMANDS
from streams.settings import Settings

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "helm" / "txpush"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
TEMPLATES = {path.name: path.read_text() for path in (CHART / "templates").iterdir()}
PARTS = TEMPLATES["_parts.tpl"]

SET_BY_THE_CHART = {
    "admin_host", "admin_port", "bridge_host", "bridge_port", "callers_file", "executor_host", "executor_port",
    "instance", "kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "kafka_username", "state_dir",
}  # fmt: skip
NOT_FOR_A_CLUSTER = {
    "clock", "policy_file", "sandbox_any_port", "sandbox_host", "sandbox_port", "sandbox_seed",
}  # fmt: skip
"""The sandbox and its clock stay on a developer's machine; a policy is activated by `txpush policy`."""
SECRET = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}


def test_the_values_fit_their_schema() -> None:
    """Every name is known, and every default is allowed."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)


def missing(schema: dict[str, Any], values: dict[str, Any], place: str = "") -> list[str]:
    """Give the names that the schema has and the values have not."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    inside: dict[str, Any] = schema.get("properties", {})
    found = [f"{place}{name}" for name in inside if name not in values]
    deeper = [name for name in inside if isinstance(values.get(name), dict)]
    return found + [one for name in deeper for one in missing(inside[name], values[name], f"{place}{name}.")]


def test_every_value_that_can_be_set_has_a_default() -> None:
    """Whoever reads values.yaml sees all that there is; what Helm itself hands in is left out."""
    assert missing(SCHEMA, VALUES) == ["global"]


def test_settings_are_those_of_the_code() -> None:
    """All but secrets, what the chart sees to itself, and what is not for a cluster."""
    allowed = set(SCHEMA["$defs"]["settings"]["propertyNames"]["enum"])
    assert allowed == Settings.model_fields.keys() - SECRET - SET_BY_THE_CHART - NOT_FOR_A_CLUSTER


def test_what_the_chart_sets_is_a_setting() -> None:
    """Written out in a template, or put among the settings by one."""
    text = "\n".join(TEMPLATES.values())
    written = {name.lower() for name in re.findall(r"TXPUSH_([A-Z_]+)\b", text)} - {"", "secrets_dir"}
    put = set(re.findall(r'(?:set \$all|dict|"0\.0\.0\.0") "(\w+)"', text))
    assert (written | put) - {"canary_url"} >= SET_BY_THE_CHART
    assert written <= Settings.model_fields.keys()


def test_every_component_is_there() -> None:
    """All that run: by the names of the users in Kafka, which are those of the commands, but for the auditor."""
    found = re.search(r'list ("bridge".*?) }}.*?list (.*?) }}', PARTS, re.DOTALL)
    assert found is not None
    named = re.findall(r'"(\w+)"', " ".join(found.groups()))
    assert set(named) == set(Component) - {Component.OPERATOR, Component.DOWNSTREAM}
    assert set(named) - {Component.AUDITOR} <= COMMANDS.keys()
    assert set(named) <= VALUES.keys()


@pytest.mark.parametrize("secret", sorted(SECRET - {"kafka_key_password"}))
def test_every_secret_reaches_somebody(secret: str) -> None:
    """A secret that no component is given could not be used on a cluster; Strimzi's keys have no password."""
    start = PARTS.index('define "txpush.secret-files"')
    assert re.search(rf"\b{secret}\b", PARTS[start:])


def test_rules_have_one_source() -> None:
    """The chart's folder of rules is a link to that of Prometheus: there is no copy that could differ."""
    assert (CHART / "rules").is_symlink()
    assert (CHART / "rules").resolve() == ROOT / "deploy" / "prometheus" / "rules"
    assert '.Files.Glob "rules/*.yaml"' in TEMPLATES["monitoring.yaml"]


def test_the_ports_are_those_of_the_image() -> None:
    """By default a component listens where the image says that it does."""
    exposed = re.findall(r"^EXPOSE (.+)$", (ROOT / "deploy/docker/Dockerfile").read_text(), re.MULTILINE)[0].split()
    assert exposed == [str(one) for one in (VALUES["bridge"]["port"], VALUES["executor"]["port"], VALUES["adminPort"])]


def test_layout_is_that_of_the_contract() -> None:
    """Without a word the chart asks for the partitions and replicas that deploy/strimzi makes."""
    for name in ("partitions", "replication"):
        assert VALUES["settings"][name] == Settings.model_fields[name].default
