"""The bill of materials names what is deployed: all of it, nothing else, as the lock has it."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.processes import ROOT

PROJECT = "txpush-remediation"
Components = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Components:
    """What `make bom` lists, by name."""
    file = tmp_path_factory.mktemp("bom") / "bom.json"
    subprocess.run(["make", "bom", f"BOM={file}"], cwd=ROOT, check=True, capture_output=True, timeout=60)  # noqa: S607
    bill = json.loads(file.read_bytes())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    return {one["name"]: one for one in bill["components"]}


def test_all_that_is_installed_to_run_is_listed(components: Components) -> None:
    """Whatever the project needs on this machine, and what that needs, down to the last."""
    assert _needed(PROJECT) - components.keys() == set()


def test_each_is_listed_as_locked(components: Components) -> None:
    """Of the version of `uv.lock`, with the hash of every file there; nothing is listed that is for tests alone."""
    locked = {one["name"]: one for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    for name, one in components.items():
        assert one["version"] == locked[name]["version"]
        listed = {file["hashes"][0]["content"] for file in one["externalReferences"]}
        files = [*locked[name].get("wheels", []), *([locked[name]["sdist"]] if "sdist" in locked[name] else [])]
        assert listed == {file["hash"].removeprefix("sha256:") for file in files}
    assert components.keys() & {"pytest", "hypothesis", "mypy", "ruff", "confluent-kafka", PROJECT} == set()


def _needed(name: str) -> set[str]:
    """Follow what distributions say they require, their extras included, on this machine."""
    found: set[str] = set()
    waiting = [Requirement(name)]
    while waiting:
        one = waiting.pop()
        for text in distribution(one.name).requires or ():
            required = Requirement(text)
            wanted = required.marker is None or any(
                required.marker.evaluate({"extra": extra}) for extra in ("", *one.extras)
            )
            plain = re.sub(r"[-_.]+", "-", required.name).lower()
            if wanted and plain not in found:
                found.add(plain)
                waiting.append(required)
    return found
