"""The canary on a real Kafka: through bridge, log and agent as they ship, and what is said where one of them stands."""

import hashlib
import secrets
import time
from pathlib import Path

import pytest

from schemas.canary import CANARY_TOPIC
from schemas.commands import COMMAND_TOPICS
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from tests.integration.committed import committed
from tests.processes import CLI, Program, free_port, run, running, settings_for

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(120)]

SECONDS = 45.0
PARTITIONS = range(EMBEDDED.partitions)
LAST = "txpush_canary_last_success_timestamp_seconds"


def programs(bootstrap: str, place: Path) -> tuple[Program, Program, Program]:
    """Give a bridge that knows the canary, an agent, and the canary."""
    token, port = secrets.token_hex(24), free_port()
    callers = place / "callers.toml"
    digest = hashlib.sha256(token.encode()).hexdigest()
    callers.write_text(f'[canary]\ntypes = ["canary.sent"]\ntoken_sha256 = ["{digest}"]\n')
    bridge = settings_for(
        bootstrap,
        BRIDGE_PORT=str(port),
        CALLERS_FILE=str(callers),
        CALLBACK_TOKENS=secrets.token_hex(24),
        SIGNATURES="log",
    )
    canary = settings_for(bootstrap, CANARY_URL=f"http://127.0.0.1:{port}", CANARY_TOKEN=token)
    return (
        Program((*CLI, "bridge"), bridge, place / "bridge"),
        Program((*CLI, "agent"), settings_for(bootstrap, INSTANCE="agent-0"), place / "agent"),
        Program((*CLI, "canary"), canary, place / "canary"),
    )


def test_it_comes_through(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """One of each partition, timed; none of them is a command to anybody."""
    bridge, agent, canary = programs(broker.bootstrap, tmp_path)
    with running(bridge, agent), running(canary):
        canary.until(
            lambda: canary.metric("txpush_canary_round_trip_seconds_count") >= EMBEDDED.partitions, seconds=SECONDS
        )
        assert canary.metric('txpush_canary_sent_total{outcome="accepted"}') == EMBEDDED.partitions
        # It follows no keys, so there are none that it has not heard of: an alert on their age stays silent.
        assert bridge.metric("txpush_bridge_signing_keys_known_timestamp_seconds") > time.time() - SECONDS
    stopped = time.time()
    with running(canary):  # again, and nothing else: how long it has been silent by then shows all the same
        canary.until(
            lambda: all(0 < canary.metric(f'{LAST}{{partition="{number}"}}') < stopped for number in PARTITIONS),
            seconds=SECONDS,
        )
    seen = committed(broker.bootstrap, CANARY_TOPIC, PARTITIONS, SECONDS)
    assert {one.partition() for one in seen} == set(PARTITIONS)
    for topic in COMMAND_TOPICS.values():
        assert not [one for one in committed(broker.bootstrap, topic, PARTITIONS, SECONDS) if b"canary" in one.key()]


def test_without_a_bridge(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """It goes on, and counts what nobody answers."""
    *_, canary = programs(broker.bootstrap, tmp_path)
    with running(canary):
        canary.until(
            lambda: canary.metric('txpush_canary_sent_total{outcome="unanswered"}') == EMBEDDED.partitions,
            seconds=SECONDS,
        )


def test_without_a_token() -> None:
    """It does not start, and says what is missing."""
    ended = run((*CLI, "canary"), {})
    assert ended.returncode == 2
    assert "TXPUSH_CANARY_TOKEN" in ended.stderr
