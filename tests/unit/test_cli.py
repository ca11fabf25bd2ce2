"""The command line: what it lists, what it loads, and how it ends when it cannot start."""

import click
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["expalin", "7"], "No such command 'expalin'. Did you mean 'explain'?"),
        (["dead-leter"], "No such command 'dead-leter'. Did you mean 'dead-letter'?"),
        (["override", "silense"], "No such command 'silense'. Did you mean 'silence'?"),
        (["dead-letter", "retyr"], "Did you mean 'retry'?"),
        (["policy", "activat"], "Did you mean 'activate'?"),
        (["topics", "aply"], "Did you mean 'apply'?"),
        (["audit", "verfiy"], "Did you mean 'verify'?"),
        (["vendor", "shwo"], "Did you mean 'show'?"),
        (["explain", "7", "--acount", "5"], "No such option: --acount (Possible options: --account, --at)"),
    ],
)
def test_a_slip_of_the_pen_is_told_what_may_be_meant(words: list[str], told: str) -> None:
    """A command or an option that is nearly one is named as it is written."""
    done = CliRunner().invoke(cli.txpush, words)
    assert done.exit_code == 2
    assert told in done.output


def test_a_name_that_is_like_none_gets_no_guess() -> None:
    """What is far from every command is refused as it is; what looks like an option is one."""
    assert "Did you mean" not in CliRunner().invoke(cli.txpush, ["xyzzy"]).output
    assert "No such option: --xyzzy" in CliRunner().invoke(cli.txpush, ["--xyzzy"]).output


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


def test_an_output_that_takes_no_more_ends_with_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk behind standard output is said in words, whatever the command."""

    @click.command()
    def speak() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "txpush", speak)
    monkeypatch.setattr(cli, "drop_output", lambda: None)
    monkeypatch.setattr("sys.argv", ["txpush"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    words = "not all could be written: No space left on device; what was printed is not complete\n"
    assert capsys.readouterr().err == words


def test_another_fault_of_the_system_is_no_matter_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error elsewhere keeps its trace: it is one of ours."""

    @click.command()
    def fail() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(cli, "txpush", fail)
    monkeypatch.setattr("sys.argv", ["txpush"])
    with pytest.raises(OSError, match="Input/output"):
        cli.main()


def test_an_interrupt_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command of whatever depth with 130: 1 would say that something differs."""

    @click.command()
    def verify() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.LazyCommands, "get_command", lambda *_: click.Group(commands={"verify": verify}))
    ended = CliRunner().invoke(cli.txpush, ["audit", "verify"])
    assert (ended.exit_code, ended.stderr) == (130, "interrupted\n")
