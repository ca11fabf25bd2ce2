"""What administrators write: settings, secrets, certificates and keys, a clock, the file of callers."""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from unittest.mock import patch

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from streams.bridge.services.callers import MAX_CALLERS, CallersError, read_callers
from streams.clock import WallClock, read_clock
from streams.settings import FILE_VARIABLE, SECRETS_VARIABLE, Settings, SettingsError, read_settings
from streams.settings.security import SecurityPart
from tests.fuzz.decoder import BETWEEN, Decoder
from tests.fuzz.standins import empty_folder, file_of

PROXY_SECRET = "p" * 32


def _callers(data: bytes) -> str:
    """Read the file of callers: who is known has been named, by a token's hash or, behind a proxy, by a certificate."""
    known = []
    with file_of(data) as path:
        for secrets in ((PROXY_SECRET,), ()):
            try:
                callers = read_callers(path, secrets)
            except CallersError:
                continue
            assert secrets or not callers.by_certificate
            assert all(re.fullmatch(rb"[0-9a-f]{64}", digest) for digest, _ in callers.by_token)
            every = {caller for _, caller in callers.by_token} | {*callers.by_certificate.values()}
            assert len(every) <= MAX_CALLERS
            assert all(caller.types <= {"account.challenged", "command.reported"} for caller in every)
            known.append(len(every))
    return f"{known}" if max(known, default=0) <= 2 else "more"


def _caller_seeds() -> Sequence[bytes]:
    digest = hashlib.sha256(b"token").hexdigest().encode()
    types = b'types = ["account.challenged", "command.reported"]\n'
    mailer = b"[mailer]\n" + types + b'token_sha256 = ["' + digest + b'"]\n'
    desk = b"[desk]\n" + types + b'certificates = ["CN=desk,O=Example"]\n'
    deep = [b"a = " + b"[" * 3000, b"a = " + b"{a=" * 3000, b"a." * 3000 + b"a = 1", b"[" * 3000]
    odd = [
        b"a = " + b"9" * 5000,
        b"a = 2026-02-30",
        b"a = inf",
        b'["\\u001b[2J"]\ntypes = 1',
        b"\xff",
        b"mailer = 1",
        b"",
    ]
    odd += [
        mailer.replace(digest, text)
        for text in (b"", digest[1:], digest.upper(), hashlib.sha256().hexdigest().encode())
    ]
    return [mailer, desk, mailer + desk, mailer + mailer.replace(b"mailer", b"other"), *deep, *odd]


def _settings(data: bytes) -> str:
    """Read settings from a file or, by the first byte, from a secret or a variable; none of them shows a secret."""
    kind, name, content = data[:1], FIELDS[data[1] % len(FIELDS)] if data[1:] else FIELDS[0], data[2:]
    folder = empty_folder()
    environment = {FILE_VARIABLE: str(folder / "settings.toml")} if kind == b"t" else {SECRETS_VARIABLE: str(folder)}
    (folder / ("settings.toml" if kind == b"t" else name)).write_bytes(content)
    if kind == b"v":
        text = content.replace(b"\0", b"").decode("utf-8", "surrogateescape")
        environment = {f"TXPUSH_{name.upper()}": text}
    with patch.dict(os.environ, environment):
        try:
            outcome, shown = "settings", str(read_settings())
        except SettingsError as error:
            outcome, shown = "refused", str(error)
    assert not _is_secret(name, content) or content.decode(errors="replace") not in shown
    return outcome


def _is_secret(name: str, content: bytes) -> bool:
    """Tell whether it is one, and long enough not to be in a message by chance."""
    return "SecretStr" in str(Settings.model_fields[name].annotation) and len(content) >= MIN_SECRET_BYTES


MIN_SECRET_BYTES = 12
FIELDS = [name for name in Settings.model_fields if not name.endswith(("_file", "_dir"))]
"""Those that name places are left out: nobody knows what a fuzzer would have us read."""


def _setting_seeds() -> Sequence[bytes]:
    values = {"partitions": b"3", "partner_secrets": b'["' + b"s" * 32 + b'"]', "bootstrap": b"kafka:9092,[::1]:9092"}
    values |= {"clock": b"2026-09-01T00:00:00Z,2026-11-01T00:00:00Z,60", "public_url": b"https://hooks.example.com"}
    places = [(kind, FIELDS.index(name), value) for name, value in values.items() if name in FIELDS for kind in b"sv"]
    named = [bytes((kind, at)) + value for kind, at, value in places]
    bad = (b"\xff", b"[" * 3000, b"9" * 5000, b'{"a":' * 3000, b"\xed\xa0\x80", b"", b"nan", b"-1")
    odd = [bytes((kind, at)) + bad[(kind + at) % len(bad)] for kind in b"sv" for at in range(len(FIELDS))]
    toml = [
        b"partitions = 3\n",
        b"partitions = " + b"9" * 5000,
        b"a = " + b"[" * 3000,
        b"partition = 3",
        b"[partitions]",
    ]
    toml += (b'bootstrap = "a"\nbootstrap = "b"', b"\xff", b"partitions = nan", b'path_tokens = "x"', b"")
    return [*named, *(b"t\0" + one for one in toml), *odd]


