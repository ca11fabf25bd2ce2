"""The command line as a process of its own: what it loads."""

import subprocess
import sys

import pytest

LOADED = """
import sys
from click.testing import CliRunner
from streams.cli import txpush
done = CliRunner().invoke(txpush, sys.argv[1:])
assert done.exit_code == 0, done.output
print(*sorted({"faust", "aiokafka", "granian", "uvloop"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_loads_none_of_the_services(arguments: list[str]) -> None:
    """Listing the commands does not pay for Faust, Kafka or a web server."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("\n", "")
