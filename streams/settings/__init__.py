"""The one place that reads settings: the environment (`TXPUSH_…`), a TOML file, and secrets from files."""

import difflib
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from schemas.problems import words_of
from streams.settings.logs import LogPart
from streams.settings.parts import (
    BridgePart,
    CanaryPart,
    ClusterPart,
    ExecutorPart,
    LinkPart,
    SandboxPart,
    SubscriptionsPart,
    VendorPart,
)
from streams.settings.security import SecurityPart

PREFIX = "TXPUSH_"
FILE_VARIABLE = "TXPUSH_SETTINGS_FILE"
SECRETS_VARIABLE = "TXPUSH_SECRETS_DIR"
CACHE_VARIABLE = "TXPUSH_CACHE_DIR"
NO_SETTINGS = frozenset({FILE_VARIABLE, SECRETS_VARIABLE, CACHE_VARIABLE})
"""Variables of ours that name places of files; the last is that of the embedded Kafka's archives."""


class SettingsError(ValueError):
    """The settings cannot be used: each line names the setting, what is wrong with it, and what is allowed."""


class Settings(
    CanaryPart,
    SandboxPart,
    ExecutorPart,
    LinkPart,
    VendorPart,
    SubscriptionsPart,
    BridgePart,
    LogPart,
    SecurityPart,
    ClusterPart,
    BaseSettings,
):
    """Everything that a component can be told; names are those of the environment without `TXPUSH_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

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


def _plainly(problem: ErrorDetails) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    if problem["type"] == "extra_forbidden":
        return _no_such(name)
    field = Settings.model_fields.get(name)
    allowed = f" ({field.description})" if field is not None else ""
    return f"{PREFIX}{name.upper()}: {words_of(problem)}{allowed}"
