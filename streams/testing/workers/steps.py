"""The steps of a partition's life, in the order of `streams.transport.partition`; anything may happen between two."""

from enum import StrEnum


class Step(StrEnum):
    """One step: it happens whole or not at all."""

    FENCE = "fence"
    """Start the transactional producer."""
    OFFSET = "offset"
    """Read the committed offset, and seek."""
    RESTORE = "restore"
    """Read the changelogs to their end."""
    OPEN = "open"
    """Take the tables, and tell the fold."""
    ANNOUNCE = "announce"
    """Write the rules in force into a log without any."""
    POLL = "poll"
    FOLD = "fold"
    TELL = "tell"
    """Write one event of the fold's into a log, outside of the transaction."""
    BEGIN = "begin"
    SEND = "send"
    """Write the records of one topic and partition in the transaction."""
    OFFSETS = "offsets"
    COMMIT = "commit"
    """Have the broker decide; the answer is heard with the next step, and the markers come by themselves."""
    APPLY = "apply"
    """Show the changes in memory, and tell the fold."""
    TICK = "tick"


WRITING = frozenset({Step.SEND, Step.OFFSETS, Step.COMMIT, Step.APPLY})
"""Steps before which a partition may not be given up: its transaction ends first."""
