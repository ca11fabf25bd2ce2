"""A worker whose admin port is taken: refused before it is in anybody's way in the group."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.kafka.topics import AGENT, EVENTS
from streams.settings import Settings
from streams.worker.notes import Notes
from streams.worker.program import FoldProgram
from tests.processes import taken_port


def test_a_taken_admin_port_ends_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """Exit 2 and one line: who, address, setting, next step."""
    notes = Notes(InForce.of(Policy.load(), Catalogue.load()), names_policy=False)
    loop = asyncio.new_event_loop()
    with taken_port() as port:
        program = FoldProgram(AGENT, EVENTS, Settings(admin_port=port))
        with pytest.raises(SystemExit) as ended:
            program._open_admin_port(loop, CollectorRegistry(), notes)
    loop.close()
    assert ended.value.code == 2
    (line,) = caplog.messages
    assert line.startswith(f"txpush-agent cannot listen on 127.0.0.1:{port}: Address already in use; ")
    assert line.endswith("set TXPUSH_ADMIN_PORT to another port")
