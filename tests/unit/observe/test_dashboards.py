"""Dashboards against the list of metrics, the rules, the runbooks and Grafana's own types."""

import json
import re
from itertools import chain, groupby, pairwise
from typing import Any

import promql_parser as promql
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.boards.on_call import BURN, OBJECTIVES
from deploy.grafana.boards.queries import of, per_second
from deploy.grafana.generate import pages
from streams.observe import metrics
from streams.observe.document import series
from streams.observe.metrics import METRICS
from tests.dashboards import DEPLOY, FOLDER, Asked, boards, built_in, filled, of_all, panels, queries, rules
from tests.promql import groupings, labels_of, selectors

BOARDS = boards()
QUERIES = {name: list(asked) for name, asked in groupby(queries(), key=lambda asked: asked.board)}
RULES = rules()
ALERTS = [rule["alert"] for rule in RULES if "alert" in rule]
FULL_WIDTH, MOST_PANELS = 24, 26
WINDOWS = {"15m", "1h", "6h", "1d", "$__range"}
PART = "_(bucket|sum|count)$"
SCRAPED = frozenset({"job", "instance"})
"""Labels that Prometheus gives every series that it scrapes."""
UNITS = {value for value in vars(units).values() if isinstance(value, str)} | {BURN}
FILES = DEPLOY / "runbooks"


def names_of(query: promql.Expr) -> set[str]:
    """Give the metrics that a query names."""
    return {one.name or "" for one in selectors(query)}


