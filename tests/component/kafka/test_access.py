"""How clients are made: as the settings say, all of them, and with the names on certificates checked."""

import ast
import pickle
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from faust.auth import SASLCredentials, SSLCredentials
from pydantic import SecretStr

import streams
from streams.clock import WallClock
from streams.kafka.access import Access, client_arguments
from streams.settings import Settings
from streams.transport.settings import FoldSettings
from streams.worker.app import new_app

PASSWORD = "of-the-agent"  # noqa: S105 - of this test
CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient", "create_conn", "FoldApp"}
MADE_BY = {
    "client_arguments": "what the settings say",
    "security": "the same without the addresses",
    "chosen": "what a service of others is given, the executor's among them",
}
PACKAGE = Path(streams.__file__).parent


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def test_an_open_cluster_is_its_addresses() -> None:
    """Without settings nothing is shown and nothing is checked."""
    told = {"bootstrap_servers": "kafka:9092", "security_protocol": "PLAINTEXT", "ssl_context": None}
    assert client_arguments("kafka:9092") == client_arguments(Access("kafka:9092")) == told
    assert client_arguments(Access.of(Settings(bootstrap="kafka:9092"))) == told


def test_a_client_is_told_what_the_settings_say(ca_file: Path) -> None:
    """User, password, mechanism, and a context that checks certificates and the names on them."""
    settings = Settings(
        bootstrap="kafka:9093",
        kafka_security_protocol="SASL_SSL",
        kafka_ca_file=ca_file,
        kafka_sasl_mechanism="SCRAM-SHA-256",
        kafka_username="agent",
        kafka_password=SecretStr(PASSWORD),
    )
    told = client_arguments(Access.of(settings))
    context = told.pop("ssl_context")
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1
    assert told == {
        "bootstrap_servers": "kafka:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "agent",
        "sasl_plain_password": PASSWORD,
    }


def test_an_access_is_its_addresses_in_texts_and_shows_no_secret(ca_file: Path) -> None:
    """It may stand in a log line, and goes to the worker processes of the bridge."""
    access = Access("kafka:9093", "SASL_SSL", ca_file, username="agent", password=SecretStr(PASSWORD))
    assert str(access) == "kafka:9093"
    assert PASSWORD not in repr(access)
    assert client_arguments(access)["ssl_context"] is not None
    assert pickle.loads(pickle.dumps(access)) == access  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("access", "kind", "protocol"),
    [
        (Access("kafka:9092"), None, None),
        (Access("kafka:9093", "SSL"), SSLCredentials, "SSL"),
        (Access("kafka:9093", "SASL_SSL", username="agent", password=SecretStr(PASSWORD)), SASLCredentials, "SASL_SSL"),
    ],
)
def test_fausts_own_clients_are_told_the_same(access: Access, kind: type | None, protocol: str | None) -> None:
    """Faust makes a producer of its own at every start."""
    app = new_app(FoldSettings(access, "app", "log", 3, WallClock()))
    credentials = app.conf.broker_credentials
    assert (None if credentials is None else type(credentials)) is kind
    assert (None if credentials is None else credentials.protocol.value) == protocol
    if isinstance(credentials, SASLCredentials):
        assert (credentials.username, credentials.password) == ("agent", PASSWORD)
        assert credentials.mechanism.value == access.mechanism


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Give every call of the package: its file, what is called, and by which name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield str(path.relative_to(PACKAGE)), node, name


def test_no_client_is_made_without_them() -> None:
    """Every client of aiokafka takes its arguments from one function, and Faust's application its credentials."""
    made = [(path, call) for path, call, name in calls() if name in CLIENTS]
    bare = [f"{path}:{call.lineno}" for path, call in made if not _arguments(call) & {*MADE_BY, "broker_credentials"}]
    assert len(made) >= 18
    assert bare == []


def _arguments(call: ast.Call) -> set[str]:
    """Give the names of what is unpacked into a call, and of its other arguments."""
    given = set()
    for keyword in call.keywords:
        value = keyword.value.func if isinstance(keyword.value, ast.Call) else keyword.value
        name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
        given.add(name if keyword.arg is None else keyword.arg)
    return given


def test_no_cluster_is_reached_by_the_addresses_of_the_settings_alone() -> None:
    """They stand in texts only: whoever is to connect is given the access."""
    in_texts = {"warning", "write", "_refuse", "refuse"}
    bare = [
        f"{path}:{call.lineno}"
        for path, call, name in calls()
        if name not in in_texts and "streams.settings import" in (PACKAGE / path).read_text()
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        if ast.unparse(argument) == "settings.bootstrap"
    ]
    assert [one for one in bare if not one.startswith(("kafka/access.py", "transport/", "worker/app.py"))] == []
