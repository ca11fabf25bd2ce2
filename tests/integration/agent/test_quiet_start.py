"""What a worker writes on a terminal or into a file, from its start to its end."""

import re
from pathlib import Path

import pytest

from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from tests.processes import CLI, Program, run, settings_for, started

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

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
    """Who is ready, with what and where the metrics are; two more at the end; nothing that only a terminal reads."""
    links = {"LINK_URL": "http://127.0.0.1:8085", "LINK_KEYS": "0" * 64}
    settings = settings_for(broker.bootstrap, INSTANCE=f"{command}-0", **links)
    worker = Program((*CLI, command), settings, tmp_path / "log")
    with started(worker):
        worker.until(lambda: " is ready: " in worker.said())
        shown = Path(f"/proc/{worker.process.pid}/cmdline").read_bytes().split(b"\0")
        assert shown[-2:] == [command.encode(), b""], "what ps shows is what was typed"
        assert worker.stop() == 0
    said = worker.said()
    assert all(character.isprintable() or character == "\n" for character in said), repr(said)
    assert said.count("\n") == 3, said
    first, asked, ended = said.splitlines()
    ready = rf"INFO streams.worker.readiness txpush-{command} {command}-0 is ready: partitions 0, 1, 2 of {source}; "
    assert re.search(ready + r"metrics at http://127.0.0.1:\d+/metrics$", first), said
    assert asked.endswith("INFO streams.exits SIGTERM: stopping within 10 s")
    assert ended.endswith("INFO streams.exits ended in order")


def test_what_libraries_warn_of_is_kept() -> None:
    """Warnings and errors of Faust, mode and aiokafka are in the log, the steps that they took are not."""
    done = run(("-c", LIBRARIES), {})
    assert done.returncode == 0, done.stderr
    assert [line.split(" ", 1)[1] for line in done.stderr.splitlines()] == [
        f"{level} {name} {number}"
        for name in ("aiokafka.conn", "faust.app.base", "mode.services")
        for level, number in (("WARNING", 30), ("ERROR", 40))
    ]
