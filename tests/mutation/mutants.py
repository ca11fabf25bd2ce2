"""The mutants of `streams/domain`: their names, a seeded sample of them, and what came of each."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

CORE = Path("streams/domain")
KILLED, TIMED_OUT = (1, 3), (36, -24, 24, 152, 255, -9)
"""Exit codes of a mutant's process: a test failed, or the mutant ran on and on."""


@dataclass(frozen=True)
class Mutant:
    """A change to one function: its lines that go and those that come, as in a diff."""

    name: str
    change: str
    exit_code: int

    @property
    def module(self) -> str:
        """The module below `streams.domain`."""
        return self.name.partition("__mutmut_")[0].rpartition(".")[0].removeprefix("streams.domain.")

    @property
    def function(self) -> str:
        """The function with its module and, of a method, its class."""
        module, _, mangled = self.name.partition("__mutmut_")[0].rpartition(".")
        return f"{module}.{mangled.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"

    @property
    def is_killed(self) -> bool:
        """Whether the tests tell it from the code."""
        return self.exit_code in (*KILLED, *TIMED_OUT)

    @property
    def key(self) -> str:
        """What names it in the list of survivors, whatever its number."""
        return f"{self.function}: {self.change}"


def modules(folder: Path) -> Iterator[Path]:
    """Give the modules of the core in a copy of the project."""
    return (path.relative_to(folder) for path in sorted((folder / CORE).rglob("*.py")))


def chosen(names: Sequence[str], count: int | None, seed: int) -> list[str]:
    """Give as many of a module's mutants as asked for, always the same ones; all without a count."""
    if count is None or count >= len(names):
        return list(names)
    return sorted(Random(f"{seed}/{names[0].rpartition('.')[0]}").sample(names, count))  # noqa: S311 - a sample


def change(diff: str) -> str:
    """Shorten a diff to its changed lines."""
    lines = [line for line in diff.splitlines() if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    return " ".join(f"{line[0]} {line[1:].strip()}" for line in lines)


def exit_codes(folder: Path, module: Path) -> dict[str, int]:
    """Read what came of the mutants of a module that were run."""
    path = folder / "mutants" / f"{module}.meta"
    meta = json.loads(path.read_text()) if path.exists() else {"exit_code_by_key": {}}
    return {name: code for name, code in meta["exit_code_by_key"].items() if code is not None}