def known_labels() -> dict[str, frozenset[str]]:
    """Give the labels of every series that there is."""
    labels = {metric.name: frozenset(label.name for label in metric.labels) for metric in METRICS}
    parts = {name: labels[re.sub(PART, "", name)] for name in series() if name not in labels}
    buckets = {name: found | ({"le"} if name.endswith("_bucket") else set()) for name, found in parts.items()}
    processes = ("up", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total")
    scraped = {**labels, **buckets, **dict.fromkeys(processes, frozenset[str]())}
    recorded = {rule["record"]: frozenset[str]() for rule in RULES if "record" in rule}
    told = {"ALERTS": frozenset({"alertname", "alertstate", "severity"})}
    return {**{name: found | SCRAPED for name, found in scraped.items()}, **recorded, **told}


KNOWN = known_labels()
VALUES = {(metric.name, label.name): set(label.values) for metric in METRICS for label in metric.labels}


def parsed(asked: Asked) -> Any:  # noqa: ANN401 - one of the parser's many kinds
    """Read a query as Prometheus gets it."""
    variables = of_all(BOARDS[asked.board])
    return promql.parse(filled(asked.expr, {**variables, **built_in(15, 15, 3600)}))


def test_dashboards_are_those_of_the_boards() -> None:
    """Written again they are the same bytes, and none is left over."""
    assert pages() == {path: path.read_text("utf-8") for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_reads_all_of_a_dashboard(name: str) -> None:
    """Its own types keep every field: none is unknown or misplaced."""
    register_default_plugins()
    read = Dashboard.from_json(BOARDS[name])
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == BOARDS[name]
    assert read.uid == name


@pytest.mark.parametrize("name", BOARDS)
def test_queries_name_what_there_is(name: str) -> None:
    """Metrics, labels and values of the list, or what rules record: a typo would be an empty panel."""
    for asked in QUERIES[name]:
        query = parsed(asked)
        assert names_of(query) <= KNOWN.keys(), asked
        for selector in selectors(query):
            metric = selector.name or ""
            for matcher in selector.matchers.matchers:
                assert matcher.name in KNOWN[metric], asked
                values = VALUES.get((re.sub(PART, "", metric), matcher.name))
                assert not values or set(matcher.value.split("|")) <= values, asked
        for labels, grouped in groupings(query):
            assert labels <= labels_of(grouped, KNOWN), asked


@pytest.mark.parametrize("wanted", [{"result": "stored"}, {"outcome": "stored|stord"}])
def test_a_query_of_what_nobody_exports_is_not_made(wanted: dict[str, str]) -> None:
    """A label or a value that the list does not have; the error says what there is."""
    with pytest.raises(ValueError, match=r"txpush_bridge_requests_total.*take"):
        of(metrics.BRIDGE_REQUESTS, **wanted)
    with pytest.raises(ValueError, match="no label result"):
        per_second(metrics.BRIDGE_REQUESTS, "result")


@pytest.mark.parametrize("name", BOARDS)
def test_legends_name_the_labels_of_the_answer(name: str) -> None:
    """All of them, and no others: two series would have one name, or a name a hole."""
    for asked in QUERIES[name]:
        assert asked.legend, asked
        named = set(re.findall(r"{{(\w+)}}", asked.legend))
        assert named == labels_of(parsed(asked), KNOWN) or asked.in_table, asked


@pytest.mark.parametrize("name", BOARDS)
def test_rates_and_ages(name: str) -> None:
    """A rate is as fine as the graph; a moment shows as its age; what is rare is counted within a window."""
    for asked in QUERIES[name]:
        assert set(re.findall(r"\bi?rate\([^[]*\[([^]]*)\]", asked.expr)) <= {"$__rate_interval"}, asked
        assert set(re.findall(r"\bincrease\([^[]*\[([^]]*)\]", asked.expr)) <= WINDOWS, asked
        assert "_timestamp_seconds" not in asked.expr or asked.expr.startswith("time() - "), asked


@pytest.mark.parametrize("name", BOARDS)
def test_panels_say_what_is_seen_and_what_is_normal(name: str) -> None:
    """Title, meaning, what is normal, unit, limits, words for nothing; from whichever Prometheus is chosen."""
    for panel in panels(BOARDS[name]):
        what, _, normal = panel["description"].partition("\n\n**Normal:** ")
        assert panel["title"]
        assert (what[-1:], normal[-1:]) == (".", "."), panel["title"]
        shown = panel["fieldConfig"]["defaults"]
        assert shown["unit"] in UNITS, panel["title"]
        assert shown["thresholds"]["steps"][0]["value"] is None, panel["title"]
        assert shown["noValue"], panel["title"]
        assert panel["targets"], panel["title"]
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lead_to_pages_that_there_are(name: str) -> None:
    """Runbooks of alerts, at the place that the reader has chosen."""
    for panel in panels(BOARDS[name]):
        led_to = {link["url"] for link in panel["links"]}
        assert led_to <= {f"${{runbooks:raw}}/{alert}.md" for alert in ALERTS}, panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_rows_are_filled(name: str) -> None:
    """Panels stand side by side over the full width, none over another, and few enough to be read."""
    placed = [panel["gridPos"] for panel in BOARDS[name]["panels"]]
    for _, beside in groupby(placed, key=lambda place: place["y"]):
        line = list(beside)
        assert [one["x"] for one in line] == [sum(other["w"] for other in line[:at]) for at in range(len(line))]
        assert sum(one["w"] for one in line) == FULL_WIDTH
        assert len({one["h"] for one in line}) == 1
    ends = [(one["y"], one["y"] + one["h"]) for one in placed]
    assert all(following[0] in {before[0], before[1]} for before, following in pairwise(ends))
    assert sum(panel["type"] != "row" for panel in BOARDS[name]["panels"]) <= MOST_PANELS
    numbers = [panel["id"] for panel in (*BOARDS[name]["panels"], *panels(BOARDS[name]))]
    assert len(set(numbers)) == len({id(panel) for panel in (*BOARDS[name]["panels"], *panels(BOARDS[name]))})


@pytest.mark.parametrize("name", BOARDS)
def test_what_a_reader_can_choose(name: str) -> None:
    """The Prometheus, components, processes, and where the runbooks are."""
    chosen = [one["name"] for one in BOARDS[name]["templating"]["list"]]
    assert {*chosen} - {"partition"} == {"datasource", "job", "instance", "runbooks"}
    assert ("partition" in chosen) is any("$partition" in asked.expr for asked in QUERIES[name])


def test_the_canary_comes_first() -> None:
    """Its age is the first thing that somebody sees who was woken, and what the first alert of symptoms is about."""
    first = next(panels(BOARDS["txpush-on-call"]))
    assert "txpush_canary_last_success_timestamp_seconds" in first["targets"][0]["expr"]
    assert next(rule["alert"] for rule in RULES if "objective" not in rule.get("labels", ()) and "alert" in rule) == (
        "TxpushCanaryOld"
    )
    assert re.findall(r"\| \[(\w+)\]", (FILES / "README.md").read_text())[0] == "TxpushCanaryOld"


def test_every_alert_has_a_panel() -> None:
    """On the board for those on call, one or more lead to its page."""
    links = [link["title"] for panel in panels(BOARDS["txpush-on-call"]) for link in panel["links"]]
    assert {*links} == {*ALERTS}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_budgets_are_those_of_the_alerts(objective: str) -> None:
    """What burns at 1 on the board burns at 1 in the rules."""
    spent = {
        float(allowed)
        for rule in RULES
        if rule.get("labels", {}).get("objective") == objective
        for allowed in re.findall(r"> [\d.]+ \* ([\d.]+)", rule["expr"])
    }
    assert spent == {OBJECTIVES[objective]}


def to_watch() -> str:
    """Give the tables of golden signals and of stages."""
    text = (DEPLOY / "README.md").read_text().partition("## What to watch")[2].partition("\n## ")[0]
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


def test_what_is_to_be_watched_is_on_a_board() -> None:
    """Every metric of the tables."""
    named = set(re.findall(r"`((?:txpush|process)_[a-z0-9_]+)`", to_watch()))
    shown = set().union(*(names_of(parsed(asked)) for asked in chain.from_iterable(QUERIES.values())))
    assert named
    assert named <= {re.sub("_bucket$", "", name) for name in shown}


def test_panels_of_the_tables_are_there() -> None:
    """Each has the title, and is on the dashboard, that the table says."""
    told = re.findall(r'(on call|flow|business|vendor) "([^"]+)"', to_watch())
    assert told
    titles = {name: {panel["title"] for panel in panels(board)} for name, board in BOARDS.items()}
    assert [one for one in told if one[1] not in titles[f"txpush-{one[0].replace(' ', '-')}"]] == []
