"""A verdict in words: a table of every chain, the faults, and what was not proven; or all of it as JSON."""

from collections.abc import Iterator
from typing import Any

import orjson
from rich import box
from rich.table import Table

from streams.audit.faults import Fault
from streams.audit.messages.lane import Compared
from streams.audit.partition import Proof
from streams.audit.plan import LOGS
from streams.audit.verify import Verdict
from streams.audit.walking.walk import Walked
from streams.history import Place
from streams.operate.letters.telling import MAX_LINE, plainly

MOST_TOLD = 20
"""Faults that are told one by one; JSON has all that were kept."""


def table_of(verdict: Verdict) -> Table:
    """Give a row for each chain."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("log", "partition", "records", "decisions", "messages", "verdict"):
        table.add_column(name, justify="left" if name in ("log", "verdict") else "right")
    for row in rows(verdict):
        counts = [f"{row[name]:,}" for name in ("records", "decisions", "messages")]
        table.add_row(row["log"], str(row["partition"]), *counts, row["verdict"])
    return table


def rows(verdict: Verdict) -> Iterator[dict[str, Any]]:
    """Give what came of each chain, log by log."""
    for log in LOGS:
        for proof in sorted(verdict.proofs, key=lambda one: one.number):
            yield _row(verdict, proof, log)


def _row(verdict: Verdict, proof: Proof, log: str) -> dict[str, Any]:
    walked = proof.walked.get(log)
    fault = verdict.fault_of(Place(log, proof.number))
    compared = [one for (of, _), one in proof.compared.items() if of == log]
    word = "whole" if fault is None else f"NOT WHOLE: {fault.kind}"
    if proof.failed is not None or walked is None:
        word = "not read"
    return {
        "log": log,
        "partition": proof.number,
        "records": 0 if walked is None else walked.records,
        "proven": 0 if walked is None else walked.proven,
        "decisions": 0 if walked is None else walked.decisions,
        "messages": sum(one.messages for one in compared),
        "undecided": 0 if walked is None else walked.undecided,
        "unproven_decisions": 0 if walked is None else walked.unproven,
        "messages_gone": sum(one.gone for one in compared),
        "messages_in_flight": sum(one.in_flight for one in compared),
        "verdict": word,
        "first_fault": None if fault is None else str(fault),
    }


def lines(verdict: Verdict) -> Iterator[str]:
    """Give a line for each fault, and for what was not proven."""
    for fault in verdict.faults[:MOST_TOLD]:
        yield plainly(str(fault), MAX_LINE)
    if len(verdict.faults) > MOST_TOLD:
        yield f"and {len(verdict.faults) - MOST_TOLD} more: --json has them"
    for number, why in verdict.failed.items():
        yield f"partition {number} could not be read: {why}"
    yield from (f"note: {note}" for note in notes(verdict))


def notes(verdict: Verdict) -> Iterator[str]:
    """Say what was not proven, and why that is no fault."""
    yield from verdict.notes
    for proof in verdict.proofs:
        for log, walked in proof.walked.items():
            yield from (f"{Place(log, proof.number)}: {text}" for text in _of_chain(walked))
        for (log, topic), compared in proof.compared.items():
            yield from (f"{Place(topic, proof.number)}: {text}" for text in _of_topic(log, compared))
    if verdict.gone:
        yield f"{verdict.gone:,} signals that decisions name are not there any more, or were not read"
    if any(proof.incidents is not None and proof.incidents.too_many for proof in verdict.proofs):
        yield "incidents were not compared: there are too many"


def _of_chain(walked: Walked) -> Iterator[str]:
    if walked.begins_at is not None:
        yield f"decisions before the one on offset {walked.begins_at} were not read, or are not there"
    if walked.unproven:
        yield f"what {walked.unproven:,} decisions have rolled over was not read, or is not there whole"
    if walked.undecided:
        yield f"{walked.undecided:,} records are behind what the agent's state knows: not decided yet"
    if walked.reached is None and walked.records:
        yield "no state to hold the end against: decisions that are missing there do not show"


def _of_topic(log: str, compared: Compared) -> Iterator[str]:
    if compared.gone:
        yield f"{compared.gone:,} that decisions on {log} name are not there any more, or were not read"
    if compared.given_up:
        yield "compared no further: too many messages are not in their place"


def summary(verdict: Verdict) -> str:
    """Give the last line."""
    every = list(rows(verdict))
    totals = {name: sum(row[name] for row in every) for name in ("records", "decisions", "messages")}
    counted = ", ".join(f"{count:,} {name}" for name, count in totals.items())
    links = sum(proof.links for proof in verdict.proofs)
    counted += f", {links:,} links" if links else ""
    if verdict.faults:
        return f"not whole: {len(verdict.faults)} faults in {counted}"
    return f"not proven: {counted} read" if verdict.failed else f"whole: {counted}"


def as_json(verdict: Verdict) -> str:
    """Give all of it as one JSON object."""
    return orjson.dumps(
        {
            "verdict": summary(verdict).partition(":")[0],
            "chains": list(rows(verdict)),
            "faults": [_fault(one) for one in verdict.faults],
            "failed": {str(number): why for number, why in verdict.failed.items()},
            "notes": list(notes(verdict)),
            "links": sum(proof.links for proof in verdict.proofs),
        },
        option=orjson.OPT_INDENT_2,
    ).decode()


def _fault(fault: Fault) -> dict[str, Any]:
    topic, partition = fault.place
    return {"kind": fault.kind, "topic": topic, "partition": partition, "offset": fault.offset, "text": fault.text}
