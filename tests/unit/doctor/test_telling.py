"""What was found as a table, as lines and as JSON: worst first, and safe for a terminal; only the table is bounded."""

from io import StringIO

from rich.console import Console

from streams.doctor.findings import Checked, left_out, ok, warning, wrong
from streams.doctor.telling import SHOWN, as_lines, as_object, as_table, summary


def shown(*found: Checked) -> list[str]:
    """Give the lines of the table as a wide terminal has them."""
    console = Console(file=StringIO(), width=200)
    console.print(as_table(found))
    return [line.rstrip() for line in console.file.getvalue().splitlines()[3:] if line.strip()]  # type: ignore[attr-defined]


def test_a_check_is_a_line() -> None:
    """Name, how it is, what, and what to do; one more line for each further thing, the worst first."""
    lines = shown(
        Checked("brokers", [ok("all let us in")]),
        Checked("topics", [warning("one is old", "mend it"), wrong("one is missing", "run this")]),
    )
    assert [line.split() for line in lines] == [
        ["brokers", "ok", "all", "let", "us", "in"],
        ["topics", "wrong", "one", "is", "missing", "run", "this"],
        ["warning", "one", "is", "old", "mend", "it"],
    ]


def test_lines_have_status_and_check_first() -> None:
    """In columns, so that `grep ^wrong` finds what is wrong; each line has the name of its check."""
    found = [
        Checked("topics", [warning("one is old", "mend it"), wrong("one is\x1b missing", "run this")]),
        Checked("lag", [ok("none")]),
    ]
    assert list(as_lines(found)) == [
        "wrong     topics  one is\N{REPLACEMENT CHARACTER} missing | run this",
        "warning   topics  one is old | mend it",
        "ok        lag     none",
    ]


def test_many_findings_are_cut_in_a_table_and_whole_elsewhere() -> None:
    """Thirty missing topics do not push the rest off the screen."""
    found = Checked("topics", [wrong(f"topic {number}", "make it") for number in range(30)])
    lines = shown(found)
    assert (len(lines), lines[-1].split()[:4]) == (SHOWN + 1, ["wrong", "and", "25", "more"])
    assert len(as_object([found])["checks"][0]["findings"]) == len(list(as_lines([found]))) == 30


def test_what_others_say_moves_no_cursor() -> None:
    """A broker, or a process that is asked, may answer anything."""
    (line,) = shown(Checked("processes", [wrong("\x1b[2Jgone [red]x[/red]", "see\x07 it")]))
    assert "\x1b" not in line
    assert "\x07" not in line
    assert "[red]x[/red]" in line


def test_json_says_all() -> None:
    """A program reads the worst, and each check with its findings."""
    found = [Checked("brokers", [ok("in")]), Checked("lag", [left_out("no right", "ask another")])]
    assert as_object(found) == {
        "status": "ok",
        "checks": [
            {"name": "brokers", "status": "ok", "findings": [{"status": "ok", "what": "in", "remedy": ""}]},
            {
                "name": "lag",
                "status": "left out",
                "findings": [{"status": "left out", "what": "no right", "remedy": "ask another"}],
            },
        ],
    }


def test_the_summary_counts() -> None:
    """One line, the worst first; what there is none of is not named."""
    found = [Checked("a", [ok("")]), Checked("b", [ok("")]), Checked("c", [wrong("", "")])]
    assert summary(found) == "1 wrong, 2 ok"
