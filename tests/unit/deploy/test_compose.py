"""The compose file: every variable is a setting, every secret is drawn, and Prometheus finds whoever is there."""

import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from schemas.contract.channels import Component
from streams.cli import txpush
from streams.settings import NO_SETTINGS, PREFIX, Settings

FOLDER = Path(__file__).parents[3] / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"].startswith("txpush:")}
ADMIN_PORT = "9100"
NO_ADMIN_PORT = ("topics", "sandbox", "sweep", "audit", "snapshot")
LONG_RUNNING = {name: one for name, one in OURS.items() if one["command"][0] not in {*NO_ADMIN_PORT}}


def settings_of(service: dict[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in service["environment"].items()
        if name not in NO_SETTINGS
    }


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    """The settings know each name, and take each value."""
    given = settings_of(OURS[name])
    assert given.keys() <= Settings.model_fields.keys()
    Settings(**given)


@pytest.mark.parametrize("name", OURS)
def test_secrets_come_from_files(name: str) -> None:
    """No variable is a secret; who is given secrets, and nobody else, is told where they lie."""
    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert settings_of(OURS[name]).keys() & secret == set()
    given = set(OURS[name].get("secrets", [])) - {"callers.toml", "audit_key"}
    assert given <= secret
    assert bool(given) == (OURS[name]["environment"].get("TXPUSH_SECRETS_DIR") == "/run/secrets")


def test_every_secret_is_drawn() -> None:
    """`secrets.sh` makes each file that a service is given."""
    drawn = set(re.findall(r"^keep (\S+)", (FOLDER / "secrets.sh").read_text(), re.MULTILINE))
    assert {f"secrets/{name}" for name in drawn} == {one["file"] for one in COMPOSE["secrets"].values()}
    given = {name for one in COMPOSE["services"].values() for name in one.get("secrets", [])}
    assert given == drawn


def test_all_are_there() -> None:
    """Every component that runs all the time, two of the agents, each under a name of its own."""
    commands = [one["command"][0] for one in LONG_RUNNING.values()]
    beside = {Component.SWEEP, Component.OPERATOR, Component.DOWNSTREAM, Component.AUDITOR, Component.SNAPSHOT}
    lasting = set(Component) - beside
    assert sorted(commands) == sorted([*lasting, Component.AGENT])
    names = [one["environment"].get("TXPUSH_INSTANCE") for one in LONG_RUNNING.values()]
    assert len({name for name in names if name}) == len([name for name in names if name])
    assert OURS["topics"]["command"] == ["topics", "apply"]
    assert OURS["sweep"]["profiles"] == ["sweep"]


@pytest.mark.parametrize("name", OURS)
def test_the_command_is_one_of_ours(name: str) -> None:
    """Nothing is started that `txpush` does not have, nor with an option that it does not know."""
    every = OURS[name]["command"]
    told = CliRunner().invoke(txpush, [*every, "--help"])
    assert told.exit_code == 0
    command = list(takewhile(lambda word: not word.startswith("-"), every))
    assert [word for word in every if word.startswith("--") and f"{word} " not in told.output] == []
    assert f"Usage: txpush {' '.join(command)} [" in told.output


def test_a_stand_in_is_asked_whether_it_is_there() -> None:
    """The sandbox, which has no admin port, has a check of its own, on the port that it is told to listen on."""
    (_, _, _, program) = OURS["sandbox"]["healthcheck"]["test"]
    assert f"127.0.0.1:{OURS['sandbox']['environment']['TXPUSH_SANDBOX_PORT']}/sandbox/" in program
    waits = {name for name, one in OURS.items() if "sandbox" in one.get("depends_on", {})}
    assert waits == {"executor", "sweep"}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_nobody_starts_before_the_topics(name: str) -> None:
    """Each waits until they are made, is started again when it ends, and has time for an orderly end."""
    one = LONG_RUNNING[name]
    assert one["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert one["restart"] == "always"
    assert float(one["stop_grace_period"].removesuffix("s")) > float(settings_of(one)["shutdown_seconds"])


@pytest.mark.parametrize("name", OURS)
def test_a_container_may_do_its_work_and_nothing_else(name: str) -> None:
    """A read-only root, no capability, and no new privilege."""
    one = OURS[name]
    assert (one["read_only"], one["cap_drop"], one["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_prometheus_asks_whoever_is_there() -> None:
    """Every process is a target, under the job that the rules know, on the admin port of the image."""
    scraped = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
    found = {
        (one["job_name"], target) for one in scraped for config in one["static_configs"] for target in config["targets"]
    }
    assert found == {(f"txpush-{one['command'][0]}", f"{name}:{ADMIN_PORT}") for name, one in LONG_RUNNING.items()}
    assert f"TXPUSH_ADMIN_PORT={ADMIN_PORT}" in (FOLDER.parent / "docker" / "Dockerfile").read_text()


def test_what_is_published_is_for_this_machine() -> None:
    """Sandbox, dashboards and Kafka ask nobody who they are: no port is open to others."""
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_broker_makes_no_topic_by_itself() -> None:
    """A topic that nobody meant would have the wrong settings for life; the copies are as many as the brokers."""
    broker = COMPOSE["services"]["kafka"]["environment"]
    assert broker["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {value for name, value in broker.items() if name.endswith(("REPLICATION_FACTOR", "MIN_ISR"))} == {"1"}
