"""Brokers that ask who somebody is: TLS on every listener, passwords or client certificates, and Kafka's authorizer."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.protocol.admin import SaslAuthenticateRequest_v0, SaslHandShakeRequest_v1
from cryptography import x509
from cryptography.x509.oid import NameOID

from streams.kafka.embedded.machine import HOST
from streams.kafka.embedded.process import ask, open_connection

SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class BrokerSecurity:
    """What brokers show, and whom they let in; nobody may do anything until an ACL says so, but the super users.

    Attributes:
        key_store: PEM file with the brokers' private key (PKCS #8) and their certificate, which is for 127.0.0.1 and
            good for clients too. Who shows the same is a super user.
        authorities: PEM file of who signed it, and signs the certificates of clients.
        passwords: of every user by name, for SCRAM and PLAIN over SASL_SSL; without any the listener asks for a
            client certificate (SSL), whose common name is the user.
        super_user: one of them who may do everything.
    """

    key_store: Path
    authorities: Path
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    super_user: str = "admin"

    @property
    def protocol(self) -> str:
        """Give the protocol of the clients' listener, which is also its name."""
        return "SASL_SSL" if self.passwords else "SSL"

    def properties(self) -> dict[str, str]:
        """Give what goes into `server.properties` beside the addresses."""
        (own,) = x509.load_pem_x509_certificate(self.key_store.read_bytes()).subject.get_attributes_for_oid(
            NameOID.COMMON_NAME
        )
        return {
            "inter.broker.listener.name": self.protocol,
            "listener.security.protocol.map": f"CONTROLLER:SSL,{self.protocol}:{self.protocol}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.key_store.resolve()),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authorities.resolve()),
            "ssl.principal.mapping.rules": r"RULE:^.*CN=([^,]+).*$/$1/",
            "listener.name.controller.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{own.value!s};User:{self.super_user}",
            **(self._sasl() if self.passwords else {"ssl.client.auth": "required"}),
        }

    def _sasl(self) -> dict[str, str]:
        known = " ".join(f'user_{name}="{password}"' for name, password in self.passwords.items())
        own = f'username="{self.super_user}" password="{self.passwords[self.super_user]}"'
        listener = "listener.name.sasl_ssl"
        return {
            "sasl.enabled.mechanisms": ",".join(("PLAIN", *SCRAM)),
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            f"{listener}.plain.sasl.jaas.config": f"{LOGIN}.plain.PlainLoginModule required {own} {known};",
            **{
                f"{listener}.{mechanism.lower()}.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;"
                for mechanism in SCRAM
            },
        }

    def format_options(self) -> list[str]:
        """Give the options that make the users' SCRAM credentials part of the first metadata."""
        return [
            option
            for name, password in self.passwords.items()
            for mechanism in SCRAM
            for option in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]

    def connect(self, port: int) -> socket.socket:
        """Open a connection as a super user. Raises OSError when the broker does not take it."""
        context = ssl.create_default_context(cafile=self.authorities)
        context.load_cert_chain(self.key_store)
        connection = context.wrap_socket(open_connection(port), server_hostname=HOST)
        if self.passwords:
            self._log_in(connection)
        return connection

    def _log_in(self, connection: socket.socket) -> None:
        secret = f"\0{self.super_user}\0{self.passwords[self.super_user]}"
        for request in (SaslHandShakeRequest_v1("PLAIN"), SaslAuthenticateRequest_v0(secret.encode())):
            if (answer := ask(connection, request)).error_code:
                raise ConnectionError(f"{self.super_user} is not let in (Kafka error {answer.error_code})")
