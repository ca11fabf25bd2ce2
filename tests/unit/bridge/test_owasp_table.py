"""The README's table of OWASP's list and the tests of the module name the same rows."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
README = ROOT / "streams" / "bridge" / "README.md"
HOSTILE = ROOT / "tests" / "integration" / "bridge" / "hostile"


def rows() -> list[tuple[str, str]]:
    """Give name and test of each row."""
    table = README.read_text().partition("## OWASP's list")[2].partition("## ")[0]
    found = re.findall(r"^\| (.+?) \| .+ \| (.+?) \|$", table, re.MULTILINE)
    return [row for row in found if row not in {("row", "test"), ("---", "---")}]


def named_in(file: Path) -> set[str]:
    """Give the names of the tests of a module."""
    return set(re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE))


def test_every_row_has_a_test_that_is_there() -> None:
    """Each names one of the module's, another module whole, or a test of another module; none comes twice."""
    named = [name for _, cell in rows() for name in re.findall(r"`(test_\w+)(?:`|\b)(?!\.py)", cell)]
    files = {name for _, cell in rows() for name in re.findall(r"`(test_\w+\.py)`", cell)}
    there = set[str]().union(*(named_in(HOSTILE / name) for name in ("test_owasp_webhook.py", *files)))
    assert len({name for name, _ in rows()}) == len(rows()) > 20
    assert [cell for _, cell in rows() if "test_" not in cell] == []
    assert set(named) - there == set()


def test_every_test_is_a_row() -> None:
    """Of the module that is named for the list."""
    cells = " ".join(cell for _, cell in rows())
    assert {name for name in named_in(HOSTILE / "test_owasp_webhook.py") if f"`{name}`" not in cells} == set()
