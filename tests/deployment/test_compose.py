"""The compose file, by the code that Docker reads it with, and what Prometheus is given in it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.tools import ROOT, ToolError, go_program, promtool, ran

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

FOLDER = ROOT / "deploy" / "compose"


def read(path: Path) -> dict[str, Any]:
    """Have a compose file checked against the schema and put together, and give it as Docker would see it."""
    found: dict[str, Any] = yaml.safe_load(ran(go_program("cmd"), path))
    return found


def test_it_is_a_compose_file() -> None:
    """Names and types are those of the specification, and every service stands on something that is there."""
    written = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    assert read(FOLDER / "compose.yaml")["services"].keys() | {"sweep"} == written["services"].keys()


def test_the_reader_would_refuse_another(tmp_path: Path) -> None:
    """A name that the specification does not have is told: the reader is at work."""
    (tmp_path / "compose.yaml").write_text("services: {one: {image: one, healthchek: {}}}\n")
    with pytest.raises(ToolError, match="healthchek"):
        read(tmp_path / "compose.yaml")


def test_prometheus_takes_its_settings(tmp_path: Path) -> None:
    """Settings and the rules that they name, where the container has them."""
    rules = str(ROOT / "deploy" / "prometheus" / "rules")
    written = (FOLDER / "prometheus.yaml").read_text()
    assert "/etc/prometheus/rules" in written
    (tmp_path / "prometheus.yaml").write_text(written.replace("/etc/prometheus/rules", rules))
    assert "rules found" in ran(promtool(), "check", "config", tmp_path / "prometheus.yaml")
