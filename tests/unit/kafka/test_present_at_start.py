"""A start without a broker: bridge and executor go on and say so, but not by a clock that nobody has allowed."""

import logging
from collections.abc import Callable

import click
import pytest
from aiokafka.errors import KafkaConnectionError
from click.testing import CliRunner

from streams.bridge import command as bridge
from streams.executor import command as executor
from streams.kafka import present
from streams.kafka.applied import TopicsError
from streams.settings import Settings

CLOCK = "2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,43200"
SETTINGS = {
    "CALLBACK_TOKENS": "t" * 24,
    "SIGNATURES": "log",
    "PUBLIC_URL": "https://hooks.example.com",
    "LINK_URL": "https://fix.example.com",
    "LINK_KEYS": "0" * 64,
    "APP_KEY": "key",
    "PARTNER_ID": "partner",
    "PARTNER_SECRETS": "secret",
    "BOOTSTRAP": "127.0.0.1:1",
}
Run = Callable[..., int]


@pytest.fixture(params=[(bridge, "run_bridge", bridge.bridge), (executor, "run_process", executor.executor)])
def command(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> click.Command:
    """A service whose settings hold, where no broker answers; started, it would end with 7."""
    module, run, made = request.param
    monkeypatch.setattr(module, run, lambda *_: 7)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"TXPUSH_{name}", value)

    async def nobody(_settings: Settings) -> None:
        logging.getLogger("aiokafka").error("Unable to request metadata from 127.0.0.1:1: IncompatibleBrokerVersion")
        raise KafkaConnectionError("nobody there")

    monkeypatch.setattr(present, "require_cluster", nobody)
    assert isinstance(made, click.Command)
    return made


def test_without_a_broker_it_starts_and_says_so(command: click.Command, caplog: pytest.LogCaptureFixture) -> None:
    """Kafka may come later: the vendor and customers are told to come again until then."""
    caplog.set_level(logging.WARNING)
    assert CliRunner().invoke(command, []).exit_code == 7
    assert "no broker answers at 127.0.0.1:1 yet" in caplog.text


def test_without_a_broker_ours_are_the_only_words(command: click.Command, caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody listens aiokafka speaks of a broker's version, which leads astray."""
    caplog.set_level(logging.WARNING, "aiokafka")
    assert CliRunner().invoke(command, []).exit_code == 7
    assert [one.name for one in caplog.records] == ["streams.kafka.present"]


def test_a_clock_of_its_own_needs_a_broker_to_allow_it(command: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could say whether the cluster to come may have another time: it ends with 70, to be tried again."""
    monkeypatch.setenv("TXPUSH_CLOCK", CLOCK)
    done = CliRunner().invoke(command, [])
    assert done.exit_code == 70
    assert done.stderr.startswith("TXPUSH_CLOCK: no broker answers at 127.0.0.1:1 to allow it: KafkaConnectionError")
    assert done.stderr.endswith("; start one or unset it\n")


def test_other_topics_are_refused(command: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that answers has the last word."""

    async def other(_settings: Settings) -> None:
        raise TopicsError("the topics do not fit")

    monkeypatch.setattr(present, "require_cluster", other)
    done = CliRunner().invoke(command, [])
    assert (done.exit_code, done.stderr) == (2, "the topics do not fit\n")
