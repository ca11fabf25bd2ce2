"""`python -m tests.fuzz.run`: fuzzes the decoders one after the other, and tells what came of it."""

import importlib.util
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click

from tests.fuzz.decoder import ROOT
from tests.fuzz.decoders import DECODERS
from tests.fuzz.standins import FOLDER_VARIABLE, scratch

FOLDER = Path("build/fuzz")
SPARE_SECONDS = 600
EXIT_FOUND, EXIT_NOTHING = 1, 2


@dataclass
class Result:
    """What came of one decoder."""

    name: str
    executions: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def fuzz(name: str, seconds: int, folder: Path) -> Result:
    """Fuzz a decoder in a process of its own."""
    told = folder / f"{name}.json"
    told.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.engine", name, str(seconds), str(folder)]
    with (folder / f"{name}.log").open("wb") as log, scratch() as place:
        surroundings = os.environ | {FOLDER_VARIABLE: place}
        try:
            code = subprocess.run(
                command, stderr=log, cwd=ROOT, env=surroundings, timeout=seconds + SPARE_SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    result = Result(name, **json.loads(told.read_text())) if told.exists() else Result(name)
    if code != 0:
        result.failures[f"the fuzzer ended with {code}"] = str(folder / f"{name}.log")
    return result


def run_again(file: Path) -> int:
    """Run an input that failed once more, with its trace."""
    decoder = DECODERS[file.name.partition("-")[0]]
    try:
        click.echo(decoder.run(file.read_bytes()))
    except Exception:  # noqa: BLE001 - shown whole: it is what is looked for
        click.echo(traceback.format_exc())
        return EXIT_FOUND
    return 0


def tell(results: Iterable[Result]) -> None:
    """Print a line a decoder, and each failure with how to see it again."""
    for one in results:
        click.echo(f"{one.name:14}{one.executions:>12,}{len(one.outcomes):>10}{len(one.failures):>10}")
        for what, file in one.failures.items():
            again = f"see {file}" if file.endswith(".log") else f"python -m tests.fuzz.run --again {file}"
            click.echo(f"  {what}: {again}")


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="For all decoders together.")
@click.option("--decoder", "names", multiple=True, type=click.Choice(list(DECODERS)), help="Only this one; repeatable.")
@click.option("--folder", default=FOLDER, show_default=True, type=Path, help="Corpus, failures and logs.")
@click.option("--again", "file", type=click.Path(exists=True, path_type=Path), help="Run a failing input once more.")
def main(minutes: float, names: tuple[str, ...], folder: Path, file: Path | None) -> None:
    """Fuzz every decoder, each for its share of the time; exits 1 where something was found.

    A second run goes on from the corpus of the first.
    """
    if file is not None:
        sys.exit(run_again(file))
    if importlib.util.find_spec("atheris") is None:
        click.echo("atheris is not installed: `make fuzz` installs it, or `uv sync --group fuzz`", err=True)
        sys.exit(EXIT_NOTHING)
    chosen = names or tuple(DECODERS)
    seconds = max(1, round(minutes * 60 / len(chosen)))
    click.echo(f"{'decoder':14}{'executions':>12}{'outcomes':>10}{'failures':>10}")
    results = []
    for name in chosen:
        results.append(fuzz(name, seconds, folder))
        tell(results[-1:])
    click.echo(f"{'all':14}{sum(one.executions for one in results):>12,}   in {seconds * len(chosen) / 60:g} minutes")
    sys.exit(EXIT_FOUND if any(one.failures for one in results) else 0)


if __name__ == "__main__":
    main()
