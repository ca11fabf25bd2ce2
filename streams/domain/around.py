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
CLOSED_KEPT = timedelta(days=30)
"""How long a closed incident is remembered for its sequence: by then nobody tells of it again."""
CLOSING_GRACE = timedelta(hours=1)
"""How long the closing of an incident that has lasted for as long as one can may be under way, before it is closed."""

Silences = Mapping[str, Silence]
"""By scope."""


def is_incident(around: Surroundings, institution_id: str | None, code: int | None, at: datetime, rules: Rules) -> bool:
    """Whether an incident of exactly that institution and code is open at a time."""
    mark = around.incidents.get(incident_key(institution_id, code))
    return mark is not None and mark.is_open and at < _over_at(mark, rules)


def incident_key(institution_id: str | None, code: int | None) -> str:
    """Give the key of an incident."""
    return f"{institution_id}/{code}"


def held_until(around: Surroundings, institution_id: str | None, code: int | None, rules: Rules) -> datetime | None:
    """Give until when contact because of a code has to wait, perhaps in the past; None where it does not.

    It waits for an incident of the code, or for one of the institution's own, and at most for as long as one lasts: the
    closing comes before, unless whoever was to tell of it has forgotten the incident. Of a closed one it is the time of
    the closing: whoever waited for it is told nothing as of a time before.
    """
    if institution_id is None:
        return None
    marks = around.incidents_of.get(institution_id, ())
    return max((_over_at(mark, rules) for troubled, mark in marks if _covers(troubled, code, rules)), default=None)


def _over_at(mark: IncidentMark, rules: Rules) -> datetime:
    return mark.told_at + rules.policy.incident.longest + CLOSING_GRACE if mark.is_open else mark.told_at


def _covers(troubled: int, code: int | None, rules: Rules) -> bool:
    return troubled == code or rules.treatment(troubled) is Treatment.INSTITUTION


def hear(around: Surroundings, event: Event, at: datetime) -> Surroundings:
    """Take an event about a whole partition; one that says nothing new gives the very same surroundings."""
    data = event.data
    if isinstance(data, Incident):
        return _hear_incident(around, data, event.time, is_open=event.type == EventType.INCIDENT_OPENED)
    if isinstance(data, Override) and data.is_partition_wide and data.action is OverrideAction.SILENCE:
        scope = ALL if data.institution_id is None else data.institution_id
        silences = silenced(around.silences, scope, data.until, at)
        if scope in around.silences and scope not in silences:  # lifted: nobody is told anything as of a time before
            silences = {**silences, scope: Silence(at)}
        return replace(around, silences=silences)
    return around


def _hear_incident(around: Surroundings, incident: Incident, at: datetime, *, is_open: bool) -> Surroundings:
    """Take an opening or a closing; with it go the incidents that were closed long before."""
    key, since = incident_key(incident.institution_id, incident.code), at - CLOSED_KEPT
    known = {key: mark for key, mark in around.incidents.items() if mark.is_open or mark.told_at >= since}
    mark = known.get(key)
    if mark is not None and incident.sequence <= mark.sequence:
        return around
    return replace(around, incidents={**known, key: IncidentMark(incident.sequence, is_open, at)})


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
