"""The end of the demo: a summary, and an exit code that a pipeline can rely on."""

import io

from rich.console import Console

from streams.demo.command import judge
from streams.demo.expected import EXPECTED
from streams.exits import EXIT_OTHERWISE
from tests.unit.demo.arrived import as_demanded, command, lookup, seen


def test_all_as_demanded_exits_with_0() -> None:
    """The summary says yes in every line."""
    out = io.StringIO()
    assert judge(Console(file=out, width=80), EXPECTED, seen(as_demanded(EXPECTED)), 20.0) == 0
    assert "As the rules demand: nothing missing, doubled or unexpected, in 20 s." in out.getvalue()
    assert "NO" not in out.getvalue()


def test_a_difference_exits_with_1_and_is_printed() -> None:
    """The line of the summary says NO, and the difference stands below in full."""
    out = io.StringIO()
    records = as_demanded(EXPECTED)
    records.remove(command(EXPECTED.courses[0], 1, command_id="id-0"))
    assert judge(Console(file=out, width=80), EXPECTED, seen(records), 20.0) == EXIT_OTHERWISE
    assert "NOT as the rules demand (1):" in out.getvalue()
    assert "arrived issue 185 answer_challenge" in out.getvalue()
    assert "NO" in out.getvalue().partition("NOT as")[0]


def test_a_missing_lookup_is_no_in_the_summary() -> None:
    """The line of the look-up says NO, and nothing else does."""
    out = io.StringIO()
    records = as_demanded(EXPECTED)
    records.remove(lookup(EXPECTED.lookups[0]))
    assert judge(Console(file=out, width=80), EXPECTED, seen(records), 20.0) == EXIT_OTHERWISE
    (line,) = [line for line in out.getvalue().splitlines() if line.rstrip().endswith("NO")]
    assert line.split() == ["lookup", "verify", "for", "7000000019", "NO"]


def test_a_story_that_ends_early_is_a_difference() -> None:
    """What did not come is told first, and even if nothing else were missing it would not pass."""
    out = io.StringIO()
    missed = ["the end of the command did not come within 25 s."]
    assert judge(Console(file=out, width=80), EXPECTED, seen(as_demanded(EXPECTED)), 20.0, missed) == EXIT_OTHERWISE
    assert "the story ends early: the end of the command did not come within 25 s." in out.getvalue()
