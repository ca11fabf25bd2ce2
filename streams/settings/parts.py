"""What each component can be told; names are those of the environment without `TXPUSH_`."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, PlainValidator, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from schemas.contract.channels import PARTITIONS, REPLICAS
from streams.clock import PacedClock, ScaledClock, read_clock
from streams.ports import MAX_PORT

TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,256}")
"""What stands in a path without escapes, and cannot be guessed."""

LINK_KEY = re.compile(r"[0-9a-fA-F]{64}")
"""256 bits in hex."""

Port = Annotated[int, Field(ge=0, le=MAX_PORT)]
KAFKA_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?):([0-9]{1,5})")
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
"""The one in use and, while it is replaced, the one before it; a comma between them."""
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]
Address = Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+$")]
"""Scheme, host and perhaps a port, as others reach us; no path."""

_ENCRYPTED_OR_NEAR = re.compile(r"https://|http://(127\.|\[::1\]|[^.:]+(:|$))")
"""Over TLS, or on this machine or network: a loopback address, or a name without a domain."""


def _encrypted(url: str) -> str:
    if not _ENCRYPTED_OR_NEAR.match(url):
        raise ValueError("write https://, as tokens, secrets and bodies would be readable on the way")
    return url


PrivateAddress = Annotated[Address, AfterValidator(_encrypted)]
"""The same, of what is secret on the way."""

SignatureMode = Literal["enforce", "log"]
SignatureStrategy = Literal["concat-hex", "concat-base64", "newline-hex", "newline-base64"]
"""Values of `streams.signatures.Strategy`, which stands above the settings."""
MIN_KEY_CHARACTERS = 32


def split_list(value: object) -> object:
    """Take apart what stands in one variable with commas between; anything else is left as it is."""
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


def _read_clock(value: object) -> ScaledClock | PacedClock:
    return value if isinstance(value, ScaledClock | PacedClock) else read_clock(str(value))


class ClusterPart(BaseModel):
    """Kafka and the layout of its topics."""

    bootstrap: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Kafka addresses, host:port, comma between"
    )
    partitions: int = Field(default=PARTITIONS, ge=1, le=1000, description="partitions of every topic, for life")
    replication: int = Field(
        default=REPLICAS, ge=1, le=9, description="replicas of every topic; 1 only in the embedded set-up"
    )

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, bootstrap: str) -> str:
        for address in bootstrap.split(","):
            match = KAFKA_ADDRESS.fullmatch(address.strip())
            if match is None or not 1 <= int(match[1]) <= MAX_PORT:
                raise ValueError(f"{address[:80]!r} is no host:port, as 127.0.0.1:9092 or [::1]:9092 is")
        return bootstrap


class WorkerPart(BaseModel):
    """Every process, and the folds among them."""

    instance: str | None = Field(
        default=None, min_length=1, max_length=128, description="name of this worker alone, the same after a restart"
    )
    policy_file: Path | None = Field(default=None, description="policy to activate where none is in force yet")
    clock: Annotated[ScaledClock | PacedClock, PlainValidator(_read_clock)] | None = Field(
        default=None,
        description="`start,began,scale` of a faster clock, or a file of them; for clusters of `txpush kafka` only",
    )
    admin_host: str = Field(default="127.0.0.1", description="address of /metrics, /healthz and /readyz")
    admin_port: Port = Field(default=0, description="port of the same; 0 picks a free one")
    state_dir: Path | None = Field(
        default=None, description="folder of this worker alone where agents keep their state for a faster restart"
    )
    session_seconds: float = Field(default=10.0, ge=1, le=300, description="silence after which a worker is replaced")
    shutdown_seconds: float = Field(default=10.0, ge=1, le=120, description="longest orderly stop")

    @field_validator("state_dir", mode="before")
    @classmethod
    def _named(cls, folder: object) -> object:
        return None if folder == "" else folder


class BridgePart(BaseModel):
    """The bridge: what the vendor and the user's own services post to."""

    callback_tokens: Secrets = Field(
        default=(), max_length=2, description="secret path tokens of the callback URLs, two while one is replaced"
    )
    public_url: PrivateAddress | None = Field(
        default=None, description="where the vendor reaches the bridge, `https://host`; its host is part of signatures"
    )
    signatures: SignatureMode = Field(
        default="enforce",
        description="what becomes of a body that the vendor did not sign: `enforce` refuses, `log` counts",
    )
    signature_strategy: SignatureStrategy = Field(
        default="concat-hex", description="form of TxPUSH signatures, which no document settles; `log` finds it"
    )
    callers_file: Path | None = Field(
        default=None, description="TOML file of the services that may post events, and of what types"
    )
    proxy_secrets: Secrets = Field(
        default=(), max_length=2, description="what the TLS proxy shows to be believed the client's name and address"
    )
    client_name_header: str = Field(
        default="x-client-name",
        pattern=r"^[a-z0-9-]{1,64}$",
        description="header in which the TLS proxy names a client by its certificate",
    )
    vendor_networks: Networks = Field(
        default=(), max_length=64, description="networks that notifications may come from, as 192.0.2.0/24; none: any"
    )
    forwarded_hops: int = Field(
        default=0, ge=0, le=8, description="proxies in front that add to `x-forwarded-for`; 0: it counts for nothing"
    )
    failures_per_minute: int = Field(
        default=60, ge=1, le=1_000_000, description="refused requests of one address before 429; needs the hops"
    )
    bridge_host: str = Field(default="127.0.0.1", description="address the bridge listens on")
    bridge_port: Port = Field(default=8080, description="port the bridge listens on")
    bridge_workers: int = Field(default=1, ge=1, le=64, description="bridge processes, one a core")
    max_body_bytes: int = Field(default=1 << 20, ge=1024, le=64 << 20, description="largest accepted request body")
    ack_seconds: float = Field(default=5.0, gt=0, le=60, description="how long the bridge waits for Kafka before 503")
    retry_after_seconds: int = Field(default=30, ge=1, le=3600, description="Retry-After of a 503")
    max_in_flight: int = Field(default=4096, ge=1, le=1_000_000, description="requests waiting for Kafka before 503")
    max_held_bytes: int = Field(
        default=64 << 20, ge=1024, le=8 << 30, description="bytes of large bodies held at once before 503"
    )

    _split_tokens = field_validator("callback_tokens", "proxy_secrets", "vendor_networks", mode="before")(split_list)

    @field_validator("callback_tokens", "proxy_secrets")
    @classmethod
    def _long_tokens(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(TOKEN.fullmatch(token.get_secret_value()) for token in tokens):
            raise ValueError("a token has 16 to 256 of A-Z a-z 0-9 . _ ~ - : make one with `openssl rand -hex 24`")
        return tokens

    @field_validator("max_held_bytes")
    @classmethod
    def _for_one_body(cls, held: int, info: ValidationInfo) -> int:
        if held < info.data.get("max_body_bytes", 0):
            raise ValueError("must not be below TXPUSH_MAX_BODY_BYTES, or the largest body finds no room")
        return held

    @field_validator("ack_seconds")
    @classmethod
    def _within_a_stop(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds >= info.data.get("shutdown_seconds", float("inf")):
            raise ValueError("must be below TXPUSH_SHUTDOWN_SECONDS, or an orderly stop cuts off answers")
        return seconds


class SubscriptionsPart(BaseModel):
    """Signing keys of TxPUSH subscriptions, as they are kept."""

    sealing_keys: Secrets = Field(
        default=(), max_length=2, description="seal signing keys in Kafka; the first seals, a second one still opens"
    )

    _split_keys = field_validator("sealing_keys", mode="before")(split_list)

    @field_validator("sealing_keys")
    @classmethod
    def _long_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(len(key.get_secret_value()) >= MIN_KEY_CHARACTERS for key in keys):
            raise ValueError(f"a key has {MIN_KEY_CHARACTERS} characters or more: make one with `openssl rand -hex 32`")
        return keys


class VendorPart(BaseModel):
    """The vendor's API and our account there."""

    vendor_url: PrivateAddress = Field(
        default="https://api.finicity.com", description="the vendor's API, or a sandbox of it"
    )
    app_key: SecretStr | None = Field(default=None, description="Finicity-App-Key of the partner")
    partner_id: str | None = Field(default=None, min_length=1, max_length=64, description="id of the partner")
    partner_secrets: Secrets = Field(
        default=(), max_length=2, description="secret of the partner; a second one still checks signatures"
    )
    vendor_seconds: float = Field(default=30.0, gt=0, le=180, description="longest wait for an answer of the vendor")
    vendor_deadline_seconds: float = Field(
        default=60.0, gt=0, le=600, description="longest wait for a call of the vendor, with its repetitions"
    )
    vendor_per_second: float = Field(
        default=10.0,
        gt=0,
        le=1000,
        description="calls a second to the vendor of one process, at most; the limit of the app key is of all",
    )
    vendor_institution_per_second: float = Field(
        default=2.0, gt=0, le=1000, description="calls a second of one process that concern one institution, at most"
    )

    _split_secrets = field_validator("partner_secrets", mode="before")(split_list)


class SandboxPart(BaseModel):
    """The stand-in for the vendor's API."""

    sandbox_host: str = Field(default="127.0.0.1", description="address the sandbox listens on")
    sandbox_port: Port = Field(default=8099, description="port the sandbox listens on")
    sandbox_seed: str = Field(
        default="sandbox", min_length=1, max_length=128, description="what keys, tokens and faults of it follow from"
    )
    sandbox_any_port: bool = Field(
        default=False, description="let it call listeners of other machines on ports other than 80 and 443"
    )


class CanaryPart(BaseModel):
    """The signs of life."""

    canary_url: Address = Field(
        default="http://127.0.0.1:8080",
        description="the bridge, as the canary reaches it: `http://host` or `https://host`",
    )
    canary_token: SecretStr | None = Field(
        default=None, description="token of the caller that may send `canary.sent`, see TXPUSH_CALLERS_FILE"
    )


class LinkPart(BaseModel):
    """The links that commands carry: the agent seals them, the executor opens them."""

    link_url: PrivateAddress | None = Field(
        default=None, description="where customers reach the executor, `https://host`; without it commands have no link"
    )
    link_keys: Secrets = Field(
        default=(), max_length=2, description="keys of the links, 64 hex digits; the first seals, both open"
    )

    _split_link_keys = field_validator("link_keys", mode="before")(split_list)

    @field_validator("link_keys")
    @classmethod
    def _whole_link_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(LINK_KEY.fullmatch(key.get_secret_value()) for key in keys):
            raise ValueError("a key has 64 hex digits: make one with `openssl rand -hex 32`")
        return keys


class ExecutorPart(BaseModel):
    """The executor: what customers' links open."""

    executor_host: str = Field(default="127.0.0.1", description="address the executor listens on")
    executor_port: Port = Field(default=8085, description="port the executor listens on")
    links_per_second: float = Field(
        default=5.0, gt=0, le=1000, description="links of customers turned into sessions a second, at most"
    )