def _certificate(data: bytes) -> str:
    """Read what the brokers are shown, in PEM or, by the first byte, of what PEM has in it."""
    certificate, key, authority = [*data[1:].split(APART, 2), b"", b""][:3]
    if data[:1] == b"d":
        certificate, key, authority = (
            _pem(label, one) for label, one in zip(LABELS, (certificate, key, authority), strict=True)
        )
    with file_of(certificate) as first, file_of(key) as second, file_of(authority) as third:
        given = {
            "kafka_certificate_file": first,
            "kafka_key_file": second if key else None,
            "kafka_ca_file": third if authority else None,
        }
        try:
            SecurityPart.model_validate({"kafka_security_protocol": "SSL", **given})
        except ValidationError:
            return "refused"
    return "pair"


APART = BETWEEN * 3
"""DER may have one of these anywhere."""
LABELS = ("CERTIFICATE", "PRIVATE KEY", "CERTIFICATE")
OWN = trustme.CA(key_type=trustme.KeyType.ECDSA)
ISSUED = OWN.issue_cert("agent.example.com", key_type=trustme.KeyType.ECDSA)


def _pem(label: str, der: bytes) -> bytes:
    return (
        f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode() if der else b""
    )


def _certificate_seeds() -> Sequence[bytes]:
    own, key = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes()
    der = x509.load_pem_x509_certificate(own).public_bytes(Encoding.DER)
    plain = load_pem_private_key(key, None)
    pkcs8 = plain.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    sealed = plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    good = [b"p" + APART.join((own, key, OWN.cert_pem.bytes())), b"d" + APART.join((der, pkcs8)), b"p" + own + key]
    curve, rsa = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    odd = [
        b"d" + APART.join((der.replace(curve, other), pkcs8)) for other in (curve[:-1] + b"\x01", curve[:-1] + b"\x63")
    ]
    odd += [
        b"d" + APART.join((der, pkcs8.replace(curve, curve[:-1] + b"\x01"))),
        b"d" + der[:99],
        b"d" + der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),
        b"d" + der.replace(rsa, rsa[:-1] + b"\x02"),
    ]
    odd += [
        b"d" + APART.join((der, pkcs8.replace(rsa, rsa[:-1] + b"\x02"))),
        b"p" + APART.join((own, sealed)),
        b"p" + key,
    ]
    return [*good, *odd, b"p" + APART.join((own, own)), b"p\xff", b"p", b""]


def _clock(data: bytes) -> str:
    """Read a clock, as a setting or, by the first byte, from a file: it never shows what is still to come."""
    wall = WallClock()
    with file_of(data[1:]) as path:
        text = str(path) if data[:1] == b"f" else data[1:].decode("utf-8", "replace")
        if data[:1] != b"f" and text.startswith("/"):
            return "a place"
        try:
            clock = read_clock(text)
        except ValueError:
            return "refused"
        assert clock.now() <= wall.now()
        assert clock.now() <= wall.now()
    return type(clock).__name__


def _clock_seeds() -> Sequence[bytes]:
    good = b"2026-09-01T00:00:00Z,2026-11-01T00:00:00Z,43200"
    scales = (b"1e300", b"1e-300", b"nan", b"inf", b"-1", b"0", b"9" * 400, b"1_0", b"\xd9\xa1", b"1e308")
    odd = [good.replace(b"43200", scale) for scale in scales] + [good.replace(b"2026-11", b"9999-12"), good + b",1"]
    odd += [
        good.replace(b"2026-09", b"0001-01"),
        good.replace(b"Z", b""),
        good.replace(b"2026-11-01T00:00:00Z", b"9999-12-31T23:59:59-23:59"),
    ]
    odd += [one.replace(b"2026-09", b"0001-01").replace(b"2026-11", b"0001-01") for one in odd[:2]] + [
        b"",
        b",,",
        b"\xff",
        b"\n",
    ]
    odd += [good.replace(b"2026-09", b"0001-01").replace(b"2026-11", b"9999-11").replace(b"43200", b"1e300")]
    paced = [good, good + b"\n" + good.replace(b"43200", b"1"), b"\n" + good, good + b"\r" + good]
    return [b"s" + good, *(b"f" + one for one in paced), *(kind + one for kind in (b"s", b"f") for one in odd)]


SETTINGS = (
    Decoder("callers", _callers, _caller_seeds, frozenset({"[1, 1]", "[1]", "[2]", "[]"})),
    Decoder("certificate", _certificate, _certificate_seeds, frozenset({"pair", "refused"})),
    Decoder("clock", _clock, _clock_seeds, frozenset({"ScaledClock", "PacedClock", "refused"})),
    Decoder("settings", _settings, _setting_seeds, frozenset({"settings", "refused"})),
)
