"""What surrounds every customer of a partition: open incidents (R9) and an operator's silences (R16)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.catalogue import Treatment
from schemas.events import Event, EventType, Incident, Override, OverrideAction
from schemas.state import IncidentMark, Silence, Surroundings, replace
from streams.domain.rules import Rules

ALL = "/"
"""The scope of a silence for every customer: no id has a slash."""
KEPT = timedelta(days=1)

Silences = Mapping[str, Silence]
"""By scope."""


def is_incident(around: Surroundings, institution_id: str | None, code: int | None) -> bool:
    """Whether an incident of exactly that institution and code is open."""
    mark = around.incidents.get(incident_key(institution_id, code))
    return mark is not None and mark.is_open


def incident_key(institution_id: str | None, code: int | None) -> str:
    """Give the key of an incident."""
    return f"{institution_id}/{code}"


def is_held(around: Surroundings, institution_id: str | None, code: int | None, rules: Rules) -> bool:
    """Whether contact because of a code has to wait: for an incident of it, or for one of the institution's own."""
    if not around.incidents or institution_id is None:
        return False
    for key, mark in around.incidents.items():
        institution, _, troubled = key.rpartition("/")
        if mark.is_open and institution == institution_id and _covers(int(troubled), code, rules):
            return True
    return False


def _covers(troubled: int, code: int | None, rules: Rules) -> bool:
    return troubled == code or rules.treatment(troubled) is Treatment.INSTITUTION


def hear(around: Surroundings, event: Event, at: datetime) -> Surroundings:
    """Take an event about a whole partition; one that says nothing new gives the very same surroundings."""
    data = event.data
    if isinstance(data, Incident):
        return _hear_incident(around, data, is_open=event.type == EventType.INCIDENT_OPENED)
    if isinstance(data, Override) and data.is_partition_wide and data.action is OverrideAction.SILENCE:
        scope = ALL if data.institution_id is None else data.institution_id
        return replace(around, silences=silenced(around.silences, scope, data.until, at))
    return around


def _hear_incident(around: Surroundings, incident: Incident, *, is_open: bool) -> Surroundings:
    key = incident_key(incident.institution_id, incident.code)
    mark = around.incidents.get(key)
    if mark is not None and incident.sequence <= mark.sequence:
        return around
    return replace(around, incidents={**around.incidents, key: IncidentMark(incident.sequence, is_open)})


def silenced(silences: Silences, scope: str, until: datetime | None, at: datetime) -> Silences:
    """Set the silence of a scope in place of the one before; one that has ended already lifts it.

    Others are kept for a day after their end: until then a timer may still ask when that was.
    """
    others = {
        key: silence
        for key, silence in silences.items()
        if key != scope and (silence.until is None or silence.until > at - KEPT)
    }
    return others if until is not None and until <= at else {**others, scope: Silence(until)}
