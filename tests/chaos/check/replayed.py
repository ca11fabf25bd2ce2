"""Has a run that is over replayed and audited by the commands that auditors run: nothing differs, and all is whole."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streams.exits import EXIT_NOTHING
from streams.kafka.topics import Layout
from tests.chaos.actors.fleet import LINK_KEY, PARTITIONS
from tests.chaos.check.compare import Findings
from tests.processes import CLI, run, settings_for

SECONDS = 3600.0
"""For either; each takes a tenth of the time of the run with all cores for itself."""


def check_replayed(findings: Findings, bootstrap: str, link_url: str | None) -> dict[str, str]:
    """Replay and verify what is on a cluster whose workers have stopped, links included; gives both verdicts."""
    links = {} if link_url is None else {"LINK_URL": link_url, "LINK_KEYS": LINK_KEY}
    settings = settings_for(bootstrap, Layout(PARTITIONS, 1), **links)
    with_links = ["--link-key"] if links else []
    with tempfile.TemporaryDirectory(prefix="txpush-chaos-replay-") as folder:
        lines = Path(folder) / "differences.jsonl"
        replay = _ended("replay", "--jsonl", str(lines), settings=settings)
        differences = lines.read_bytes().splitlines() if lines.exists() else []
    count_replay(findings, replay.returncode, differences, replay.stdout + replay.stderr)
    audit = _ended("audit", "verify", "--json", *with_links, settings=settings)
    read = json.loads(audit.stdout) if audit.stdout else {}
    count_audit(findings, audit.returncode, read, audit.stderr)
    return {"replay": _first_line(replay.stdout), "audit": str(read.get("verdict", "not read"))}


def _ended(*command: str, settings: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Give how a command ended; one that did not in its time counts as killed: the run has its verdict all the same."""
    try:
        return run((*CLI, *command), settings, SECONDS)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -signal.SIGKILL, "", f"not at its end after {SECONDS:g} s")


def count_replay(findings: Findings, code: int, differences: list[bytes], said: str) -> None:
    """Count every difference; one that has no line, as of an incident between both logs, and a failure are one each."""
    findings.found("replay_differs", len(differences) or int(code != 0), differences[0] if differences else said[-300:])
    findings.compared["replays"] += code != EXIT_NOTHING


def count_audit(findings: Findings, code: int, read: Mapping[str, Any], said: str) -> None:
    """Count every fault of a chain or a message; a proof that failed is one."""
    faults = read.get("faults", ())
    example = faults[0]["text"] if faults else f"{read.get('failed', '')} {said[-300:]}"
    findings.found("audit_not_whole", len(faults) or int(code != 0), example)
    findings.compared["decisions_audited"] += sum(chain["decisions"] for chain in read.get("chains", ()))


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "nothing was said")
