"""How every client of ours reaches a cluster, and as whom: what aiokafka is told is made here and nowhere else."""

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import SecretStr

from streams.settings import Settings
from streams.settings.security import SASL, TLS, Mechanism, Protocol, tls_context

OPEN: Protocol = "PLAINTEXT"
"""What a cluster speaks that asks nobody who it is."""


class ClusterError(RuntimeError):
    """The cluster cannot be used as it is, nor as we are: the message says what to mend."""


class AccessRefusedError(ClusterError):
    """The brokers and we do not accept each other, or they give us no right; the message names what to look at."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where a cluster is, and what we show there; in texts it is its addresses.

    Attributes:
        bootstrap: Kafka's addresses, `host:port` with commas between.
        ca_file: who signs the brokers' certificates; None for those the system trusts.
        certificate_file: ours, for brokers that ask for one.
        key_file: its private key; None where that is in the same file.
    """

    bootstrap: str
    protocol: Protocol = OPEN
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = field(default=None, repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: SecretStr | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Access":
        """Take it from the settings of the process."""
        return cls(
            bootstrap=settings.bootstrap,
            protocol=settings.kafka_security_protocol,
            ca_file=settings.kafka_ca_file,
            certificate_file=settings.kafka_certificate_file,
            key_file=settings.kafka_key_file,
            key_password=settings.kafka_key_password,
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_username,
            password=settings.kafka_password,
        )

    def __str__(self) -> str:
        """Give the addresses."""
        return self.bootstrap

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Give what checks the brokers and shows our certificate; None without TLS. The files are read once."""
        if self.protocol not in TLS:
            return None
        return _context(self.ca_file, self.certificate_file, self.key_file, self.key_password)

    def security(self) -> dict[str, Any]:
        """Give what a client of aiokafka is told beside the addresses."""
        told: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.tls}
        if self.protocol in SASL and self.password is not None:
            told |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password.get_secret_value(),
            }
        return told


_context = lru_cache(maxsize=8)(tls_context)

Bootstrap: TypeAlias = Access | str
"""A cluster; a text is the addresses of one that is open to everybody, as `txpush kafka` starts it."""


def access_to(cluster: Bootstrap) -> Access:
    """Give the access to a cluster."""
    return Access(cluster) if isinstance(cluster, str) else cluster


def client_arguments(cluster: Bootstrap) -> dict[str, Any]:
    """Give the arguments with which a client of aiokafka, of any kind, is made."""
    access = access_to(cluster)
    return {"bootstrap_servers": access.bootstrap, **access.security()}
