"""What is told of a sweep: while it goes on, and at its end."""

import io
import json
import logging

import pytest
from rich.console import Console

from streams.sweep.compare import Difference, Silence
from streams.sweep.report import Findings, Report, shown, told


def full() -> Report:
    """Give a report with something of everything."""
    report = Report(to_read=1030)
    report.read("1", Findings(3, {Silence.EQUAL: 1200}, {Difference.CODE: 1, Difference.ATTEMPT: 1}, observed=1))
    report.read("2", Findings(1, {Silence.EQUAL: 1, Silence.STILL_DELETED: 2}, {Difference.CODE: 1}, 1, 1, 1, 1, 1, 1))
    report.unreadable = 4
    report.failed = {str(number): "the vendor has trouble (HTTP 503)" for number in range(25)}
    return report


def test_findings_add_up() -> None:
    """Numbers and counts by name, name by name."""
    found = full().findings
    assert (found.accounts, found.observed, found.deleted) == (4, 2, 1)
    assert found.silent == {Silence.EQUAL: 1201, Silence.STILL_DELETED: 2}
    assert found.differing == {Difference.CODE: 2, Difference.ATTEMPT: 1}


def test_findings_share_nothing() -> None:
    """What is counted at one customer is not counted at the next."""
    Findings().silent[Silence.EQUAL] = 1
    assert Findings().silent == {}


def test_the_report_says_everything_in_words() -> None:
    """Customers, accounts, what differs by what, what was published, and who failed with why, the first twenty."""
    lines = list(told(full(), is_dry=False))
    assert lines[:5] == [
        "customers read           2 of 1,030",
        "accounts at the vendor   4",
        "nothing to tell of       1,201 equal, 2 still deleted",
        "differing                1 attempt, 2 code",
        "published                2 observed, 1 deleted",
    ]
    assert lines[5:11] == [
        "heard of meanwhile       1",
        "unreadable accounts      4",
        "accounts of others       1",
        "customers gone           1",
        "customers forgotten      1",
        "customers failed         25",
    ]
    assert lines[11] == "  customer 0: the vendor has trouble (HTTP 503)"
    assert len(lines) == 11 + 20 + 1
    assert lines[-1] == "  and 5 more: --report FILE has them all"


def test_a_report_of_nothing_is_short() -> None:
    """What did not happen is not listed; a dry run publishes nothing."""
    assert list(told(Report(), is_dry=True)) == [
        "customers read           0 of 0",
        "accounts at the vendor   0",
        "nothing to tell of       none",
        "differing                none",
        "to be published          0 observed, 0 deleted",
    ]


def test_the_report_as_json_has_all_failed_customers() -> None:
    """For programs; the names are those of the words."""
    content = json.loads(full().json())
    assert (len(content["failed"]), content["customers"], content["unreadable"]) == (25, 2, 4)
    assert content["findings"]["differing"] == {"code": 2, "attempt": 1}


def test_a_terminal_has_a_bar() -> None:
    """It counts customers, those of an earlier run included, and says what was found."""
    out, report = io.StringIO(), full()
    with shown(report, 1028, Console(file=out, force_terminal=True, width=100)) as step:
        step()
    assert "1029/1030" in out.getvalue()
    assert "3 differing, 25 failed" in out.getvalue()


def test_elsewhere_there_is_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """Not one a customer: logs are kept."""
    moments = iter([0.0, 1.0, 2.0, 20.0, 21.0])
    caplog.set_level(logging.INFO)
    with shown(full(), 0, Console(file=io.StringIO()), lambda: next(moments)) as step:
        for _ in range(4):
            step()
    assert [record.getMessage() for record in caplog.records] == ["3 of 1030 customers: 3 differing, 25 failed"]
