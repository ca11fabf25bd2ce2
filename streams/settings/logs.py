"""What each process can be told about its log."""

import logging
import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from streams.observe.logs import LogFormat, LogOptions
from streams.settings.parts import Secrets, WorkerPart, split_list

LogLevel = Literal["debug", "info", "warning", "error"]
_KEY = re.compile(r"[0-9a-fA-F]{64}")


class LogPart(WorkerPart):
    """The log of every process, and how it names people there."""

    log_format: LogFormat = Field(
        default="human", description="form of the log on stderr: `human`, or `json`, an object a line"
    )
    log_level: LogLevel = Field(
        default="info", description="least level that is written: debug (a line a decision), info, warning, error"
    )
    pseudonym_keys: Secrets = Field(
        default=(),
        max_length=2,
        description="keys of customers' names in the log, 64 hex digits; the first is in use, a second one still finds",
    )

    _split_pseudonym_keys = field_validator("pseudonym_keys", mode="before")(split_list)

    @field_validator("pseudonym_keys")
    @classmethod
    def _whole_pseudonym_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(_KEY.fullmatch(key.get_secret_value()) for key in keys):
            raise ValueError("a key has 64 hex digits: make one with `openssl rand -hex 32`")
        return keys

    def log_options(self, component: str, *, at_least: int = logging.DEBUG) -> LogOptions:
        """Say how a component writes its log; what is below the level `at_least` it never does."""
        level = logging.getLevelNamesMapping()[self.log_level.upper()]
        keys = tuple(bytes.fromhex(key.get_secret_value()) for key in self.pseudonym_keys)
        return LogOptions(component, self.instance, self.log_format, max(level, at_least), keys)
