"""How the brokers know us and we know them, in the standard terms of Kafka's clients: TLS, mTLS and SASL.

A name on a certificate that is not the host's is always refused: nothing here turns that off.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
TLS: frozenset[Protocol] = frozenset({"SSL", "SASL_SSL"})
SASL: frozenset[Protocol] = frozenset({"SASL_PLAINTEXT", "SASL_SSL"})

PROTOCOL = "TXPUSH_KAFKA_SECURITY_PROTOCOL"
CA_FILE = "TXPUSH_KAFKA_CA_FILE"
CERTIFICATE_FILE = "TXPUSH_KAFKA_CERTIFICATE_FILE"
KEY_FILE = "TXPUSH_KAFKA_KEY_FILE"
KEY_PASSWORD = "TXPUSH_KAFKA_KEY_PASSWORD"  # noqa: S105 - the name of the setting
MECHANISM = "TXPUSH_KAFKA_SASL_MECHANISM"
USERNAME = "TXPUSH_KAFKA_USERNAME"
PASSWORD = "TXPUSH_KAFKA_PASSWORD"  # noqa: S105 - the same
"""The settings, as everything that has to do with them names them."""


class SecurityPart(BaseModel):
    """How to talk to Kafka; each file is tried when the settings are read."""

    kafka_security_protocol: Protocol = Field(
        default="PLAINTEXT",
        description="what the brokers' listener speaks: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    )
    kafka_ca_file: Path | None = Field(
        default=None, description="PEM file of who signs the brokers' certificates; without it those the system trusts"
    )
    kafka_certificate_file: Path | None = Field(
        default=None, description="PEM file of our certificate and its chain, for brokers that ask for one (mTLS)"
    )
    kafka_key_password: SecretStr | None = Field(
        default=None, min_length=1, description="opens the private key, if that is encrypted"
    )
    kafka_key_file: Path | None = Field(
        default=None, validate_default=True, description="PEM file of its private key, if not in the same file"
    )
    kafka_sasl_mechanism: Mechanism = Field(
        default="SCRAM-SHA-512", description="SCRAM-SHA-512, SCRAM-SHA-256, or PLAIN (over TLS only)"
    )
    kafka_username: str | None = Field(
        default=None, validate_default=True, min_length=1, max_length=256, description="who we are, with SASL"
    )
    kafka_password: SecretStr | None = Field(
        default=None, validate_default=True, min_length=1, description="the password of that user"
    )

    @field_validator("kafka_ca_file", "kafka_certificate_file", "kafka_key_password")
    @classmethod
    def _over_tls(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and _protocol(info) not in (None, *TLS):
            raise ValueError(f"nobody looks at it without TLS: set {PROTOCOL} to SSL or SASL_SSL")
        return value

    @field_validator("kafka_ca_file")
    @classmethod
    def _authorities(cls, path: Path | None) -> Path | None:
        if path is not None:
            _certificates(path)
        return path

    @field_validator("kafka_certificate_file")
    @classmethod
    def _certificate(cls, path: Path | None) -> Path | None:
        if path is not None and (own := _certificates(path)[0]).not_valid_after_utc < datetime.now(UTC):
            raise ValueError(f"{path} has expired on {own.not_valid_after_utc:%Y-%m-%d}: have a new one made")
        return path

    @field_validator("kafka_key_file")
    @classmethod
    def _key(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if "kafka_certificate_file" not in info.data or "kafka_key_password" not in info.data:
            return path
        certificate: Path | None = info.data["kafka_certificate_file"]
        password: SecretStr | None = info.data["kafka_key_password"]
        if certificate is not None:
            _check_pair(certificate, path, password)
        elif path is not None or password is not None:
            raise ValueError(f"a key is of no use without its certificate: set {CERTIFICATE_FILE}")
        return path

    @field_validator("kafka_sasl_mechanism")
    @classmethod
    def _not_in_the_clear(cls, mechanism: Mechanism, info: ValidationInfo) -> Mechanism:
        if mechanism == "PLAIN" and _protocol(info) == "SASL_PLAINTEXT":
            raise ValueError(f"PLAIN without TLS shows the password to the network: use SCRAM, or {PROTOCOL}=SASL_SSL")
        return mechanism

    @field_validator("kafka_username", "kafka_password")
    @classmethod
    def _with_sasl(cls, value: object, info: ValidationInfo) -> object:
        protocol = _protocol(info)
        if protocol in SASL and value is None:
            raise ValueError(f"missing, and {PROTOCOL}={protocol} needs it")
        if protocol not in (None, *SASL) and value is not None:
            raise ValueError(f"nobody asks for it without SASL: set {PROTOCOL} to SASL_SSL")
        return value


def _protocol(info: ValidationInfo) -> Protocol | None:
    """Give the protocol; None where it is none, which is told already."""
    found: Protocol | None = info.data.get("kafka_security_protocol")
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except (ValueError, x509.InvalidVersion) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)") from error


def _check_pair(certificate: Path, key: Path | None, password: SecretStr | None) -> None:
    """Refuse a key that cannot be opened, or that is another certificate's."""
    place = key or certificate
    content, secret = _read(place), None if password is None else password.get_secret_value().encode()
    try:
        private = load_pem_private_key(content, secret)
    except TypeError as error:  # a password too many, or too few
        advice = "set" if secret is None else "unset"
        raise ValueError(f"{place}: {error}: {advice} {KEY_PASSWORD}") from error
    except (UnsupportedAlgorithm, ValueError) as error:
        what = "set this to where it is" if key is None else f"does {KEY_PASSWORD} open it?" if secret else "is it PEM?"
        raise ValueError(f"{place} holds no private key that can be read: {what}") from error
    try:
        is_pair = private.public_key() == _certificates(certificate)[0].public_key()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise ValueError(f"{certificate} is for a key of a kind that cannot be used: {error}") from error
    if not is_pair:
        raise ValueError(f"the key in {place} is not that of the certificate in {certificate}")
    try:
        tls_context(None, certificate, key, password)
    except ssl.SSLError as error:
        raise ValueError(f"{place} and {certificate} are refused by OpenSSL: {error.reason}") from error


def tls_context(
    ca_file: Path | None, certificate: Path | None, key: Path | None, password: SecretStr | None
) -> ssl.SSLContext:
    """Give what checks the brokers' certificates, and their names, and shows ours.

    Raises:
        OSError: a file cannot be read, or not used (ssl.SSLError).
    """
    context = ssl.create_default_context(cafile=ca_file)
    if certificate is not None:
        # Without a password OpenSSL would ask the terminal for one.
        context.load_cert_chain(certificate, key, "" if password is None else password.get_secret_value())
    return context
