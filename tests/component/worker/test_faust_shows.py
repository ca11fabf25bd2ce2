"""`faust -A streams.agent.app agents` and `tables` show what the worker works with, and `worker` starts nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.cli import COMMANDS
from streams.clock import WallClock
from streams.fold.inforce import InForce
from streams.kafka import topics
from streams.kafka.topics import TABLES
from streams.testing.applications import AGENT_APPLICATION, INSTITUTION_APPLICATION, Application
from tests.processes import ROOT, environment

pytestmark = pytest.mark.slow

FAUST = Path(sys.executable).parent / "faust"
SECONDS = 60.0
NOWHERE = "127.0.0.1:1"
"""A broker that no command of these may need."""

APPS = pytest.mark.parametrize(
    ("module", "application", "agent", "command"),
    [
        ("streams.agent.app", AGENT_APPLICATION, "remediation", "agent"),
        ("streams.institutions.app", INSTITUTION_APPLICATION, "tickets", "institutions"),
    ],
    ids=["agent", "institutions"],
)


def faust(module: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Faust's own command line on an application, where no broker answers."""
    words = [str(FAUST), "--json", "-A", module, *command]
    told = environment({"TXPUSH_BOOTSTRAP": NOWHERE})
    return subprocess.run(words, cwd=ROOT, env=told, capture_output=True, text=True, timeout=SECONDS, check=False)


def shown(module: str, command: str) -> list[dict[str, Any]]:
    """Give the rows that a command lists."""
    done = faust(module, command)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


@APPS
def test_it_shows_the_tables_of_the_fold(module: str, application: Application, agent: str, command: str) -> None:
    """The rows are the tables that the fold folds into, each with a help text, and those whose changelogs exist."""
    del agent, command
    rows = shown(module, "tables")
    fold = application.fold(InForce.of(Policy.load(), Catalogue.load()), WallClock(), 1)
    names = {table.name for table in fold.tables}
    assert {row["name"] for row in rows} == names == set(TABLES[application.name])
    assert len(rows) == len(names)
    assert not [row for row in rows if "Missing" in row["help"]]
    assert {table.topic for table in fold.tables} == {
        topic.name for topic in topics.contract() if topic.name.startswith(f"{application.name}-")
    }


@APPS
def test_it_shows_the_agent_and_its_log(module: str, application: Application, agent: str, command: str) -> None:
    """One agent, on the log that the worker folds."""
    del command
    (row,) = shown(module, "agents")
    assert row["name"].rpartition(".")[2].lstrip("@") == agent
    assert row["topic"] == application.log
    assert row["help"]


@APPS
def test_its_worker_is_refused(module: str, application: Application, agent: str, command: str) -> None:
    """Stock Faust would join the group of production and lose events: it is refused in words, with the way to start."""
    del application, agent
    done = faust(module, "worker", "--without-web")
    assert done.returncode == 2
    assert f"start it with `txpush {command}`" in done.stderr
    assert "Traceback" not in done.stderr
    assert command in COMMANDS


def test_it_writes_nothing() -> None:
    """`faust send` would put what is no event into the log: it is refused as well."""
    done = faust("streams.agent.app", "send", "@remediation", "{}")
    assert done.returncode != 0
    assert "does not run on Faust's own transport" in done.stderr
