"""Holds a run against what makes it a test: disturbances that met nothing find nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.check.compare import Findings
from tests.chaos.faults.plan import Done
from tests.chaos.faults.profiles import Least


def check_hardness(findings: Findings, least: Least, figures: Mapping[str, Any], done: Sequence[Done]) -> None:
    """Count what a run has not come to, by its figures, and the disturbances without any effect."""
    inside, could = figures["inside_a_transaction"], figures["could_cut_a_transaction"]
    findings.found("too_mild", inside < least.inside * could, f"{inside} of {could} inside an open transaction")
    findings.found("too_mild", figures["fences"] < least.fences, f"{figures['fences']} workers fenced")
    for one in done:
        findings.found("too_mild", not one.had_effect, f"{one.kind} of {one.victim} came to nothing")
