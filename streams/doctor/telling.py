"""What was found, for people and for programs: a table, a line each, or one object of JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from streams.doctor.findings import Checked, Finding, Status, worst
from streams.plain import plain

SHOWN = 5
"""Findings of one check in a table; lines and JSON have all."""
STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.WRONG: "bold red", Status.LEFT_OUT: "dim"}


def as_table(found: Sequence[Checked]) -> Table:
    """Give a table with a line for each check, and one more for each further thing that it has found."""
    table = Table("check", "", "what", "what to do", box=box.SIMPLE_HEAD, pad_edge=False)
    for checked in found:
        for number, finding in enumerate(_shown(checked)):
            table.add_row(checked.name if number == 0 else "", *_cells(finding))
    return table


def _shown(checked: Checked) -> Iterator[Finding]:
    """Give the worst first, and say how many are left out."""
    ordered = _worst_first(checked)
    yield from ordered[:SHOWN]
    if len(ordered) > SHOWN:
        yield Finding(ordered[SHOWN].status, f"and {len(ordered) - SHOWN} more", "--json lists them")


def _cells(finding: Finding) -> tuple[Text, Text, Text]:
    return Text(finding.status, STYLES[finding.status]), Text(plain(finding.what)), Text(plain(finding.remedy))


def as_lines(found: Sequence[Checked]) -> Iterator[str]:
    """Give a line for each finding, with its status first, the check behind it, and nothing cut or broken."""
    status_width, name_width = max(map(len, Status)), max((len(checked.name) for checked in found), default=0)
    for checked in found:
        for one in _worst_first(checked):
            remedy = f" | {plain(one.remedy)}" if one.remedy else ""
            yield f"{one.status:{status_width}}  {checked.name:{name_width}}  {plain(one.what)}{remedy}"


def _worst_first(checked: Checked) -> list[Finding]:
    return sorted(checked.findings, key=lambda one: one.status.badness, reverse=True)


def as_object(found: Sequence[Checked]) -> dict[str, Any]:
    """Give everything for a program."""
    return {
        "status": worst(checked.status for checked in found),
        "checks": [
            {
                "name": checked.name,
                "status": checked.status,
                "findings": [
                    {"status": one.status, "what": one.what, "remedy": one.remedy} for one in checked.findings
                ],
            }
            for checked in found
        ],
    }


def summary(found: Sequence[Checked]) -> str:
    """Count the checks by how they are, in one line."""
    counts = {status: sum(checked.status is status for checked in found) for status in reversed(Status)}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)
