"""What brokers that ask who somebody is are told."""

from pathlib import Path

import pytest
import trustme

from streams.kafka.embedded import BrokerSecurity


@pytest.fixture
def key_store(tmp_path: Path) -> Path:
    certificate = trustme.CA().issue_cert("127.0.0.1", common_name="broker")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "broker.pem"))
    return tmp_path / "broker.pem"


def test_nobody_has_a_right_but_the_super_users(key_store: Path) -> None:
    """The authorizer is on, and lets pass the user that is named and whoever shows the brokers' own certificate."""
    told = BrokerSecurity(key_store, key_store, {"admin": "secret"}).properties()
    assert told["authorizer.class.name"].endswith("StandardAuthorizer")
    assert told["super.users"] == "User:broker;User:admin"
    assert "allow.everyone.if.no.acl.found" not in told
    assert told["listener.name.controller.ssl.client.auth"] == "required"


def test_no_listener_is_open(key_store: Path) -> None:
    """Passwords go over TLS; without any, clients show certificates."""
    by_password = BrokerSecurity(key_store, key_store, {"admin": "secret", "agent": "other"})
    by_certificate = BrokerSecurity(key_store, key_store)
    assert by_password.properties()["listener.security.protocol.map"] == "CONTROLLER:SSL,SASL_SSL:SASL_SSL"
    assert by_certificate.properties()["listener.security.protocol.map"] == "CONTROLLER:SSL,SSL:SSL"
    assert by_certificate.properties()["ssl.client.auth"] == "required"
    assert by_password.format_options()[:2] == ["--add-scram", "SCRAM-SHA-256=[name=admin,password=secret]"]
    assert len(by_password.format_options()) == 8
    assert by_certificate.format_options() == []
    assert "secret" not in repr(by_password)
