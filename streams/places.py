"""Where an error was raised, in words that quote nothing: what an error says may name somebody, or quote a record."""

import traceback


def place_of(error: Exception) -> str:
    """Name an error and the file and line that raised it, without what it says."""
    return placed(type(error).__name__, error)


def placed(name: str, error: BaseException) -> str:
    """Put the file and line that raised an error behind its name; nothing where it was not raised."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{name} at {frames[0].filename}:{frames[0].lineno}" if frames else name
