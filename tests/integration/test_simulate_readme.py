"""The line that the README of the simulation offers to try."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^    (echo '.*' \| txpush simulate -)$", re.MULTILINE)
SHELL = f'txpush() {{ {shlex.quote(sys.executable)} -m streams.cli "$@"; }}\n'


def test_the_line_can_be_piped_as_it_stands() -> None:
    """Copied into a shell it gives a command, and says nothing else."""
    found = EXAMPLE.search((ROOT / "streams/simulate/README.md").read_text())
    assert found is not None
    done = subprocess.run(
        ["/bin/bash", "-c", SHELL + found[1]], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert '"type":"remediation.connect-fix"' in done.stdout
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
