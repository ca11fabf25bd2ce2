"""The runbooks: under `Look at` queries that Prometheus takes, of what there is, under `Do` a command to run."""

import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser as promql
import pytest

from tests.command_lines import fault, named
from tests.dashboards import DEPLOY
from tests.promql import groupings, labels_of, selectors
from tests.unit.observe.test_dashboards import KNOWN, VALUES

PAGES = sorted((DEPLOY / "runbooks").glob("Txpush*.md"))
NOTHING_TO_RUN = {
    "TxpushIncidentOpen": "it ends by itself",
    "TxpushNotAcceptedSlowly": "what it comes with is elsewhere",
    "TxpushTimersFail": "another release is what helps",
}
"""Alerts where no command of ours helps, and why."""
MENTIONED = re.compile(r"`([^`]+)`")
ASKS = re.compile(r"(?:\btxpush[_:]\w|\bup\{|\bprocess_[a-z_]+).*[({\[><=]|[({\[].*\btxpush[_:]\w", re.DOTALL)
"""What is no bare name, and names a metric: a query."""


def section(page: Path, name: str) -> str:
    """Give what stands under one of the headings."""
    return page.read_text().partition(f"**{name}**\n")[2].partition("\n**")[0]


def queries(page: Path) -> list[str]:
    return [one for one in MENTIONED.findall(page.read_text()) if ASKS.search(one)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_to_ask_and_what_to_run(page: Path) -> None:
    """Whoever is woken up pastes a query, and then a command."""
    assert [one for one in MENTIONED.findall(section(page, "Look at")) if ASKS.search(one)] != []
    commands = named(section(page, "Do"))
    assert bool(commands) == (page.stem not in NOTHING_TO_RUN)
    assert [(line, why) for line in commands if "--by" in line and (why := fault(line, is_whole=True))] == []


def unknown(query: promql.Expr) -> Iterator[str]:
    """Give the metrics, labels and values of a query that there are not."""
    for one in selectors(query):
        if one.name not in KNOWN:
            yield f"metric {one.name}"
            continue
        for matcher in one.matchers.matchers:
            known = VALUES.get((one.name, matcher.name))
            if matcher.name not in KNOWN[one.name]:
                yield f"label {matcher.name} of {one.name}"
            elif known and not set(matcher.value.split("|")) <= known:
                yield f"{matcher.value} of {one.name}"
    yield from _grouped_by_what_is_not_there(query)


def _grouped_by_what_is_not_there(query: promql.Expr) -> Iterator[str]:
    for labels, grouped in groupings(query):
        if all(one.name in KNOWN for one in selectors(grouped)) and not labels <= labels_of(grouped, KNOWN):
            yield f"by {sorted(labels - labels_of(grouped, KNOWN))}"


@pytest.mark.parametrize(("page", "asked"), [(page.stem, one) for page in PAGES for one in queries(page)])
def test_a_query_asks_for_what_there_is(page: str, asked: str) -> None:
    """Prometheus takes it, and its metrics, labels and values are those of the list."""
    assert list(unknown(promql.parse(asked))) == [], page


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("txpush_agent_lag > 1", "metric txpush_agent_lag"),
        ('up{colour="red"} == 0', "label colour of up"),
        ('rate(txpush_vendor_calls_total{outcome="odd"}[5m])', "odd of txpush_vendor_calls_total"),
        ("sum by (reason) (rate(txpush_vendor_calls_total[5m]))", "by ['reason']"),
    ],
)
def test_a_query_for_what_there_is_not_is_found(asked: str, told: str) -> None:
    """Each kind of slip: it would be silence."""
    assert ASKS.search(asked)
    assert list(unknown(promql.parse(asked))) == [told]
