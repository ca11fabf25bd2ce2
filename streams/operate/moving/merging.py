"""The records that a partition has one of, made anew for other partitions out of those of all the old ones; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from schemas.events import PolicyActivated
from schemas.state import ControlState, IncidentMark, Silence, Surroundings
from schemas.state.partitions import STATE_VERSION
from streams.operate.writing import OperateError

_NEVER = datetime.max.replace(tzinfo=UTC)


def merged_surroundings(every: Sequence[Surroundings]) -> Surroundings:
    """Take the latest word of each incident, and of each scope the silence that lasts longest.

    Both are told to every partition, so they differ only where one was not reached.
    """
    incidents: dict[str, IncidentMark] = {}
    silences: dict[str, Silence] = {}
    for one in every:
        for key, mark in one.incidents.items():
            if key not in incidents or mark.sequence > incidents[key].sequence:
                incidents[key] = mark
        for scope, silence in one.silences.items():
            if scope not in silences or (silence.until or _NEVER) > (silences[scope].until or _NEVER):
                silences[scope] = silence
    return Surroundings(dict(sorted(incidents.items())), dict(sorted(silences.items())))


def merged_rules(every: Sequence[PolicyActivated]) -> PolicyActivated | None:
    """Take the rules in force, which have to be the same everywhere; None where there are none yet.

    Raises:
        OperateError: they differ.
    """
    if len({(one.policy_sha256, one.catalogue_sha256) for one in every}) > 1:
        raise OperateError(
            "the partitions have different rules in force: put the same in force everywhere first, with `txpush policy "
            "activate`, and let the agents read it"
        )
    return every[-1] if every else None


def merged_control(every: Sequence[ControlState]) -> ControlState:
    """Take the latest clock, which is never before a customer's own; audit chain and share of dead letters begin anew.

    Raises:
        OperateError: a later release has worked there.
    """
    if (version := max((one.version for one in every), default=0)) > STATE_VERSION:
        raise OperateError(f"the state is of version {version}, and this release knows up to {STATE_VERSION}")
    return ControlState(
        ticked_at=max((one.ticked_at for one in every if one.ticked_at is not None), default=None),
        rules_since=max((one.rules_since for one in every if one.rules_since is not None), default=None),
        version=version,
    )
