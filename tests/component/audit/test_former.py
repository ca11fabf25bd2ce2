"""Names that logs had before they were restored: typed, or taken from the file that the import has left."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from streams.history.origins import FORMER

CHAINS = {"aggregation.events": "old_1/Topic-a", "institution.signals": "old_1/Topic-b"}


def told(*words: str | Path) -> Result:
    """Run a command that takes the option."""

    @click.command()
    @FORMER
    def command(former: tuple[str, ...]) -> None:
        click.echo(" ".join(former))

    return CliRunner().invoke(command, [word for one in words for word in ("--former", str(one))])


def test_the_file_of_an_import_names_them(tmp_path: Path) -> None:
    """All that it has, beside those that are typed, each once."""
    restored = tmp_path / "restored.json"
    restored.write_text(json.dumps({"restored_at": "2026-11-28T00:00:00Z", "chains": CHAINS, "logs": {}}))
    assert told(restored, "older/Topic-c", "old_1/Topic-a").output.split() == [*CHAINS.values(), "older/Topic-c"]
    assert told().output.split() == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("{", "is no restored.json of an import"),
        ("{}", "is no restored.json of an import"),
        ('{"chains": {"x": "y"}}', "'y' is no name of a log: give the restored.json of the import"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, written: str | None, why: str) -> None:
    """In words, with 2: a name that is none would have every chain told as rewritten."""
    restored = tmp_path / "restored.json"
    if written is not None:
        restored.write_text(written)
    result = told(restored)
    assert (result.exit_code, why in " ".join(result.output.split())) == (2, True)


@pytest.mark.parametrize("name", ["cluster", "cluster/", "a/b/c", "a b/c", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    """It has the ids of a cluster and of a topic."""
    result = told(name)
    assert (result.exit_code, "is no name of a log" in " ".join(result.output.split())) == (2, True)
