"""Runs mutation tests of `streams/domain` in a copy of the checkout, on a sample of the mutants or on all.

python -m tests.mutation.run [--sample N|all] [--only PATTERN] [--resume]
"""

import argparse
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import click

from tests.mutation.mutants import Mutant, change, chosen, exit_codes, modules
from tests.mutation.report import report
from tests.mutation.survivors import known

ROOT = Path(__file__).parents[2]
COPY = ROOT / "build" / "mutation"
"""An ignored folder: nothing is changed where the work is done."""
COPIED = ("streams", "schemas", "tests", "pyproject.toml")
SAMPLE, SEED = "20", 1
CONFIG = """
[tool.mutmut]
source_paths = ["streams", "schemas"]
only_mutate = ["streams/domain/*"]
timeout_multiplier = 10.0
use_setproctitle = false
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "tests.mutation.mutmut_items", "--timeout=30"]
pytest_add_cli_args_test_selection = [
  "tests/unit/domain", "tests/scenarios/test_rules.py::test_scenario", "tests/mutation/oracle_seeds.py",
]
"""
MUTMUT = """
import sys
from mutmut.__main__ import cli
cli(["run", "--max-children", sys.argv[1], *sys.stdin.read().split()])
"""
"""Takes the names of the mutants from its input: thousands are too many for a command line."""


def main() -> int:
    """Copy, mutate, run, report; 1 if less than the wanted share is killed or a survivor is without a reason."""
    asked = _arguments()
    if not asked.resume:
        _copy()
    os.chdir(COPY)  # mutmut works where it stands
    names = _names(asked.only)
    wanted = {one for some in names.values() for one in chosen(some, asked.sample, asked.seed)}
    left = wanted - {name for path in modules(COPY) for name in exit_codes(COPY, path)}
    sizes = {module: len(some) for module, some in names.items()}
    click.echo(f"{len(wanted)} of {sum(sizes.values())} mutants with seed {asked.seed}, {len(left)} to run")
    if left and (code := _run(sorted(left), asked.processes)):
        click.echo(f"mutmut ended with {code}: see {COPY / 'mutmut.log'}; --resume goes on from there")
        return 2
    lines, is_enough = report((one for one in _results() if one.name in wanted), sizes, known())
    click.echo("\n".join(lines))
    return int(not is_enough)


def _run(names: list[str], processes: int) -> int:
    command = [sys.executable, "-c", MUTMUT, str(processes)]
    with Path("mutmut.log").open("w") as log:
        given = "\n".join(names)
        ended = subprocess.run(command, input=given, text=True, stdout=log, stderr=subprocess.STDOUT, check=False)
    return ended.returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", default=SAMPLE, type=_count, help="mutants of each module, or all")
    parser.add_argument("--seed", default=SEED, type=int)
    parser.add_argument("--only", default="*", help="a pattern of modules, such as cases.*")
    parser.add_argument("--resume", action="store_true", help="run what a run that was stopped has left")
    parser.add_argument("--processes", default=1, type=int)
    return parser.parse_args()


def _count(text: str) -> int | None:
    return None if text == "all" else int(text)


def _copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (COPY / name).write_text((ROOT / name).read_text() + CONFIG)


def _names(only: str) -> dict[str, list[str]]:
    """Give the names of the mutants by module."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415 - it reads where it stands
    from mutmut.utils.format_utils import get_mutant_name  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for path in modules(COPY):
        mutated = mutate_file_contents(str(path), path.read_text())
        names = [get_mutant_name(path, name) for name in mutated.mutant_names]
        if names and fnmatch(module := Mutant(names[0], "", 0).module, only):
            found[module] = names
    return found


def _results() -> list[Mutant]:
    from mutmut.__main__ import get_diff_for_mutant  # noqa: PLC0415 - it reads where it stands

    return [
        Mutant(name, change(get_diff_for_mutant(name, path=path)), code)
        for path in modules(COPY)
        for name, code in exit_codes(COPY, path).items()
    ]


if __name__ == "__main__":
    sys.exit(main())
