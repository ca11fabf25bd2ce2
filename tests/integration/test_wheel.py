"""The wheel: what a user installs has every file of the two packages, and works without the checkout."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
LEFT_OUT = "schemas/released/"
EVENT = {
    "specversion": "1.0",
    "id": "event-1",
    "type": "txpush.account.modified",
    "source": "urn:txpush:bridge",
    "time": "2026-11-01T03:00:00Z",
    "data": {
        "customer_id": "7000000042",
        "account_id": "5900000001",
        "institution_id": "102105",
        "institution_login_id": "7100000007",
        "aggregation_status_code": 185,
    },
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    """What git knows of `streams` and `schemas` is in it, data files and type markers too, and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "streams", "schemas"],  # noqa: S607 - the git of whoever has a checkout
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    wanted = {name for name in listed.stdout.splitlines() if not name.startswith(LEFT_OUT)}
    assert {"schemas/py.typed", "streams/py.typed", "schemas/catalogue.json", "schemas/policy.toml"} <= wanted
    with zipfile.ZipFile(wheel) as opened:
        assert {name for name in opened.namelist() if ".dist-info/" not in name} == wanted


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked anywhere, it decides on a file of events."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")
    (tmp_path / "events.jsonl").write_text(json.dumps(EVENT) + "\n")
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": ""}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-W", "error", *arguments]
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return ended.stdout

    assert run("-c", "import streams; print(streams.__file__)").startswith(str(tmp_path))
    assert "answer_challenge" in run("-m", "streams.cli", "simulate", "events.jsonl")
