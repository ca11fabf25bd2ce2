"""The timers of the institution agent: named by what they are of, and when each is due."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from schemas.state import TicketState
from streams.domain import Rules
from streams.domain.institutions import InstitutionDecision, Timed, case_key, due, window_due
from streams.institutions.tables import InstitutionChanges, InstitutionTables

TICKET, INCIDENT, GATHERING = "/ticket", "/incident", "/gathering"
"""What follows a case's key in the name of a timer: incidents go first, in the order of the rules."""
WINDOW = "/window"
"""What follows an institution's id in the name of its window's timer."""


def every_timer(tables: InstitutionTables, partition: int) -> Iterator[str]:
    """Name the timers that a partition may have; its tables may change between two of them."""
    of_cases = ((TICKET, tables.tickets), (INCIDENT, tables.incidents), (GATHERING, tables.gatherings))
    for kind, table in (*of_cases, (WINDOW, tables.windows)):
        for key in list(table.partition(partition)):
            yield key + kind


def timers_before_a_signal(state: InstitutionChanges, institution_id: str) -> list[str]:
    """Name the timers that go before a signal of an institution: of its tickets and its open incidents."""
    institution = state.institution(institution_id)
    if institution is None:
        return []
    timers = [case_key(institution_id, code) + TICKET for code in institution.codes]
    return timers + [case_key(institution_id, code) + INCIDENT for code in institution.incidents]


def changed_timers(changed: InstitutionChanges | InstitutionDecision) -> set[str]:
    """Name the timers of the tickets, incidents and gatherings that a poll, or a decision, has changed."""
    records: tuple[tuple[str, Iterable[str]], ...] = (
        (TICKET, changed.tickets),
        (INCIDENT, changed.incidents),
        (GATHERING, changed.gatherings),
    )
    return {key + kind for kind, keys in records for key in keys}


def institution_of(timer: str) -> str:
    """Give the institution that a timer is about: no id has a slash."""
    return timer.partition("/")[0]


def record_of(state: InstitutionChanges, timer: str) -> Timed | None:
    """Give the record that a timer is of; None where it is gone. Not for windows."""
    key, slash, kind = timer.rpartition("/")
    read = {TICKET: state.ticket, INCIDENT: state.incident, GATHERING: state.gathering}
    return read[slash + kind](key)


def due_at(state: InstitutionChanges, timer: str, rules: Rules) -> datetime | None:
    """Give when a timer is due; None where it is not set. Raises whatever a poisoned record does."""
    if timer.endswith(WINDOW):
        heard = state.window_heard(timer.removesuffix(WINDOW))
        return None if heard is None else window_due(heard, rules.policy.incident.window)
    record = record_of(state, timer)
    return None if record is None else due(record, rules)


def is_complete(state: InstitutionChanges, timer: str) -> bool:
    """Tell whether a timer only drops the logins of a ticket that is complete: it says nothing, and may be late."""
    record = record_of(state, timer)
    return isinstance(record, TicketState) and record.drop_at is not None
