"""Rules of Prometheus against the list of metrics, the runbooks and their tests, which `make rules` runs."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.observe.document import series
from streams.observe.metrics import METRICS
from tests.dashboards import DEPLOY, rules
from tests.processes import ROOT

RUNBOOKS = DEPLOY / "runbooks"
STANDARD = {"up", "process_start_time_seconds"}
"""What Prometheus itself, or its client, gives every process."""
PAGES = [
    ROOT / "README.md",
    *(page for top in ("deploy", "schemas", "streams", "tests") for page in (ROOT / top).rglob("*.md")),
]
NO_METRICS = {"txpush_signature", "txpush_verification_code"}
"""A function of ours and a parameter of the vendor's."""
SEVERITIES = {"page", "ticket", "info"}
NAME = re.compile(r"\b(?:txpush(?:_[a-z0-9]+)+|process_[a-z_]+|up)\b(?=[{\[\s)]|$)")


RULES = rules()
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
TESTED = [yaml.safe_load(path.read_text()) for path in (DEPLOY / "prometheus" / "tests").glob("*.yaml")]
CASES = [case for document in TESTED for test in document["tests"] for case in test["alert_rule_test"]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_what_there_is(rule: dict[str, Any]) -> None:
    """Metrics of the list, standard ones, or what other rules record: a typo would be silence."""
    names = set(NAME.findall(rule["expr"]))
    recorded = set(re.findall(r"txpush:[a-z0-9_:]+", rule["expr"]))
    assert names or recorded
    assert names <= {*series(), *STANDARD}
    assert recorded <= RECORDED


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_is_wrong(name: str) -> None:
    """How urgent it is, a sentence for whom, and a page of what to do."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["annotations"]["summary"].endswith((".", "!"))
    page = RUNBOOKS / f"{name}.md"
    assert alert["annotations"]["runbook_url"] == str(page.relative_to(DEPLOY.parent))
    text = page.read_text()
    assert all(part in text for part in (f"# {name}", "**For whom.**", "**Look at**", "**Do**"))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_and_stays_silent(name: str) -> None:
    """Each has a case of either kind."""
    fires = [bool(case["exp_alerts"]) for case in CASES if case["alertname"] == name]
    assert set(fires) == {True, False}


def test_no_page_and_no_case_is_left_over() -> None:
    """Of alerts that there are no more."""
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == ALERTS.keys()
    assert {case["alertname"] for case in CASES} == ALERTS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_what_there_is(page: Path) -> None:
    """Metrics in documents are those of the list."""
    named = set(re.findall(r"`((?:txpush|process)_[a-z0-9_]+)[`{]", page.read_text()))
    of_any_process = ("process_", "txpush_build_info")
    assert {name for name in named if not name.startswith(of_any_process)} <= {*series(), *NO_METRICS}


def test_labels_that_rules_choose_are_there() -> None:
    """A value that nobody counts would be silence as well."""
    known = {(metric.name, label.name): set(label.values) for metric in METRICS for label in metric.labels}
    chosen = re.compile(r"(txpush_[a-z0-9_]+)\{([^}]*)\}")
    found = 0
    for name, labels in chain.from_iterable(chosen.findall(rule["expr"]) for rule in RULES):
        for label, values in re.findall(r'([a-z]+)!?=~?"([^"]*)"', labels):
            if known.get((name, label)):
                found += 1
                assert set(values.split("|")) <= known[name, label], (name, label)
    assert found
