"""The image: a base by version, nothing but locked packages, nobody's root, and the admin port that probes ask."""

import re
from pathlib import Path

from streams.settings import Settings

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
SET = dict(re.findall(r"TXPUSH_(\w+)=(\S+)", DOCKERFILE))
MAKEFILE = (ROOT / "Makefile").read_text()


def test_it_sets_what_is_a_setting() -> None:
    """Every variable is one that the settings know, and has a value that they take."""
    names = {name.lower() for name in SET}
    assert names <= Settings.model_fields.keys()
    read = Settings(**{name.lower(): value for name, value in SET.items()})
    assert {name: str(getattr(read, name)) for name in names} == {name.lower(): value for name, value in SET.items()}


def test_the_ports_are_those_of_the_settings() -> None:
    """What is told of as listening is where the processes listen by default, and the admin port."""
    (exposed,) = re.findall(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    defaults = (Settings.model_fields[name].default for name in ("bridge_port", "executor_port"))
    assert exposed.split() == [*map(str, defaults), SET["ADMIN_PORT"]]


def test_the_health_check_asks_the_admin_port() -> None:
    """The address is the liveness address of every process, on the port that the environment names."""
    (check,) = re.findall(r"^HEALTHCHECK .*\n.*$", DOCKERFILE, re.MULTILINE)
    assert "os.environ['TXPUSH_ADMIN_PORT']}/healthz" in check


def test_nobody_is_root() -> None:
    """The last word on the user is a number, which a cluster can check, and is not 0."""
    user = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert "0" not in user


def test_the_base_has_a_version_and_room_for_a_digest() -> None:
    """Never `latest`; both stages stand on the same base, of the Python that the project is tested with."""
    (base,) = re.findall(r"^ARG BASE=\S+/python:(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"\d+\.\d+\.\d+-slim-\w+", base)
    assert base.startswith((ROOT / ".python-version").read_text().strip() + ".")
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}${BASE_DIGEST:+@${BASE_DIGEST}}"] * 2


def test_packages_are_the_locks() -> None:
    """Each is held to its hash."""
    assert "uv export --quiet --frozen" in DOCKERFILE
    assert len(re.findall(r"pip install .*--require-hashes", DOCKERFILE)) == len(
        re.findall("-requirement ", DOCKERFILE)
    )


def test_what_builds_is_what_the_project_names() -> None:
    """The installer that made the lock and the builder of the project, each file of them and theirs with a hash."""
    written = (ROOT / "deploy" / "docker" / "build-requirements.txt").read_text()
    pinned = dict(re.findall(r"^(\S+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", written, re.MULTILINE))
    assert len(pinned) == len(re.findall(r"^\S+==", written, re.MULTILINE))
    assert re.findall(r"UV_VERSION := ([\d.]+)", MAKEFILE) == [pinned["uv"]]
    assert f'requires = ["hatchling=={pinned["hatchling"]}"]' in (ROOT / "pyproject.toml").read_text()
    assert f"hatchling {pinned['hatchling']} uv {pinned['uv']}" in written


def test_only_what_is_copied_gets_out_of_the_checkout() -> None:
    """No secret, setting or state that lies in a checkout reaches whoever builds the image."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert let_in == {source for sources in copied for source in sources.split()}
    assert all((ROOT / source).exists() for source in let_in)
    assert "deploy/compose/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_byte_code_names_no_time() -> None:
    """All of it is made at the end, over what an import may have left: two builds are the same bytes."""
    assert "compileall -q -f --invalidation-mode unchecked-hash" in DOCKERFILE


def test_what_is_left_out_is_for_the_embedded_kafka_alone() -> None:
    """No module outside `streams/kafka/embedded` imports a package that the image does not have."""
    left_out = re.findall(r"--no-emit-package (\w+)", DOCKERFILE)
    imports = re.compile(rf"^\s*(?:import|from) (?:{'|'.join(left_out)})\b", re.MULTILINE)
    users = {path.parent for path in (ROOT / "streams").rglob("*.py") if imports.search(path.read_text())}
    assert users == {ROOT / "streams" / "kafka" / "embedded"}


def test_the_version_is_the_projects() -> None:
    """The label, the chart and the image that it asks for by default are of the release."""
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    chart = (ROOT / "deploy" / "helm" / "txpush" / "Chart.yaml").read_text()
    assert f"ARG VERSION={version}\n" in DOCKERFILE
    assert f"\nversion: {version}\n" in chart
    assert f'\nappVersion: "{version}"\n' in chart
