"""The table: rows say only what was read back, and fit a terminal of 80 columns."""

import io

import pytest
from rich.console import Console

from streams.demo.expected import EXPECTED
from streams.demo.stage.processes import Worker
from streams.demo.telling.table import Display, Posted, Row, SetAside, Told, rendered, row_of
from tests.unit.demo.arrived import audit, command, event, letter, seen

ISSUE = EXPECTED.courses[0]
ID = f"event-{ISSUE.subject}"


def posted(delivery: int = 0) -> Posted:
    return Posted(1.0, "185", (ID,), delivery)


def test_a_row_waits_for_its_decision() -> None:
    """A record that the agent has not gone past is awaited."""
    assert not row_of(posted(), seen([event(ID, 5)])).is_decided


def test_a_decision_names_kind_action_reason_steps_topic_and_sequence() -> None:
    """All of it comes from the command that was read."""
    row = row_of(posted(), seen([event(ID, 5), audit(5, "customer_action"), command(ISSUE, 0)]))
    assert (row.decision, row.command) == ("connect-fix issue 185 answer_challenge", "remediation.connect-fix #0")


def test_a_redelivery_is_nothing() -> None:
    """The second record of the same id, committed and without an audit record, is a duplicate."""
    reader = seen([event(ID, 5), event(ID, 6), audit(5, "customer_action"), command(ISSUE, 0)])
    assert not row_of(posted(1), reader).is_decided
    reader.committed = {0: 7}
    assert row_of(posted(1), reader).decision == "nothing: duplicate"


def test_a_decision_without_a_command_shows_the_phase() -> None:
    """An unknown code orders nothing and is seen in health."""
    row = row_of(posted(), seen([event(ID, 5), audit(5, "unknown")]))
    assert (row.decision, row.command) == ("no command; health: unknown", "")


def test_a_poison_body_shows_its_dead_letter() -> None:
    """It is found by the hash of the body."""
    entry = SetAside(2.0, "torn", "ab12")
    assert not row_of(entry, seen([letter("bad_data", "other")])).is_decided
    row = row_of(entry, seen([letter("unreadable_body", "ab12")]))
    assert row.decision == "dead letter: unreadable_body (the body is not JSON)"


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_table_keeps_to_the_width(width: int) -> None:
    """No line is longer than the terminal, and topic and sequence stay readable."""
    out = io.StringIO()
    row = row_of(posted(), seen([event(ID, 5), audit(5), command(ISSUE, 0)]))
    Console(file=out, width=width).print(rendered([row], width))
    assert max(map(len, out.getvalue().splitlines())) <= width
    assert "connect-fix #0" in out.getvalue()


def test_without_a_terminal_each_decided_row_is_one_line() -> None:
    """A row is printed once, when it is decided, and again only if it changes."""
    out = io.StringIO()
    waiting, decided = Row(1.0, "185", "", ""), Row(1.0, "185", "nothing", "")
    with Display(Console(file=out, width=80)) as display:
        for row in (waiting, decided, decided):
            display.show([row], "posting")
    assert out.getvalue() == "  1.0 s  185 -> nothing\n"


def test_a_terminal_is_left_with_the_whole_table() -> None:
    """While it runs only the latest rows fit; at the end all are there."""
    out = io.StringIO()
    rows = [row_of(Told(float(n), f"step {n}", "done"), seen([])) for n in range(40)]
    with Display(Console(file=out, width=80, height=24, force_terminal=True)) as display:
        display.show(rows, "posting")
        assert "step 0" not in out.getvalue()
    assert "step 0 " in out.getvalue()


def test_what_comes_after_a_settled_table_is_told_in_lines() -> None:
    """A person who is left with everything running can read what stands below the table: it is not drawn again."""
    out = io.StringIO()
    rows = [row_of(Told(float(n), f"step {n}", "done"), seen([])) for n in range(3)]
    with Display(Console(file=out, width=80, height=24, force_terminal=True)) as display:
        display.show(rows[:2], "posting")
        display.settle()
        display.say("the customer's link")
        settled = out.getvalue()
        display.show(rows, "paused")
    assert settled.endswith("the customer's link\n")
    assert out.getvalue().removeprefix(settled) == "  2.0 s  step 2 -> done\n"


def test_a_worker_does_not_inherit_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's own TXPUSH_ settings, a policy of his for one, would change what is decided."""
    monkeypatch.setenv("TXPUSH_POLICY_FILE", "/somewhere/policy.toml")
    environment = Worker("agent-0", "agent", 9100, {"TXPUSH_PARTITIONS": "3"}).environment()
    ours = {name: value for name, value in environment.items() if name.startswith("TXPUSH_")}
    assert ours == {"TXPUSH_ADMIN_PORT": "9100", "TXPUSH_PARTITIONS": "3"}
