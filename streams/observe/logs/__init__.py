"""The log of a process: structlog renders what is said through `logging`, by us and by what we are built on."""

from streams.observe.logs.setup import INHERITED, LogFormat, LogOptions, log_to_stderr

__all__ = ["INHERITED", "LogFormat", "LogOptions", "log_to_stderr"]
