"""The READMEs: links lead somewhere, commands can be typed, nothing is left open, and the settings are all there."""

import re
from pathlib import Path

import pytest

from schemas.contract.channels import CHANNELS, Component
from streams.settings import Settings
from tests.command_lines import fault, named, pasted

ROOT = Path(__file__).parents[2]
READMES = sorted(path for path in ROOT.rglob("README.md") if not {".venv", "build"} & set(path.parts))

PAGES = [*READMES, *sorted((ROOT / "deploy" / "runbooks").glob("Txpush*.md"))]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(readme: Path) -> None:
    """Every relative link names a file or folder that is there, and no place waits to be filled."""
    text = readme.read_text()
    assert not re.search(r"@[A-Z]+@|\bRESULTS\b", text)
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (readme.parent / target).exists()] == []


def headings(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_are_headings(readme: Path) -> None:
    """A link into a page leads to a heading of it."""
    targets = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", readme.read_text())
    assert [
        anchor for page, anchor in targets if anchor not in headings(readme.parent / page if page else readme)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_can_be_typed(page: Path) -> None:
    """Each command that is named has its name and options; each that is to be pasted lacks nothing, too."""
    text = page.read_text()
    assert [(line, why) for line in named(text) if (why := fault(line))] == []
    assert [(line, why) for line in pasted(text) if (why := fault(line, is_whole=True))] == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("txpush doctr", "no such command: doctr"),
        ("txpush doctor --verbose", "No such option"),
        ("txpush doctor agent", "too much: ['agent']"),
        ("txpush override resume 3 --by ann", "lacks --reason"),
        ("txpush dead-letter list --reason odd", "Invalid value for '--reason'"),
    ],
)
def test_a_command_that_is_none_is_found(line: str, why: str) -> None:
    """What somebody who types it would be told; prose may leave out what a command requires."""
    assert fault(line, is_whole=True).startswith(why)
    assert fault("txpush override resume 3") == ""
    assert [*pasted(f"    A=1 {line} > x  # so\n{line}\n"), *named(f"so `{line}`")] == [line, line]


LONG = re.compile(r"^(make (chaos|fuzz|test)|python -m tests\.chaos\.run)\b")
"""What somebody who starts it should know to last."""


def test_what_takes_long_says_how_long() -> None:
    """In the table of promises each such command has its minutes behind it."""
    table = (ROOT / "README.md").read_text().partition("## What it promises")[2].partition("\n## ")[0]
    commands = re.findall(r"`([^`]+)`(, \d+ min)?(?=[^`|]*(?:`[^`]*`[^`|]*)* \|$)", table, re.MULTILINE)
    long = [(command, minutes) for command, minutes in commands if LONG.match(command)]
    assert {command for command, _ in long} >= {"make chaos", "make test", "make fuzz"}
    assert [command for command, minutes in long if not minutes] == []


def test_what_is_pasted_fits_together() -> None:
    """In the order of the page: a port that is asked was given to a process, a partition is one of those there are."""
    lines = (ROOT / "README.md").read_text().splitlines()
    partitions, given = 0, set[str]()
    for line in (line for line in lines if line.startswith("    ")):
        given |= set(re.findall(r"TXPUSH_ADMIN_PORT=(\d+)", line))
        partitions = max([partitions, *map(int, re.findall(r"TXPUSH_PARTITIONS=(\d+)", line))])
        assert set(re.findall(r"--admin http://127\.0\.0\.1:(\d+)", line)) <= given, line
        assert all(int(number) < partitions for number in re.findall(r"override resume (\d+)", line)), line
        assert "agent.log" not in line or "tee -i agent.log" in "\n".join(lines), line
    assert given
    assert partitions


def test_the_settings_table_is_the_settings() -> None:
    """The table has every setting once, in order, with the words of its description."""
    rows = re.findall(r"^\| `TXPUSH_(\w+)` \| .* \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert rows == [(name.upper(), field.description) for name, field in Settings.model_fields.items()]


WRITERS = {
    Component.BRIDGE: "bridge",
    Component.AGENT: "agent",
    Component.INSTITUTIONS: "institution agent",
    Component.EXECUTOR: "executor",
    Component.SWEEP: "sweep",
    Component.OPERATOR: "operators",
    Component.SNAPSHOT: "snapshot",
}


def test_the_table_of_writers_is_the_contract() -> None:
    """Every topic of the contract has a row that names exactly the components that write to it."""
    text = (ROOT / "deploy" / "README.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|$", text.partition("ACLs:")[2], re.MULTILINE)
    told = {topic: writers for cell, writers in rows for topic in re.findall(r"`([^`]+)`", cell)}
    for channel in CHANNELS:
        by = {component for message in channel.messages for component in message.by}
        if by:
            words = re.sub(r" \([^)]*\)", "", told[channel.address])
            assert words.split(", ") == [name for component, name in WRITERS.items() if component in by], channel
