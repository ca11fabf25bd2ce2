"""What a worker writes on a terminal or into a file, from its start to its end."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from tests.integration.whole.parts import ROOT, environment
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

LIBRARIES = """
import logging
from streams.observe.logs import log_to_stderr
log_to_stderr()
for name in ("aiokafka.conn", "faust.app.base", "mode.services"):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger(name).log(level, "%d", level)
"""


@pytest.mark.parametrize(("command", "source"), [("agent", topics.EVENTS), ("institutions", topics.SIGNALS)])
def test_a_start_is_one_line(broker: EmbeddedKafka, tmp_path: Path, command: str, source: str) -> None:
    """Who is ready, with what and where the metrics are; one more at the end; nothing that only a terminal reads."""
    settings = {
        "TXPUSH_BOOTSTRAP": broker.bootstrap,
        "TXPUSH_PARTITIONS": str(EMBEDDED.partitions),
        "TXPUSH_REPLICATION": str(EMBEDDED.replication),
        "TXPUSH_INSTANCE": f"{command}-0",
        "TXPUSH_LINK_URL": "http://127.0.0.1:8085",
        "TXPUSH_LINK_KEYS": "0" * 64,
    }
    place = tmp_path / "log"
    with place.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", command], env=environment(settings), stdout=out, stderr=out, cwd=ROOT
        )
    try:
        wait_until(place.read_text, lambda said: " is ready: " in said or worker.poll() is not None)
        worker.terminate()
        assert worker.wait(15) == 0
    finally:
        worker.kill()
        worker.wait(15)
    said = place.read_text()
    assert all(character.isprintable() or character == "\n" for character in said), repr(said)
    assert said.count("\n") == 2, said
    first, last = said.splitlines()
    ready = rf"INFO streams.worker.readiness txpush-{command} {command}-0 is ready: partitions 0, 1, 2 of {source}; "
    assert re.search(ready + r"metrics at http://127.0.0.1:\d+/metrics$", first), said
    assert last.endswith("INFO streams.worker.app SIGTERM: stopping within 10 s")


def test_what_libraries_warn_of_is_kept() -> None:
    """Warnings and errors of Faust, mode and aiokafka are in the log, the steps that they took are not."""
    done = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, text=True, check=True, cwd=ROOT)
    assert [line.split(" ", 2)[2] for line in done.stderr.splitlines()] == [
        f"{level} {name} {number}"
        for name in ("aiokafka.conn", "faust.app.base", "mode.services")
        for level, number in (("WARNING", 30), ("ERROR", 40))
    ]
