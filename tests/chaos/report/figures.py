"""What a run came to, in figures."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.kafka.topics import AUDIT
from tests.chaos.check import markers
from tests.chaos.check.compare import Findings
from tests.chaos.check.verdict import AGENT, INSTITUTIONS
from tests.chaos.faults.plan import Done, Kind
from tests.chaos.whole import Run

IN_TRANSACTIONS = frozenset({Kind.KILL, Kind.STOP, Kind.BROKER_KILL, Kind.BROKER_STOP, Kind.OUTAGE})
EXPLAINED_SECONDS = 60.0


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    findings: Findings
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give everything as one object."""
        return {
            "verdict": "clean" if self.findings.clean else "FAILED",
            "faults": dict(self.findings.faults),
            "compared": dict(self.findings.compared),
            **self.figures,
            "examples": self.findings.examples,
        }


@dataclass(slots=True)
class _Transactions:
    """What the brokers' own files tell of transactions."""

    cut: list[markers.Cut] = field(default_factory=list)
    committed: dict[str, int] = field(default_factory=dict)
    recovery: dict[str, Mapping[str, float]] = field(default_factory=dict)


def figures_of(run: Run) -> dict[str, Any]:
    """Give the figures of a run that is over."""
    done, sent, workers = run.chaos.done, run.feed.sent, run.fleet.workers
    transactions = _transactions(run)
    causes = {cause for one in transactions.cut if (cause := one.cause) is not None}
    return {
        "seed": run.options.seed,
        "disturbances": dict(Counter(f"{one.kind} {_family(one.victim)}" for one in done)),
        "sigkills": sum(one.kind in {Kind.KILL, Kind.BROKER_KILL} for one in done),
        "sigstops": sum(one.kind in {Kind.STOP, Kind.BROKER_STOP} for one in done),
        "could_cut_a_transaction": sum(one.kind in IN_TRANSACTIONS and _has_transactions(one) for one in done),
        "inside_a_transaction": sum(one.kind in IN_TRANSACTIONS for one in causes),
        "aborted_transactions": len(transactions.cut),
        "restores": dict(sum((worker.restores() for worker in workers), Counter[str]())),
        "committed_transactions": transactions.committed,
        "fences": sum(worker.fences() for worker in workers),
        "exits": {worker.name: worker.exits for worker in workers if worker.ends},
        "recovery": transactions.recovery,
        "notifications_accepted": sent.accepted,
        "answers": dict(sent.answers),
        "refusals_without_a_fault": _refusals_without_a_fault(run),
        "customers": {} if run.customers is None else dict(run.customers.outcomes),
        "schedule": [_described(one) + (" inside a transaction" if one in causes else "") for one in done],
        **run.took,
    }


def _transactions(run: Run) -> _Transactions:
    done, openings, found = run.chaos.done, run.openings(), _Transactions()
    for side in (AGENT, INSTITUTIONS):
        own = (*side.outputs, side.health, AUDIT, *side.changelogs.values())
        ends = list(markers.read_markers(run.kafka.log(1).parent / "data", own))
        mine = [opening for opening in openings if opening.application == side.application]
        disturbed = [one for one in done if one.application == side.application or one.kind.is_of_brokers]
        found.cut += markers.cuts(ends, side.application, mine, disturbed)
        control = [marker for marker in ends if marker.topic == side.changelogs["control"]]
        found.committed[side.application] = sum(marker.committed for marker in control)
        found.recovery[side.application] = markers.figures(markers.recoveries(control, mine, disturbed))
    return found


def _refusals_without_a_fault(run: Run) -> dict[str, int]:
    """Count the answers other than 200 while neither a bridge nor a broker was disturbed, by what was answered."""
    of_bridges = [one for one in run.chaos.done if one.kind.is_of_brokers or one.victim.startswith("bridge")]
    alone = [
        refusal.answer
        for refusal in run.feed.sent.refusals
        if not any(one.at - 1 <= refusal.at <= one.until + EXPLAINED_SECONDS for one in of_bridges)
    ]
    return dict(Counter(alone))


def _has_transactions(done: Done) -> bool:
    return bool(done.application) or done.kind.is_of_brokers


def _family(victim: str) -> str:
    return victim.rpartition("-")[0] or victim


def _described(done: Done) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(done.at))
    return f"{at} {done.kind} {done.victim} {done.until - done.at:.1f} s {done.detail}".rstrip()
