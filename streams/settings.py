"""The one place that reads settings: the environment (`TXPUSH_…`), a TOML file, and secrets from files."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from schemas.contract.channels import PARTITIONS, REPLICAS

PREFIX = "TXPUSH_"
FILE_VARIABLE = "TXPUSH_SETTINGS_FILE"
SECRETS_VARIABLE = "TXPUSH_SECRETS_DIR"
CACHE_VARIABLE = "TXPUSH_CACHE_DIR"
TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,256}")
"""What stands in a path without escapes, and cannot be guessed."""
ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?):([0-9]{1,5})")
MAX_PORT = 65535
NO_SETTINGS = frozenset({FILE_VARIABLE, SECRETS_VARIABLE, CACHE_VARIABLE})
"""Variables of ours that name places of files; the last is that of the embedded Kafka's archives."""

Port = Annotated[int, Field(ge=0, le=MAX_PORT)]


class SettingsError(ValueError):
    """The settings cannot be used: each line names the setting, what is wrong with it, and what is allowed."""


class Settings(BaseSettings):
    """Everything that a component can be told; names are those of the environment without `TXPUSH_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    bootstrap: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Kafka addresses, host:port, comma between"
    )
    partitions: int = Field(default=PARTITIONS, ge=1, le=1000, description="partitions of every topic, for life")
    replication: int = Field(
        default=REPLICAS, ge=1, le=9, description="replicas of every topic; 1 only in the embedded set-up"
    )
    instance: str | None = Field(
        default=None, min_length=1, max_length=128, description="name of this worker, the same after a restart"
    )
    policy_file: Path | None = Field(default=None, description="policy to activate where none is in force yet")

    callback_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), max_length=2, description="secret path tokens of the callback URLs, two while one is replaced"
    )
    bridge_host: str = Field(default="127.0.0.1", description="address the bridge listens on")
    bridge_port: Port = Field(default=8080, description="port the bridge listens on")
    bridge_workers: int = Field(default=1, ge=1, le=64, description="bridge processes, one a core")
    max_body_bytes: int = Field(default=1 << 20, ge=1024, le=64 << 20, description="largest accepted request body")
    ack_seconds: float = Field(default=5.0, gt=0, le=60, description="how long the bridge waits for Kafka before 503")
    retry_after_seconds: int = Field(default=30, ge=1, le=3600, description="Retry-After of a 503")
    max_in_flight: int = Field(default=4096, ge=1, le=1_000_000, description="requests waiting for Kafka before 503")

    admin_host: str = Field(default="127.0.0.1", description="address of /metrics, /healthz and /readyz")
    admin_port: Port = Field(default=0, description="port of the same; 0 picks a free one")

    accept_dead_letters: bool = Field(
        default=False, description="go on above the policy's share of dead letters, for one run"
    )
    session_seconds: float = Field(default=10.0, ge=1, le=300, description="silence after which a worker is replaced")
    shutdown_seconds: float = Field(default=10.0, ge=1, le=120, description="longest orderly stop")

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, bootstrap: str) -> str:
        for address in bootstrap.split(","):
            match = ADDRESS.fullmatch(address.strip())
            if match is None or not 1 <= int(match[1]) <= MAX_PORT:
                raise ValueError(f"{address[:80]!r} is no host:port, as 127.0.0.1:9092 or [::1]:9092 is")
        return bootstrap

    @field_validator("callback_tokens", mode="before")
    @classmethod
    def _split_tokens(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value

    @field_validator("callback_tokens")
    @classmethod
    def _long_tokens(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(TOKEN.fullmatch(token.get_secret_value()) for token in tokens):
            raise ValueError("a token has 16 to 256 of A-Z a-z 0-9 . _ ~ - : make one with `openssl rand -hex 24`")
        return tokens

    @field_validator("shutdown_seconds")
    @classmethod
    def _longer_than_an_answer(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds <= info.data.get("ack_seconds", 0.0):
            raise ValueError(f"must be above {PREFIX}ACK_SECONDS, or an orderly stop cuts off answers")
        return seconds

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look at arguments first, then the environment, secret files, and the settings file."""
        del dotenv_settings, file_secret_settings
        sources = [init_settings, env_settings]
        secrets = os.environ.get(SECRETS_VARIABLE)
        if secrets and Path(secrets).is_dir():
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=secrets, env_prefix=""))
        if file := os.environ.get(FILE_VARIABLE):
            sources.append(TomlConfigSettingsSource(settings_cls, Path(file)))
        return tuple(sources)


def read_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - any setting by name
    """Read the settings; options of the command line that were given win.

    Raises:
        SettingsError: lists every problem at once.
    """
    problems = [*_missing_paths(), *_unknown_variables()]
    try:
        settings = Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        problems += map(_plainly, error.errors(include_url=False))
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{FILE_VARIABLE}: {os.environ.get(FILE_VARIABLE)} is not TOML: {error}; mend that line")
    except (OSError, RecursionError, ValueError) as error:
        problems.append(f"settings cannot be read: {error}; look at {FILE_VARIABLE} and {SECRETS_VARIABLE}")
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _missing_paths() -> Iterator[str]:
    """Refuse a named file or folder that is not there: the library would read nothing and say nothing."""
    for variable, is_there, kind in ((FILE_VARIABLE, Path.is_file, "file"), (SECRETS_VARIABLE, Path.is_dir, "folder")):
        path = os.environ.get(variable)
        if path and not is_there(Path(path)):
            yield f"{variable}: {path} is not a {kind}; make it or unset the variable"


def _unknown_variables() -> Iterator[str]:
    """Refuse a variable under our prefix that is no setting: a slip of the pen must not fall back to a default."""
    for variable in sorted(name.upper() for name in os.environ):
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable not in NO_SETTINGS and name not in Settings.model_fields:
            yield _no_such(name)


def _no_such(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, 1)
    advice = f"did you mean {PREFIX}{close[0].upper()}?" if close else "remove it"
    return f"{PREFIX}{name.upper()}: no such setting; {advice}"


def _plainly(problem: Any) -> str:  # noqa: ANN401 - pydantic's own record of a problem
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    if problem["type"] == "extra_forbidden":
        return _no_such(name)
    field = Settings.model_fields.get(name)
    allowed = f" ({field.description})" if field is not None else ""
    return f"{PREFIX}{name.upper()}: {problem['msg']}{allowed}"
