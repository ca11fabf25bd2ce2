"""The command line: what it lists, what it loads, and how it ends when it cannot start."""

import pytest
from click.testing import CliRunner

from streams import cli
from streams.settings import SettingsError


def test_help_lists_every_command_with_examples() -> None:
    """Each command has its line, and the examples can be typed as they are."""
    listed = CliRunner().invoke(cli.txpush, ["--help"]).output
    for name, (_, text) in cli.COMMANDS.items():
        assert f"  {name} " in listed
        assert text in listed
    assert "txpush topics apply" in listed


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_help(name: str) -> None:
    """Each listed command can be loaded under its name and says what it is for, with examples."""
    done = CliRunner().invoke(cli.txpush, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f"Usage: txpush {name}" in done.output
    assert "Examples:" in done.output


def test_an_unknown_command_is_refused() -> None:
    """A command that does not exist ends with 2."""
    done = CliRunner().invoke(cli.txpush, ["topic"])
    assert done.exit_code == 2
    assert "No such command 'topic'" in done.output


def test_settings_that_cannot_be_used_end_with_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The problems go to stderr, without a trace, and the exit code is 2."""

    def refuse() -> None:
        raise SettingsError("TXPUSH_PARTITIONS: no\nTXPUSH_BOOTSTRAP: neither")

    monkeypatch.setattr(cli, "txpush", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "TXPUSH_PARTITIONS: no\nTXPUSH_BOOTSTRAP: neither\n"
