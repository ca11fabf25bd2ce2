"""What the brokers are shown: every value is tried when it is read, and what is wrong is told under its own name."""

import os
from base64 import b64decode, encodebytes
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.settings import SettingsError, read_settings

AUTHORITY = trustme.CA()
OWN = AUTHORITY.issue_cert("agent.example.com", common_name="agent")
OTHER = AUTHORITY.issue_cert("bridge.example.com", common_name="bridge")
SECRET = "of-the-key"  # noqa: S105 - of a key of this test
P256, SECP192R1, UNKNOWN = (b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01" + last for last in (b"\x07", b"\x01", b"\x63"))
TLS = {"SECURITY_PROTOCOL": "SSL"}
SASL = {"SECURITY_PROTOCOL": "SASL_SSL", "USERNAME": "agent", "PASSWORD": "secret"}


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with what an administrator may hand out, and an environment without settings of ours."""
    for name in [name for name in os.environ if name.upper().startswith("TXPUSH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    chain = b"".join(one.bytes() for one in OWN.cert_chain_pems)
    key = load_pem_private_key(OWN.private_key_pem.bytes(), None)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode()))
    expired = AUTHORITY.issue_cert("old.example.com", not_after=datetime.now(UTC) - timedelta(days=2))
    for name, content in {
        "ca.pem": AUTHORITY.cert_pem.bytes(),
        "own.pem": chain,
        "own.key": OWN.private_key_pem.bytes(),
        "both.pem": OWN.private_key_pem.bytes() + chain,
        "sealed.key": sealed,
        "other.key": OTHER.private_key_pem.bytes(),
        "old.pem": expired.cert_chain_pems[0].bytes(),
        "nothing.pem": b"nothing\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def given(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"TXPUSH_KAFKA_{name}", value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        TLS,
        TLS | {"CA_FILE": "ca.pem"},
        TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "own.key"},
        TLS | {"CERTIFICATE_FILE": "both.pem"},
        TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "sealed.key", "KEY_PASSWORD": SECRET},
        SASL | {"CA_FILE": "ca.pem", "CERTIFICATE_FILE": "both.pem", "SASL_MECHANISM": "PLAIN"},
        SASL | {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "SCRAM-SHA-256"},
    ],
    ids=lambda settings: " ".join(settings) or "nothing",
)
def test_what_fits_is_taken(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    """An open cluster, TLS with the system's authorities or one's own, a key beside its certificate or in it, SASL."""
    given(monkeypatch, settings)
    assert read_settings().kafka_security_protocol == settings.get("SECURITY_PROTOCOL", "PLAINTEXT")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, {"SECURITY_PROTOCOL": "Input should be 'PLAINTEXT', 'SSL'"}),
        ({"CA_FILE": "ca.pem"}, {"CA_FILE": "nobody looks at it without TLS"}),
        ({"CERTIFICATE_FILE": "both.pem"}, {"CERTIFICATE_FILE": "nobody looks at it without TLS"}),
        (TLS | {"CA_FILE": "gone.pem"}, {"CA_FILE": "gone.pem cannot be read: No such file or directory"}),
        (TLS | {"CA_FILE": "."}, {"CA_FILE": ". cannot be read: Is a directory"}),
        (TLS | {"CA_FILE": "nothing.pem"}, {"CA_FILE": "nothing.pem holds no certificate in PEM"}),
        (TLS | {"CERTIFICATE_FILE": "old.pem"}, {"CERTIFICATE_FILE": "old.pem has expired on 20"}),
        (
            TLS | {"CERTIFICATE_FILE": "own.pem"},
            {"KEY_FILE": "own.pem holds no private key that can be read: set this"},
        ),
        (TLS | {"KEY_FILE": "own.key"}, {"KEY_FILE": "of no use without its certificate"}),
        (TLS | {"KEY_PASSWORD": SECRET}, {"KEY_FILE": "of no use without its certificate"}),
        (
            TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "gone.key"},
            {"KEY_FILE": "gone.key cannot be read: No such"},
        ),
        (TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "nothing.pem"}, {"KEY_FILE": "is it PEM?"}),
        (
            TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "other.key"},
            {"KEY_FILE": "the key in other.key is not that of the certificate in own.pem"},
        ),
        (
            TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "sealed.key"},
            {"KEY_FILE": "set TXPUSH_KAFKA_KEY_PASSWORD"},
        ),
        (
            TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "own.key", "KEY_PASSWORD": SECRET},
            {"KEY_FILE": "unset TXPUSH_KAFKA_KEY_PASSWORD"},
        ),
        (
            TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "sealed.key", "KEY_PASSWORD": "another"},
            {"KEY_FILE": "does TXPUSH_KAFKA_KEY_PASSWORD open it?"},
        ),
        ({"USERNAME": "agent"}, {"USERNAME": "nobody asks for it without SASL"}),
        (TLS | {"PASSWORD": "secret"}, {"PASSWORD": "nobody asks for it without SASL"}),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, {"USERNAME": "missing", "PASSWORD": "missing"}),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "USERNAME": "agent"}, {"PASSWORD": "missing"}),
        (
            SASL | {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "PLAIN"},
            {"SASL_MECHANISM": "PLAIN without TLS shows the password to the network"},
        ),
        (
            SASL | {"SASL_MECHANISM": "GSSAPI", "CA_FILE": "gone.pem"},
            {"CA_FILE": "cannot be read", "SASL_MECHANISM": "Input should be 'SCRAM-SHA-512'"},
        ),
    ],
    ids=" ".join,
)
def test_what_does_not_fit_is_told_under_its_name(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], told: dict[str, str]
) -> None:
    """A line for each setting that has to be changed, which says what is wrong with it, and never its secret."""
    given(monkeypatch, settings)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"TXPUSH_KAFKA_{name}" for name in told]
    assert [line for line, words in zip(lines, told.values(), strict=True) if words not in line] == []
    assert SECRET not in str(refused.value)


def changed(pem: bytes, old: bytes, new: bytes) -> bytes:
    """Change what is in the first key or certificate of a PEM file."""
    lines = pem.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if line.startswith(b"-----END"))
    der = b64decode(b"".join(lines[1:end]))
    assert old in der
    return b"".join((lines[0], encodebytes(der.replace(old, new, 1)), lines[end]))


def test_a_certificate_of_no_version_is_told(monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    """One of a standard to come, or of none, is no certificate."""
    version = b"\xa0\x03\x02\x01"
    (files / "ca.pem").write_bytes(changed((files / "ca.pem").read_bytes(), version + b"\x02", version + b"\x09"))
    given(monkeypatch, TLS | {"CA_FILE": "ca.pem"})
    with pytest.raises(SettingsError, match=r"KAFKA_CA_FILE: ca\.pem holds no certificate in PEM"):
        read_settings()


@pytest.mark.parametrize("curve", [SECP192R1, UNKNOWN])
@pytest.mark.parametrize(
    ("name", "told"),
    [("own.key", "own.key holds no private key that can be read"), ("own.pem", "own.pem is for a key of a kind that")],
)
def test_a_key_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, files: Path, name: str, told: str, curve: bytes
) -> None:
    """There are more kinds of keys than we can use; one of them is a setting to be changed, as any other."""
    pkcs8 = load_pem_private_key(OWN.private_key_pem.bytes(), None)
    (files / "own.key").write_bytes(pkcs8.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (files / name).write_bytes(changed((files / name).read_bytes(), P256, curve))
    given(monkeypatch, TLS | {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "own.key"})
    with pytest.raises(SettingsError, match=told):
        read_settings()


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    """Passwords are read from the folder of secrets, without the end of the line, and are not shown."""
    (files / "secrets").mkdir()
    (files / "secrets" / "kafka_password").write_text("secret\n")
    (files / "secrets" / "kafka_key_password").write_text(f"{SECRET}\n")
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(files / "secrets"))
    given(monkeypatch, {"SECURITY_PROTOCOL": "SASL_SSL", "USERNAME": "agent"})
    given(monkeypatch, {"CERTIFICATE_FILE": "own.pem", "KEY_FILE": "sealed.key"})
    settings = read_settings()
    assert settings.kafka_password is not None
    assert settings.kafka_password.get_secret_value() == "secret"
    assert "'secret'" not in repr(settings)
    assert SECRET not in repr(settings)
