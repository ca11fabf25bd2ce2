"""What the agents keep of a partition as a whole: its clock, its books, and what surrounds every customer in it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

from schemas.state.record import Moment, Record

STATE_VERSION = 1
"""Version of all state: raised with every change of a record, whatever it is; `make test` asks for it.

A release reads the state of all earlier ones and refuses that of later ones: it would lose what it does not know.
"""


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that an earlier release did not keep."""
_LAST = datetime(9000, 1, 1, tzinfo=UTC)
"""From a time before it, any span of a policy can be counted."""
_ROLL = re.compile(r"[0-9a-f]{64}")


class ControlState(Record, frozen=True):
    """What belongs to a partition as a whole: its clock and the head of its audit chain."""

    ticked_at: Moment | None = None
    audit_head: str = ""
    """SHA-256 of the last audit record, hex; empty before the first."""
    inputs: str = "0" * 64
    """The rolling hash over the inbound records since the last audit record."""
    rules_since: Moment | None = None
    """Event time at which the rules in force were activated; None while they are the shipped ones."""
    looked_at: int = 0
    """How many of the latest records the share of dead letters is over (streams/README.md, guarantee 4).

    A record counts for each that it has.
    """
    dead_ago: tuple[int, ...] = ()
    """Which of them are dead letters: how many records ago, oldest first; 0 is the latest record."""
    dead_of: tuple[int, ...] = ()
    """For each of `dead_ago` whose state it failed at, as a number; 0 for nobody's; empty where all are nobody's."""
    version: int = 0
    """The state version of the release that last wrote here; 0 before versions were written."""
    next_offset: int | None = None
    """Where the log goes on from here; None before the first record."""
    log: str = ""
    """Which log that is: `<cluster id>/<topic id>`; empty before the first record."""

    def __post_init__(self) -> None:
        """Refuse a roll that no hash goes on from."""
        if not _ROLL.fullmatch(self.inputs):
            raise ValueError("inputs: not 64 digits of a hash")


class IncidentMark(Record, frozen=True):
    """An incident of an institution and code (R9), as far as the log has told of it."""

    sequence: int
    """The last applied: an event at or below it changes nothing."""
    is_open: bool = False
    told_at: Moment = LONG_AGO
    """Event time of that event; an incident that an earlier release has kept without it is over."""

    def __post_init__(self) -> None:
        """Refuse a time that no rule can count from."""
        if self.told_at > _LAST:
            raise ValueError("told_at: not a time of an event")


class Silence(Record, frozen=True):
    """An operator's silence (R16): `until` None lasts until another override."""

    until: Moment | None = None


class Surroundings(Record, frozen=True, dict=True, gc=True):
    """What holds for all customers of a partition, keyed by the partition's number; changed by its events only."""

    incidents: Mapping[str, IncidentMark] = {}
    """By `institutionId/code`; closed ones stay for some time, for their sequence."""
    silences: Mapping[str, Silence] = {}
    """By `/` for all customers, or by institutionId."""

    def __post_init__(self) -> None:
        """Refuse an incident of no code: every decision of the partition would fail at it."""
        for key in self.incidents:
            int(key.rpartition("/")[2])

    @cached_property
    def incidents_of(self) -> Mapping[str, Sequence[tuple[int, IncidentMark]]]:
        """Give codes and marks of the incidents by institutionId: asked for at every contact."""
        found: dict[str, list[tuple[int, IncidentMark]]] = {}
        for key, mark in self.incidents.items():
            institution_id, _, code = key.rpartition("/")
            found.setdefault(institution_id, []).append((int(code), mark))
        return found
