"""Batches as other clients write them: every codec is read, and what nobody can read pauses its partition alone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EVENTS
from tests.integration.agent.test_worker import (
    SECONDS,
    STOP_SECONDS,
    WORKER,
    Log,
    looked,
    new_customer,
    now,
    settings_of,
)
from tests.integration.unreadable import delete_to, write_unreadable
from tests.processes import Program, run, settings_for, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

CODECS = ("gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def log() -> Iterator[Log]:
    """A broker of this test alone, with the topics of the contract."""
    with EmbeddedKafka() as kafka:
        assert run(("-m", "streams.cli", "topics", "apply"), settings_for(kafka.bootstrap), SECONDS).returncode == 0
        yield Log(kafka.bootstrap)


def test_what_cannot_be_read_pauses_one_partition(log: Log, tmp_path: Path) -> None:
    """All before it is decided, others go on, the words name it; once it is deleted, this one goes on, too."""
    worker = Program(WORKER, settings_of(log.bootstrap), tmp_path / "agent-0.log")
    with started(worker):
        compressed = {codec: new_customer(0) for codec in CODECS}
        for codec, customer in compressed.items():
            log.write(*[looked(customer, 185, now())] * 50, codec=codec)
        bad = asyncio.run(write_unreadable(log.bootstrap, EVENTS, 0))
        behind, beside = new_customer(0), new_customer(1)
        log.write(looked(behind, 185, now()), looked(beside, 185, now()))
        for customer in (*compressed.values(), beside):
            wait_until(lambda one=customer: log.actions(one) == ["issue"])  # type: ignore[misc]
        worker.until(lambda: f"offset {bad} of {EVENTS}/0 cannot be read" in worker.ask("readyz")[1])
        assert (log.actions(behind), worker.alive) == ([], True)
        assert worker.stop(STOP_SECONDS) == 0
        delete_to(log.bootstrap, EVENTS, 0, bad)
        worker.start()
        wait_until(lambda: log.actions(behind) == ["issue"], said=worker.said)
        assert f"{EVENTS}/0: offsets {bad} to {bad} were deleted before they were decided on" in worker.said()
