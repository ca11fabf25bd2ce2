"""The dashboards and the rules as they ship, and their queries as Grafana and Prometheus would ask them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.processes import ROOT

DEPLOY = ROOT / "deploy"
FOLDER = DEPLOY / "grafana" / "dashboards"
RULES = DEPLOY / "prometheus" / "rules"
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@dataclass(frozen=True)
class Asked:
    """A query, where it stands, and what its series are called; a table shows all labels in columns of their own."""

    board: str
    panel: str
    expr: str
    legend: str
    in_table: bool


def boards() -> dict[str, dict[str, Any]]:
    """Give every dashboard, by its file's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what a dashboard shows, row after row, folded ones too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", ())
        else:
            yield panel


def queries() -> list[Asked]:
    """Give all that dashboards ask."""
    return [
        Asked(name, panel["title"], one["expr"], one["legendFormat"], one["format"] == "table")
        for name, board in boards().items()
        for panel in panels(board)
        for one in panel["targets"]
    ]


def rules() -> list[dict[str, Any]]:
    """Give all rules, of files in the order of their names."""
    documents = [yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yaml"))]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def of_all(board: Mapping[str, Any]) -> dict[str, str]:
    """Give what stands for each variable of a dashboard while everything is chosen."""
    listed = board["templating"]["list"]
    return {one["name"]: one["allValue"] for one in listed if one["type"] == "query"}


def built_in(step: int, scrape: int, shown: int) -> dict[str, str]:
    """Give what Grafana says of a graph: seconds from point to point, from scrape to scrape, and on the whole."""
    rate = max(step + scrape, 4 * scrape)
    return {"__rate_interval": f"{rate}s", "__interval": f"{step}s", "__range": f"{shown}s"}


def filled(expr: str, variables: Mapping[str, str]) -> str:
    """Put values in place of variables, as Grafana does: those of all, as they are; fails for one that nobody knows."""
    return _VARIABLE.sub(lambda found: variables[found[1] or found[2]], expr)
