"""Strimzi's resources, against what its release would let the API server take."""

from pathlib import Path

import pytest

from tests.deployment.tools import ROOT, ToolError, custom_schemas, go_program, ran

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

FOLDER = ROOT / "deploy" / "strimzi"


@pytest.mark.parametrize("name", ["topics.yaml", "users.yaml"])
def test_the_cluster_would_take_them(name: str) -> None:
    """Every field is one that the resource has, and has a value that it takes."""
    ran(go_program("kubeconform"), "-strict", "-schema-location", custom_schemas(), FOLDER / name)


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        ("KafkaTopic", "{partitions: 0, replicas: 3}", "partitions"),
        ("KafkaTopic", "{partition: 3}", "partition"),
        ("KafkaUser", "{authorization: {type: simple, acls: [{resource: {type: topics, name: x}}]}}", "type"),
    ],
)
def test_the_cluster_would_refuse_others(tmp_path: Path, kind: str, spec: str, told: str) -> None:
    """A value out of range, or a field that is not there, is told: the schemas are at work."""
    path = tmp_path / "one.yaml"
    path.write_text(f"apiVersion: kafka.strimzi.io/v1\nkind: {kind}\nmetadata: {{name: one}}\nspec: {spec}\n")
    with pytest.raises(ToolError, match=told):
        ran(go_program("kubeconform"), "-strict", "-schema-location", custom_schemas(), path)
