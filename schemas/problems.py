"""What was found wrong in what was read: what readers raise, and in words for whoever wrote it."""

from pydantic_core import ErrorDetails

UNREADABLE = (ValueError, RecursionError)
"""What reading any bytes may raise, as JSON, MessagePack or TOML and of whatever library: a ValueError of its own or of
`bytes.decode` and `int`, or the second where they are nested without end."""
_OWN = "Value error, "
"""What pydantic puts before the words of our own validators."""


def place_of(problem: ErrorDetails, whole: str) -> str:
    """Name the field, as `event.records.0.id`; `whole` where it is none in particular."""
    return ".".join(map(str, problem["loc"])) or whole


def words_of(problem: ErrorDetails) -> str:
    """Say what is wrong with it."""
    return problem["msg"].removeprefix(_OWN)
