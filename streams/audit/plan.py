"""What is to be proven of a partition: from where, up to where, and what it has to agree with on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.canary import CANARY_TOPIC
from streams.fold.chain import NO_INPUTS
from streams.history import Span
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS, LOOKUP, SIGNALS, TICKETS

LOGS = (EVENTS, SIGNALS)
SAID_OF: Mapping[str, tuple[str, ...]] = {
    EVENTS: (*CUSTOMER_COMMANDS, LOOKUP, CANARY_TOPIC),
    SIGNALS: (TICKETS,),
}
"""Topics that decisions on a log write to in its own partition, in their order."""
OUTPUTS = (*SAID_OF[EVENTS], *SAID_OF[SIGNALS], DEAD_LETTER)
READ = (AUDIT, *LOGS, *OUTPUTS)


class Mark(NamedTuple):
    """What a chain has to have come to before the record at `next_offset` of its log."""

    head: str
    inputs: str
    next_offset: int
    named: str
    """Who says so, in words: the state, or a checkpoint."""
    is_needed: bool = False
    """Whether a chain that begins behind it is at fault: nothing else says that it is the one of before."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a chain is taken up.

    Attributes:
        head: the hash of the last decision before; None where it is not known, and taken from the first that is there.
        inputs: the roll over the inbound records since that decision.
        next_offset: the first inbound record that is not in them; None where that is not known either.
        decisions: how many there were before; None where nobody knows.
        checked_to: up to where signals were compared, of a partition of theirs.
        audit_at: the offset of the first audit record that is not before it.
    """

    head: str | None = None
    inputs: str = NO_INPUTS
    next_offset: int | None = None
    decisions: int | None = None
    checked_to: int | None = None
    audit_at: int = 0


@dataclass(frozen=True, slots=True)
class LogPlan:
    """One log of the partition.

    Attributes:
        firsts: what the first decision may go on from: the names of the log, hashed.
        span: what is there of the log.
        start: where to take it up; its `next_offset` wins over the span's begin.
        marks: what it has to agree with, by offset; the last is the state's, where that is known.
        must_begin: the first decision that comes has to be the first of the log.
    """

    firsts: frozenset[str]
    span: Span
    start: Start
    marks: tuple[Mark, ...] = ()
    must_begin: bool = False


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """One topic of messages of decisions on one log.

    Attributes:
        span: what is read of it.
        sure: the offset up to which every message has its decision among the audit records that are read.
        is_exact: the span begins with the first message of the first decision that is read.
        kept_ms: milliseconds since 1970; what is younger cannot be gone by itself. None where nobody knows the present.
    """

    span: Span
    sure: int
    is_exact: bool
    kept_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """All of one partition number.

    Attributes:
        audit: what is read of the audit records.
        is_whole: they begin with the first ones, or exactly where the starts say.
        is_cut: they end before their end, as somebody asked for a time.
    """

    number: int
    audit: Span
    is_whole: bool
    is_cut: bool
    logs: Mapping[str, LogPlan]
    outputs: Mapping[tuple[str, str], OutputPlan]
    """By log and topic."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How to prove, the same for all partitions.

    Attributes:
        partitions: how many there are.
        links: keys and addresses of links, with which each is checked; None without a check.
        patience: seconds to wait at the end for what a transaction that is just being committed still shows.
    """

    partitions: int = 0
    links: "LinkKeys | None" = None
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Keys of 32 bytes and addresses that links may have been made with; shown in no text."""

    keys: tuple[bytes, ...] = field(repr=False)
    addresses: tuple[str, ...]
