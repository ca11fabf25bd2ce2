"""Tells at the end what each fault of the day came to, as a table for the README of this folder."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a row a fault: what fired, and after how many seconds; what began before its end, and what after it."""
    reports = [one for found in ("passed", "failed") for one in terminalreporter.getreports(found)]
    rows = [dict(one.user_properties) for one in reports if dict(one.user_properties).get("fault")]
    if not rows:
        return
    terminalreporter.write_line("| fault | what | alerts, s after its beginning | over after s |")
    terminalreporter.write_line("|---|---|---|---|")
    for row in rows:
        fired = ", ".join(f"`{alert}` {seconds}" for alert, seconds in row["fired_s"].items()) or "none"
        terminalreporter.write_line(f"| {row['fault']} | {row['what']} | {fired} | {row['ended_s']} |")
