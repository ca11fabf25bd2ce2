"""What the summary says of lines that live would set aside."""

from pathlib import Path

from tests.component.simulate.build import account, at, captured, notified, run, seen


def test_a_summary_counts_what_was_set_aside(tmp_path: Path) -> None:
    """Lines named on standard error are in the count, past those that are shown as well."""
    without_account = captured("txpush", at(), notified({"customerId": "7", "aggregationStatusCode": 185}))
    done = run(tmp_path, [seen(185), *[without_account] * 25], "--summary")
    assert "1 events, " in done.stdout
    assert ": 1 messages; 25 set aside\n" in done.stdout
    assert done.stderr.endswith("set aside: 5 more\n")
    assert "; 0 set aside\n" in run(tmp_path, [captured("txpush", at(), notified(account(185)))], "--summary").stdout
