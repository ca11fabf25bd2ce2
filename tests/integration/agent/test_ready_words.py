"""`/readyz` of a running agent, fault by fault: what stops it is a 503, what it works on without is a note."""

import asyncio
from pathlib import Path

import pytest

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.clock import WallClock
from streams.fold.inforce import InForce
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from streams.operate import acts
from streams.operate.writing import write as decide
from tests.integration.asleep import asleep
from tests.processes import CLI, Program, settings_for, started

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SESSION_SECONDS = 6
"""The shortest that brokers allow."""


def test_what_an_agent_says(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """A disk that takes nothing and a policy file that is not in force are notes; brokers that are silent stop it."""
    (file := tmp_path / "policy.toml").write_text('version = "mine"\n[contact]\nreminder_days = [2]\n')
    (in_the_way := tmp_path / "state").write_text("")
    told = {"INSTANCE": "agent-0", "SESSION_SECONDS": str(SESSION_SECONDS), "POLICY_FILE": str(file)}
    settings = settings_for(broker.bootstrap, **told, STATE_DIR=str(in_the_way))
    agent = Program((*CLI, "agent"), settings, tmp_path / "log")
    with started(agent):
        agent.until_ready()
        status, text = agent.ask("readyz")
        ready, disk = text.splitlines()
        assert (status, ready) == (200, "ready")
        assert disk.startswith("note: partitions 0, 1, 2 are not kept on disk: ")
        assert "look at TXPUSH_STATE_DIR" in disk
        shipped = acts.activation(InForce.of(Policy.load(), Catalogue.load()), "ann", "a test", WallClock().now())
        asyncio.run(decide(shipped, broker.bootstrap, EMBEDDED.partitions))
        agent.until(
            lambda: agent.ask("readyz"), lambda page: page[0] == 200 and "TXPUSH_POLICY_FILE has mine" in page[1]
        )
        with asleep(broker):
            status, text = agent.until(lambda: agent.ask("readyz"), lambda page: page[0] == 503)
            assert text.startswith(f"no broker of {broker.bootstrap} has answered for ")
            assert "see that brokers run there" in text
            assert agent.ask("healthz") == (200, "ok\n")
