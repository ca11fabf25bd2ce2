"""The layers that `make check` holds: no part of `streams` stands outside of them, or is missing from their page."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = {
    path.stem
    for path in (ROOT / "streams").iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
}


def test_every_part_has_its_layer() -> None:
    """A module without one may import whatever it likes."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " ".join(next(one["layers"] for one in contracts if one["type"] == "layers"))
    assert PARTS - set(re.findall(r"streams\.(\w+)", layers)) == set()


def test_the_page_of_the_parts_has_all() -> None:
    """In the order of the layers, and in the table of what each is."""
    page = (ROOT / "streams" / "README.md").read_text()
    (order,) = (line for line in page.splitlines() if line.startswith("    cli ─▶"))
    assert PARTS - set(re.findall(r"\w+", order)) == set()
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert PARTS - set(re.findall(r"`(\w+)(?:/|\.py)`", table)) == set()
