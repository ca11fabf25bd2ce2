"""What is written about metrics names metrics that there are."""

import re
from pathlib import Path

import pytest

from streams.observe import document
from streams.observe.metrics import METRICS
from streams.observe.process import process_registry

ROOT = Path(__file__).parents[3]
DEPLOYED = ("*.md", "*.yaml", "*.yml", "*.json", "*.jsonnet", "*.py", "*.tpl")
"""Of `deploy`: rules, dashboards, runbooks, charts."""
TEXTS = sorted({*(path for kind in DEPLOYED for path in (ROOT / "deploy").rglob(kind)), *ROOT.glob("streams/**/*.md")})
COMPONENTS = {metric.component for metric in METRICS}


def test_the_page_is_the_list() -> None:
    """Every metric is in it; run `python -m streams.observe.document` where it is not as it should be."""
    assert document.PLACE.read_text() == document.page()
    assert document.WHO.keys() == COMPONENTS


def test_what_every_process_shows_is_on_the_page() -> None:
    """Those of the client, by which rules and boards tell processes from each other, and the release."""
    served = {sample.name for family in process_registry().collect() for sample in family.samples}
    assert {name for name in served if f"| `{name}` |" not in document.page()} == set()


@pytest.mark.parametrize("text", [*TEXTS, ROOT / "README.md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_of_the_list(text: Path) -> None:
    """Whatever looks like a metric of ours is one, or with `_*` what several begin with."""
    known = set(document.series())
    named = set(re.findall(rf"\btxpush_(?:{'|'.join(COMPONENTS)})_\w+\*?", text.read_text()))
    begun = {name.removesuffix("*") for name in named if name.endswith("*")}
    assert {name for name in named if not name.endswith("*")} - known == set()
    assert [one for one in begun if not any(name.startswith(one) for name in known)] == []
