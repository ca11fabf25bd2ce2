"""A cluster that asks who somebody is, with certificates of the test's own, and our programs as users of it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from schemas.contract.channels import Component
from streams.kafka import applied, topics
from streams.kafka.access import Access
from streams.kafka.acls import cluster as acls
from streams.kafka.acls.users import User, users
from streams.kafka.embedded import BrokerSecurity, ClusterSpec, EmbeddedKafka
from tests.processes import CLI, Program, run, settings_for

ADMIN = "admin"
MAILER = "mailer"
SECONDS = 60.0
USERS = users([f"downstream=User:{MAILER}"])
NAMES = {user.component: user.principal.removeprefix("User:") for user in USERS}


def password_of(name: str) -> str:
    """Give the password of a user of these tests."""
    return f"pass-{name}"


def write_pem(certificate: trustme.LeafCert, path: Path) -> Path:
    """Write key and chain into one file; Java reads keys as PKCS #8 only."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(text + b"".join(one.bytes() for one in certificate.cert_chain_pems))
    return path


@dataclass(frozen=True)
class Secured:
    """A running cluster, and how each user reaches it."""

    bootstrap: str
    authority: trustme.CA
    ca_file: Path
    folder: Path
    protocol: str

    def access(self, name: str) -> Access:
        """Give the access of a user."""
        if self.protocol == "SSL":
            return Access(self.bootstrap, "SSL", self.ca_file, self.certificate(name))
        return Access(self.bootstrap, "SASL_SSL", self.ca_file, username=name, password=SecretStr(password_of(name)))

    def certificate(self, name: str) -> Path:
        """Give the file with a user's key and certificate, made when it is first asked for."""
        path = self.folder / f"{name}.pem"
        if not path.exists():
            write_pem(self.authority.issue_cert(f"{name}.example.com", common_name=name), path)
        return path

    def identity(self, name: str) -> dict[str, str]:
        """Give the settings by which a program is this user, without their prefix."""
        by = {
            "SSL": {"KAFKA_CERTIFICATE_FILE": str(self.access(name).certificate_file)},
            "SASL_SSL": {"KAFKA_USERNAME": name, "KAFKA_PASSWORD": password_of(name)},
        }
        return {"KAFKA_SECURITY_PROTOCOL": self.protocol, "KAFKA_CA_FILE": str(self.ca_file), **by[self.protocol]}

    def program(self, name: str, command: str, folder: Path, **more: str) -> Program:
        """Give a program that is this user; its log is named as its command."""
        settings = settings_for(self.bootstrap, **self.identity(name), **more)
        return Program((*CLI, command), settings, folder / command)

    def run(self, name: str, *words: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        """Run a command that ends, as a user."""
        settings = settings_for(self.bootstrap, **(self.identity(name) | changed))
        return run((*CLI, *words), settings, SECONDS)

    def librdkafka(self, name: str, **more: object) -> dict[str, Any]:
        """Give the configuration of another client than ours, as a user."""
        certificate = str(self.certificate(name))
        by = {
            "SSL": {"ssl.certificate.location": certificate, "ssl.key.location": certificate},
            "SASL_SSL": {
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": name,
                "sasl.password": password_of(name),
            },
        }
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.protocol,
            "ssl.ca.location": str(self.ca_file),
            "log_level": 0,
            **by[self.protocol],
            **more,
        }


@contextmanager
def secured(folder: Path, authority: trustme.CA | None = None, *, by_certificate: bool = False) -> Iterator[Secured]:
    """Run a cluster without topics on which nobody but the super users has a right."""
    authority = authority or trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    key_store = write_pem(authority.issue_cert("127.0.0.1", common_name=ADMIN), folder / f"{ADMIN}.pem")
    names = [] if by_certificate else [ADMIN, *NAMES.values()]
    security = BrokerSecurity(key_store, ca_file, {name: password_of(name) for name in names}, ADMIN)
    with EmbeddedKafka(ClusterSpec(security=security)) as kafka:
        yield Secured(kafka.bootstrap, authority, ca_file, folder, security.protocol)


async def prepare(cluster: Secured, chosen: list[User] = USERS) -> None:
    """Make the topics and put the ACLs in force, as the administrator."""
    admin = cluster.access(ADMIN)
    await applied.apply(admin, topics.EMBEDDED)
    await acls.apply(admin, chosen)
    assert await acls.check(admin, chosen) == []


def name_of(component: Component) -> str:
    """Give the user that runs a component."""
    return NAMES[component]
