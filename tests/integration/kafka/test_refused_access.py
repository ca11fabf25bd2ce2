"""What is said when we and the brokers do not accept each other, and by client certificates when we do."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme
from aiokafka.errors import KafkaError

from schemas.contract.channels import Component
from streams.kafka import applied
from streams.kafka.access import Access, AccessRefusedError
from streams.kafka.producer import LogProducer, ProducerSettings
from streams.kafka.topics import DEAD_LETTER, EMBEDDED, EVENTS
from tests.integration.kafka.securing import Secured, name_of, prepare, secured, write_pem
from tests.processes import ROOT, free_port, running
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(180)]

TOKEN = "refused-token-0123456789"  # noqa: S105 - a token of this test alone
REFUSED_SECONDS = 15.0
"""How long a program may take to say so, its start included."""
EXECUTOR = {
    "LINK_URL": "https://fix.example.com",
    "LINK_KEYS": "0f" * 32,
    "PUBLIC_URL": "https://hooks.example.com",
    "APP_KEY": "key",
    "PARTNER_ID": "1",
    "PARTNER_SECRETS": "secret",
}
AGENT, BRIDGE = name_of(Component.AGENT), name_of(Component.BRIDGE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker that knows its clients by their certificates."""
    with secured(tmp_path_factory.mktemp("mtls"), by_certificate=True) as made:
        asyncio.run(prepare(made))
        yield made


def test_the_flow_by_client_certificates(cluster: Secured, tmp_path: Path) -> None:
    """Bridge and agent are known by the common names of their certificates, and a notification is decided on."""
    body = (ROOT / "tests" / "payloads" / "synthetic-txpush-account-modified-185.json").read_bytes()
    port = free_port()
    told = {"CALLBACK_TOKENS": TOKEN, "SIGNATURES": "log", "BRIDGE_PORT": str(port)}
    bridge = cluster.program(BRIDGE, "bridge", tmp_path, **told)
    agent = cluster.program(AGENT, "agent", tmp_path)
    with running(bridge, agent):
        assert httpx.post(f"http://127.0.0.1:{port}/{TOKEN}/txpush", content=body, timeout=10.0).status_code == 200
        agent.until(lambda: 'txpush_agent_commands_total{action="issue"' in agent.page("metrics"))


@contextmanager
def imposter(certificate: Path) -> Iterator[str]:
    """Give the address of a server that shows a certificate, and has nothing to say."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


async def refused(access: Access) -> str:
    """Give the words with which a first look at the cluster ends, in time."""
    async with asyncio.timeout(REFUSED_SECONDS):
        with pytest.raises(AccessRefusedError) as error:
            await applied.require(access, EMBEDDED)
    return str(error.value)


async def test_another_authority_is_refused(cluster: Secured, tmp_path: Path) -> None:
    """A broker whose certificate somebody else has signed is none of ours."""
    trustme.CA().cert_pem.write_to_path(str(other := tmp_path / "other.pem"))
    said = await refused(replace(cluster.access(AGENT), ca_file=other))
    assert f"is signed by nobody in TXPUSH_KAFKA_CA_FILE={other}" in said
    said = await refused(replace(cluster.access(AGENT), ca_file=None))
    assert "is signed by nobody the system trusts" in said
    assert said.endswith("set TXPUSH_KAFKA_CA_FILE")


async def test_another_name_is_refused(cluster: Secured) -> None:
    """A certificate is for the name under which the broker is reached, and that cannot be turned off."""
    elsewhere = cluster.bootstrap.replace("127.0.0.1", "localhost")
    said = await refused(replace(cluster.access(AGENT), bootstrap=elsewhere))
    assert f"the certificate of {elsewhere} is for another name" in said
    assert "TXPUSH_BOOTSTRAP has to name the brokers as their certificates do" in said


async def test_an_expired_certificate_is_refused(cluster: Secured, tmp_path: Path) -> None:
    """Its time is over, whoever signed it."""
    past = datetime.now(UTC) - timedelta(days=1)
    certificate = cluster.authority.issue_cert("127.0.0.1", not_after=past)
    with imposter(write_pem(certificate, tmp_path / "old.pem")) as address:
        said = await refused(replace(cluster.access(AGENT), bootstrap=address))
    assert f"the certificate of {address} is not valid today (certificate has expired): have it renewed" in said


async def test_no_certificate_of_ours_or_a_foreign_one_is_refused(cluster: Secured, tmp_path: Path) -> None:
    """The broker asks for one that its authority has signed."""
    said = await refused(replace(cluster.access(AGENT), certificate_file=None))
    assert "asks for a certificate of ours" in said
    assert "set TXPUSH_KAFKA_CERTIFICATE_FILE and TXPUSH_KAFKA_KEY_FILE" in said
    foreign = write_pem(trustme.CA().issue_cert("agent.example.com", common_name=AGENT), tmp_path / "foreign.pem")
    said = await refused(replace(cluster.access(AGENT), certificate_file=foreign))
    assert "refuses our certificate" in said
    assert f"see TXPUSH_KAFKA_CERTIFICATE_FILE={foreign}" in said


async def test_another_protocol_is_guessed_at(cluster: Secured) -> None:
    """A listener that hangs up may be going down, so it is asked again; the words name what may be the matter."""
    async with asyncio.timeout(REFUSED_SECONDS):
        with pytest.raises(KafkaError, match="does its listener speak TXPUSH_KAFKA_SECURITY_PROTOCOL=PLAINTEXT"):
            await applied.require(cluster.bootstrap, EMBEDDED)


async def test_a_running_bridge_says_what_is_wrong(cluster: Secured, tmp_path: Path) -> None:
    """One that was let in before, as when an authority is replaced, stays up and says so where readiness is asked."""
    trustme.CA().cert_pem.write_to_path(str(other := tmp_path / "other.pem"))
    access = replace(cluster.access(BRIDGE), ca_file=other)
    producer = LogProducer(ProducerSettings(access, (EVENTS, DEAD_LETTER)))
    await producer.start()
    try:
        await until(lambda: "TXPUSH_KAFKA_CA_FILE" in producer.problems()[0], REFUSED_SECONDS)
    finally:
        await producer.stop(1.0)


@pytest.mark.parametrize("name", ["bridge", "agent", "executor"])
def test_programs_end_with_the_words(cluster: Secured, tmp_path: Path, name: str) -> None:
    """A start with what the brokers refuse ends at once with 2: no waiting helps, and nothing was done."""
    trustme.CA().cert_pem.write_to_path(str(other := tmp_path / "other.pem"))
    settings = {"CALLBACK_TOKENS": TOKEN, "SIGNATURES": "log", "KAFKA_CA_FILE": str(other), **EXECUTOR}
    ended = cluster.run(f"txpush-{name}", name, **settings)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
    assert f"is signed by nobody in TXPUSH_KAFKA_CA_FILE={other}" in ended.stderr
