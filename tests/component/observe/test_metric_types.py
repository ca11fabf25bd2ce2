"""A metric is counted with the labels it has, and mypy says so."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SNIPPET = """
from schemas.catalogue import Kind
from schemas.commands import Action
from streams.fold.ledger import Tally
from streams.observe import metrics
from streams.observe.labels import Outcome, RestoreSource, Route, SignatureResult
from streams.observe.metrics import Instruments
from streams.observe.parts import business, deciding, restoring

def count(made: Instruments, poll: Tally) -> None:
    made.counter(metrics.BRIDGE_XML).inc()
    made.counter(metrics.BRIDGE_REQUESTS, Route.TXPUSH, Outcome.STORED).inc()
    made.counter(metrics.BRIDGE_SIGNATURES, Route.CONNECT, SignatureResult.GOOD).inc()
    made.counter(deciding.AGENT_COMMANDS, Kind.RELINK, Action.ISSUE).inc()
    made.gauge(metrics.AGENT_LAG_MESSAGES, "0").set(1)
    made.watch(metrics.AGENT_TABLE_RECORDS, lambda: 1, "accounts")
    made.forget(metrics.AGENT_LAG_MESSAGES, "0")
    made.histogram(restoring.AGENT_RESTORE_SECONDS, RestoreSource.FILE).observe(1)
    made.watch_top(business.AGENT_FAILING_ACCOUNTS, lambda: {"102105": 1})
    poll.count(business.AGENT_RELAPSES)
    poll.count(deciding.AGENT_COMMANDS, Kind.RELINK, Action.ISSUE, times=2)

    made.counter(metrics.BRIDGE_REQUEST, Route.TXPUSH, Outcome.STORED)  # wrong: no such metric
    made.counter(metrics.BRIDGE_REQUESTS, Route.TXPUSHED, Outcome.STORED)  # wrong: no such value
    made.counter(metrics.BRIDGE_REQUESTS, Route.TXPUSH, "stord")  # wrong: a value in words
    made.counter(metrics.BRIDGE_REQUESTS, Outcome.STORED, Route.TXPUSH)  # wrong: the other way round
    made.counter(metrics.BRIDGE_REQUESTS, Route.TXPUSH)  # wrong: one label is missing
    made.counter(metrics.BRIDGE_REQUESTS)  # wrong: all are
    made.counter(metrics.BRIDGE_XML, Route.TXPUSH)  # wrong: it has none
    made.counter(deciding.AGENT_COMMANDS, Kind.RELINK, Action.ISSUE, "mailer")  # wrong: one too many
    made.counter(metrics.BRIDGE_SIGNATURES, Route.EVENTS, SignatureResult.GOOD)  # wrong: not of those routes
    made.counter(metrics.BRIDGE_IN_FLIGHT)  # wrong: a gauge
    made.gauge(metrics.AGENT_LAG_MESSAGES, 0)  # wrong: partitions are named in words
    made.gauge(metrics.AGENT_LAG_MESSAGES)  # wrong: of which partition?
    made.watch(metrics.AGENT_TABLE_RECORDS, lambda: 1)  # wrong: of which table?
    made.forget(metrics.AGENT_LAG_MESSAGES, "0", "1")  # wrong: one at a time
    made.histogram(restoring.AGENT_RESTORE_SECONDS, "file")  # wrong: a value in words
    poll.count("relapse")  # wrong: a name in words
    poll.count(deciding.AGENT_COMMANDS, "relink", Action.ISSUE)  # wrong: a value in words
    poll.count(deciding.AGENT_COMMANDS, Kind.RELINK)  # wrong: one label is missing
"""


def test_what_labels_a_metric_has_is_in_its_type(tmp_path: Path) -> None:
    """A wrong name, a wrong value, a label that is missing and one too many: mypy refuses each, and nothing else."""
    written = tmp_path / "counting.py"
    written.write_text(SNIPPET)
    mypy = [sys.executable, "-m", "mypy", "--no-pretty", "--hide-error-context", str(written)]
    done = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)  # with its cache
    refused = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line}
    wrong = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if "# wrong" in line}
    assert refused == wrong, done
