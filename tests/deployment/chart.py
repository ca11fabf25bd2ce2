"""The chart as Helm renders it, under each of the values files beside this module."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from schemas.contract.channels import Component
from tests.deployment.tools import ROOT, go_program, ran

CHART = ROOT / "deploy" / "helm" / "txpush"
VALUES = {path.stem: path for path in sorted((Path(__file__).parent / "values").glob("*.yaml"))}
OLDEST, NEWEST = "1.30", "1.37"
"""Versions of Kubernetes: the oldest that the chart names, and the newest whose schemas are there."""
RELEASE = "prod"
JOBS = {Component.AUDITOR, Component.SNAPSHOT, Component.SWEEP}
"""They come and go: nobody asks them anything."""
Document = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod template of a workload with one container."""

    name: str
    kind: str
    labels: dict[str, str]
    spec: Document
    workload: Document

    @property
    def component(self) -> str:
        """Give whose it is."""
        return self.labels["app.kubernetes.io/component"]

    @property
    def container(self) -> Document:
        """Give the container. Raises ValueError where there are others."""
        (one,) = self.spec["containers"]
        found: Document = one
        return found

    @property
    def environment(self) -> dict[str, Any]:
        """Give the values of the variables; None where one comes from elsewhere."""
        return {one["name"]: one.get("value") for one in self.container["env"]}

    def is_selected(self, selector: Document) -> bool:
        """Tell whether the labels of a selector are this pod's."""
        wanted = selector.get("matchLabels", selector)
        return bool(wanted.items() <= self.labels.items())

    def secret_files(self) -> dict[str, tuple[str, str]]:
        """Give each file that comes from a Secret by its path: the Secret's name, and the key in it."""
        mounts = {one["name"]: one["mountPath"] for one in self.container["volumeMounts"]}
        return {
            f"{mounts[volume['name']]}/{item['path']}": (source["secret"]["name"], item["key"])
            for volume in self.spec["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            for item in source["secret"]["items"]
        }


def template(values: Path, *more: str, chart: Path = CHART, version: str = OLDEST) -> str:
    """Have Helm render the chart. Raises ToolError with its words where it refuses."""
    helm = go_program("helm")
    return ran(helm, "template", RELEASE, chart, "--values", values, "--kube-version", f"{version}.0", *more)


@cache
def rendered(values: str) -> tuple[Document, ...]:
    """Give what the chart makes of a values file."""
    return tuple(one for one in yaml.safe_load_all(template(VALUES[values])) if one)


def of_kind(values: str, kind: str) -> list[Document]:
    """Give the documents of a kind."""
    return [one for one in rendered(values) if one["kind"] == kind]


def pods(values: str) -> list[Pod]:
    """Give every pod that the chart asks for."""
    return list(_pods(values))


def _pods(values: str) -> Iterator[Pod]:
    for one in rendered(values):
        spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one.get("spec", {})
        if "template" in spec:
            pod = spec["template"]
            yield Pod(one["metadata"]["name"], one["kind"], pod["metadata"]["labels"], pod["spec"], one)
