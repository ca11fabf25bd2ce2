"""`txpush dead-letter list` on a terminal: names that can be copied, and what to do about each reason."""

import re
import shlex
from dataclasses import replace
from itertools import product

import pytest

from schemas.audit import DeadLetterReason
from schemas.contract.channels import Component
from streams.kafka.topics import EVENTS
from streams.operate.letters import command
from streams.operate.letters.advice import advised, next_step
from streams.operate.letters.book import Book
from streams.operate.letters.kept import READERS, Chosen
from tests.command_lines import fault, named
from tests.component.operate.double import typed
from tests.component.operate.test_letters import kept, note, stored

OFFSET = 123_456_789_012
FAR = f"{EVENTS}/11/{OFFSET}"
WHO = (Component.BRIDGE, *READERS.values(), None)


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    """Three letters of long names, as the command reads them."""
    made = Book(Chosen(), 1000)
    made.take(stored(kept(origin=FAR, detail="KeyError: " + "long " * 40), OFFSET))
    made.take(stored(kept(origin="/remediation/bridge/txpush", reason=DeadLetterReason.UNREADABLE_BODY), 7))
    made.take(stored(kept(origin=FAR), 8))
    made.take(stored(note("1/7").model_copy(update={"put_back": FAR}), 9))

    async def read(*_: object) -> Book:
        return made

    monkeypatch.setattr(command, "read_letters", read)
    return made


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize("is_terminal", [True, False])
def test_names_can_be_copied_whole(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:  # noqa: FBT001 - a case
    """However narrow the terminal is, neither an id nor a place is cut or broken over lines; nor in a pipe."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(command, "sys", Terminal(is_terminal=is_terminal))
    done = typed("dead-letter", "list")
    assert done.exit_code == 0, done.output
    for name in (f"1/{OFFSET}", "1/7", "1/8", FAR, "put back" if is_terminal else "put_back"):
        assert name in done.stdout
    lines = done.stdout.splitlines()
    assert (is_terminal, len(lines)) in {(True, 7), (False, 3)}
    if is_terminal:
        assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["1/7", "1/8", f"1/{OFFSET}"]


class Terminal:
    """Stands in for `sys` in the command, with a standard output that is a terminal or is none."""

    def __init__(self, *, is_terminal: bool) -> None:
        self._is_terminal = is_terminal

    @property
    def stdout(self) -> "Terminal":
        return self

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.usefixtures("book")
def test_each_reason_has_its_next_step() -> None:
    """Behind the counts, on stderr: what to mend, whether the record can be put back, and how to look at one."""
    told = typed("dead-letter", "list").stderr.splitlines()
    assert told[0] == "3 dead letters: 2 decision_failed, 1 unreadable_body"
    assert told[1].startswith("2 decision_failed by agent: a fault of txpush: ")
    assert "`txpush dead-letter retry --reason decision_failed --component agent --by YOU --why WHY`" in told[1]
    assert told[2].startswith("1 unreadable_body by bridge: ")
    assert "`txpush sweep`" in told[2]
    assert told[3].endswith(f"`txpush dead-letter show 1/{OFFSET}`")
    assert len(told) == 4


def test_without_letters_there_is_nothing_to_do() -> None:
    """An empty list ends with the sentence that it is one."""
    assert list(advised(Book(Chosen(), 5))) == []


@pytest.mark.parametrize(("reason", "component"), [*product(DeadLetterReason, WHO)])
def test_every_step_can_be_typed(reason: DeadLetterReason, component: Component | None) -> None:
    """Whoever set it aside for whatever: there are words, and each command in them is one; only agents' go back."""
    step = next_step(reason, component, Chosen())
    assert [fault(line, is_whole="retry" in line) for line in named(step) if fault(line)] == []
    goes_back = component is Component.AGENT and reason is not DeadLetterReason.SOURCE_NOT_ALLOWED
    assert bool(re.search("dead-letter retry", step)) == goes_back


@pytest.mark.parametrize(
    "options",
    [
        ["--since", "2026-11-01T03:00:00.25Z"],
        ["--until", "2026-11-01T03:00:00Z", "--topic", EVENTS, "--partition", "2"],
        ["--since", "12h", "--reason", "bad_data", "--reason", "decision_failed", "--component", "agent"],
    ],
)
def test_what_is_advised_chooses_what_was_listed(monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    """`retry`, as it is advised, has the options of `list`, spans as times, and of the reasons that of its line."""
    asked: list[Chosen] = []

    async def read(_access: object, chosen: Chosen, limit: int) -> Book:
        asked.append(chosen)
        made = Book(chosen, limit)
        made.sorts[DeadLetterReason.DECISION_FAILED, Component.AGENT] += 1
        return made

    monkeypatch.setattr(command, "read_letters", read)
    advice = typed("dead-letter", "list", *options).stderr.splitlines()[1]
    (line,) = [one for one in named(advice) if "retry" in one]
    typed(*shlex.split(line)[1:])
    listed, retried = asked
    of_line = frozenset({DeadLetterReason.DECISION_FAILED})
    assert retried == replace(listed, reasons=of_line, component=Component.AGENT)
