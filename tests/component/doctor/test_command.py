"""The command where there is no Kafka: exit codes, what is left out, and what brokers that are none are told from."""

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result

from schemas.contract.channels import Component
from streams.cli import txpush
from streams.doctor.checks import brokers, settings
from streams.doctor.findings import Status
from streams.doctor.scope import Scope
from streams.kafka import refusals
from streams.settings import Settings

NOBODY = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that lead to nobody."""
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", NOBODY)


def doctor(*words: str) -> Result:
    return CliRunner().invoke(txpush, ["doctor", *words])


def checks(result: Result) -> dict[str, dict[str, Any]]:
    """Give the checks of the JSON by name."""
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_settings_that_cannot_be_read_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2: nothing else could be looked at; every problem is there at once."""
    monkeypatch.setenv("TXPUSH_PARTITIONS", "none")
    monkeypatch.setenv("TXPUSH_BOTSTRAP", "x:1")
    done = doctor("--json")
    assert done.exit_code == 2
    (told,) = checks(done).values()
    assert [finding["what"].partition(":")[0] for finding in told["findings"]] == [
        "TXPUSH_BOTSTRAP",
        "TXPUSH_PARTITIONS",
    ]


def test_without_a_broker_it_says_so_once() -> None:
    """Exit 1; what needs a broker is left out, what needs none is looked at."""
    done = doctor("--json")
    assert done.exit_code == 1, done.output
    found = checks(done)
    assert found["brokers"]["findings"][0]["what"].startswith(f"nobody listens at {NOBODY}")
    assert "TXPUSH_BOOTSTRAP" in found["brokers"]["findings"][0]["remedy"]
    assert {name for name, check in found.items() if check["status"] == "left out"} == {
        *("cluster", "topics", "rights", "clock", "credentials", "signing keys", "policy", "lag", "paused"),
        *("dead letters", "vendor"),
    }
    assert found["disk"]["status"] == "ok"
    assert [
        one for check in found.values() for one in check["findings"] if not (one["remedy"] or one["status"] == "ok")
    ] == []


def test_a_pipe_gets_a_line_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal is that it is piped from: the same as in JSON, for `grep`, and one line behind it."""
    monkeypatch.setenv("COLUMNS", "40")
    done = doctor("--component", "bridge")
    assert done.exit_code == 1
    wanted = [
        f"{one['status']} {name} {one['what']}" + (f" | {one['remedy']}" if one["remedy"] else "")
        for name, check in checks(doctor("--component", "bridge", "--json")).items()
        for one in check["findings"]
    ]
    assert sorted(" ".join(line.split()) for line in done.stdout.splitlines()) == sorted(wanted)
    for name in ("settings", "brokers", "signing keys"):
        assert name in done.stdout
    assert done.stderr.splitlines()[-1].startswith("2 wrong")  # the bridge's settings, and the brokers


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Component.BRIDGE, ["TXPUSH_CALLBACK_TOKENS: 0 given", "TXPUSH_PUBLIC_URL"]),
        (Component.EXECUTOR, ["TXPUSH_LINK_URL and TXPUSH_LINK_KEYS: missing", "TXPUSH_APP_KEY: needed"]),
        (Component.SWEEP, ["TXPUSH_PARTNER_ID: needed"]),
        (Component.CANARY, ["TXPUSH_CANARY_TOKEN is missing"]),
    ],
)
async def test_what_a_component_lacks_is_told(component: Component, words: list[str]) -> None:
    """All of it, before anything is started."""
    found = await settings.look(Scope(Settings(), frozenset({component})))
    told = "\n".join(finding.what for finding in found)
    assert {finding.status for finding in found} == {Status.WRONG}
    assert all(f"{component}: " in line for line in told.splitlines())
    assert [word for word in words if word not in told] == []


async def test_an_agent_without_its_policy_file_is_told(tmp_path: Path) -> None:
    """Agents need little: a policy that can be read, and a key to an address of links."""
    for component in (Component.AGENT, Component.INSTITUTIONS):
        (good,) = await settings.look(Scope(Settings(), frozenset({component})))
        assert good.status is Status.OK
        missing = Settings(policy_file=tmp_path / "gone.toml")
        (finding,) = await settings.look(Scope(missing, frozenset({component})))
        assert (finding.status, "gone.toml" in finding.what) == (Status.WRONG, True)
    (finding,) = await settings.look(Scope(Settings(link_keys="0" * 64), frozenset({Component.AGENT})))
    assert "TXPUSH_LINK_URL" in finding.what


async def reached(bootstrap: str, **more: object) -> list[tuple[Status, str, str]]:
    """Knock at addresses."""
    found = await brokers.reachable(Scope(Settings(bootstrap=bootstrap, **more)))  # type: ignore[arg-type]
    return [(finding.status, finding.what, finding.remedy) for finding in found]


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_one_that_says_nothing_is_told_from_nobody(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of something else, or a broker that hangs; each address has a line of its own."""
    monkeypatch.setattr(refusals, "KNOCK_SECONDS", 0.3)
    first, second = await reached(f"{silent},{NOBODY}")
    assert (first[0], first[1]) == (Status.WRONG, f"{silent} takes connections, if any, and says nothing")
    assert second[1].startswith(f"nobody listens at {NOBODY}")


async def test_a_name_that_is_none_is_told() -> None:
    """The resolver does not know it."""
    ((status, what, remedy),) = await reached("no-such-broker.invalid:9092")
    assert (status, what) == (Status.WRONG, "no-such-broker.invalid:9092: no such name in this network")
    assert "TXPUSH_BOOTSTRAP" in remedy


async def test_tls_faults_are_told_apart(tmp_path: Path) -> None:
    """A listener that speaks TLS: to who does not, and to who does not know who signed its certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    ((status, what, remedy),) = await reached(address)
    assert (status, what) == (Status.WRONG, f"{address} hangs up on us")
    assert remedy == "does its listener speak TXPUSH_KAFKA_SECURITY_PROTOCOL=PLAINTEXT?"
    trustme.CA().cert_pem.write_to_path(str(other := tmp_path / "other.pem"))
    ((status, what, remedy),) = await reached(address, kafka_security_protocol="SSL", kafka_ca_file=other)
    server.close()
    assert f"is signed by nobody in TXPUSH_KAFKA_CA_FILE={other}" in what
    assert remedy == "put who signed it into that file"
