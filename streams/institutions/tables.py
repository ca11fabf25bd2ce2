"""The institution agent's tables, and what one poll has changed in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.state import (
    GatheringState,
    IncidentState,
    InstitutionState,
    Record,
    StandingState,
    TicketState,
    WindowState,
    encode,
)
from streams.domain.institutions import InstitutionDecision, Window, case_key, case_of
from streams.fold import Table
from streams.fold.memory import MemoryTable
from streams.kafka.topics import INSTITUTIONS

RECORDS: Mapping[str, type[Record]] = {
    "tickets": TicketState,
    "standings": StandingState,
    "gatherings": GatheringState,
    "incidents": IncidentState,
    "windows": WindowState,
    "institutions": InstitutionState,
}
"""What each table holds, by its name."""
_EMPTY = WindowState()


@dataclass(frozen=True, slots=True)
class InstitutionTables:
    """The institution agent's own tables."""

    tickets: Table
    standings: Table
    gatherings: Table
    incidents: Table
    windows: Table
    institutions: Table

    @classmethod
    def in_memory(cls) -> "InstitutionTables":
        """Give empty tables that need no Faust."""
        return cls(**{name: MemoryTable.of(INSTITUTIONS, name, record) for name, record in RECORDS.items()})

    def all(self) -> tuple[Table, ...]:
        """Give the tables in a fixed order."""
        return (self.tickets, self.standings, self.gatherings, self.incidents, self.windows, self.institutions)


@dataclass(slots=True)
class InstitutionChanges:
    """The tables of one partition as decisions read them (`InstitutionView`): with what the poll has decided before."""

    tables: InstitutionTables
    partition: int
    ticked_at: datetime | None
    """The latest tick of the partition; whoever folds one moves it on."""
    tickets: dict[str, TicketState | None] = field(default_factory=dict)
    standings: dict[str, StandingState | None] = field(default_factory=dict)
    gatherings: dict[str, GatheringState | None] = field(default_factory=dict)
    incidents: dict[str, IncidentState | None] = field(default_factory=dict)
    institutions: dict[str, InstitutionState] = field(default_factory=dict)
    _windows: dict[str, Window] = field(default_factory=dict)

    def event_time(self, institution_id: str, /) -> datetime | None:
        """Give the largest event time of the institution's signals and the partition's ticks."""
        institution = self.institution(institution_id)
        if institution is None:
            return self.ticked_at
        return institution.event_time if self.ticked_at is None else max(institution.event_time, self.ticked_at)

    def ticket(self, key: str, /) -> TicketState | None:
        """Give the ticket of a case."""
        found: TicketState | None = self._read(self.tickets, self.tables.tickets, key)
        return found

    def standing(self, key: str, /) -> StandingState | None:
        """Give the record of a login at a code."""
        found: StandingState | None = self._read(self.standings, self.tables.standings, key)
        return found

    def gathering(self, key: str, /) -> GatheringState | None:
        """Give the logins at an unknown code."""
        found: GatheringState | None = self._read(self.gatherings, self.tables.gatherings, key)
        return found

    def incident(self, key: str, /) -> IncidentState | None:
        """Give the incident of a case."""
        found: IncidentState | None = self._read(self.incidents, self.tables.incidents, key)
        return found

    def institution(self, institution_id: str, /) -> InstitutionState | None:
        """Give what is known of an institution as a whole."""
        found: InstitutionState | None = self._read(self.institutions, self.tables.institutions, institution_id)
        return found

    def open_incidents(self, institution_id: str, /) -> tuple[int, ...]:
        """Give the codes with an open incident of an institution."""
        institution = self.institution(institution_id)
        return () if institution is None else institution.incidents

    def window(self, institution_id: str, /) -> Window:
        """Give the window of an institution, made from its record when it is first asked for."""
        window = self._windows.get(institution_id)
        if window is None:
            window = self._windows[institution_id] = Window(self._window_state(institution_id))
        return window

    def window_heard(self, institution_id: str, /) -> datetime | None:
        """Give when the institution was last heard of; None where its window is empty."""
        window = self._windows.get(institution_id)
        kept = self.tables.windows.partition(self.partition)
        is_empty = institution_id not in kept if window is None else window.is_empty
        institution = None if is_empty else self.institution(institution_id)
        return None if institution is None else institution.event_time

    def drop_window(self, institution_id: str, /) -> None:
        """Let go of a window, whatever is in it."""
        self._windows[institution_id] = Window(_EMPTY)

    def heard_of(self) -> set[str]:
        """Give the institutions whose clock or window may have changed."""
        return {*self.institutions, *self._windows}

    def _read(self, changed: Mapping[str, Any], table: Table, key: str) -> Any:  # noqa: ANN401 - the table's record
        if key in changed:
            return changed[key]
        return table.partition(self.partition).get(key)

    def _window_state(self, institution_id: str) -> WindowState:
        known: WindowState | None = self.tables.windows.partition(self.partition).get(institution_id)
        return _EMPTY if known is None else known

    def keep(self, institution_id: str, decision: InstitutionDecision) -> None:
        """Take what was decided; the next decision sees it."""
        self.tickets |= decision.tickets
        self.standings |= decision.standings
        self.gatherings |= decision.gatherings
        self.incidents |= decision.incidents
        before = self.institution(institution_id)
        at = decision.event_time or (None if before is None else before.event_time)
        if at is not None:
            self.institutions[institution_id] = _moved_on(before or InstitutionState(at), at, decision)

    def cases(self, institution_id: str) -> tuple[dict[int | None, TicketState], dict[int, IncidentState]]:
        """Give the tickets and the open incidents of an institution by code."""
        known = self.institution(institution_id)
        if known is None:
            return {}, {}
        tickets = {code: self.ticket(case_key(institution_id, code)) for code in known.codes}
        incidents = {code: self.incident(case_key(institution_id, code)) for code in known.incidents}
        return (
            {code: ticket for code, ticket in tickets.items() if ticket is not None},
            {code: incident for code, incident in incidents.items() if incident is not None},
        )

    def by_table(self) -> dict[Table, Mapping[str, Any]]:
        """Give all changed records; None drops one."""
        windows = {one: window.state() for one, window in self._windows.items()}
        return {
            self.tables.tickets: self.tickets,
            self.tables.standings: self.standings,
            self.tables.gatherings: self.gatherings,
            self.tables.incidents: self.incidents,
            self.tables.windows: {
                one: None if state == _EMPTY else state
                for one, state in windows.items()
                if not _is_same(state, self._window_state(one))
            },
            self.tables.institutions: self.institutions,
        }


def written(decision: InstitutionDecision) -> list[bytes]:
    """Give the records that a decision changes as they are kept, in a fixed order; nothing stands for one that goes."""
    changed = (decision.tickets, decision.standings, decision.gatherings, decision.incidents)
    return [b"" if value is None else encode(value) for records in changed for value in records.values()]


def _moved_on(before: InstitutionState, at: datetime, decision: InstitutionDecision) -> InstitutionState:
    codes, incidents = before.codes, before.incidents
    if decision.tickets:
        codes = tuple(sorted(_with(before.codes, decision.tickets), key=lambda code: (code is not None, code or 0)))
    if decision.incidents:
        is_open = {key: incident.ticket for key, incident in decision.incidents.items()}
        incidents = tuple(sorted(code for code in _with(before.incidents, is_open) if code is not None))
    return InstitutionState(at, codes, incidents)


def _with(codes: tuple[int | None, ...], changed: Mapping[str, object]) -> set[int | None]:
    there = set(codes)
    for key, record in changed.items():
        (there.discard if record is None else there.add)(case_of(key)[1])
    return there


def _is_same(one: WindowState, other: WindowState) -> bool:
    """Whether two records are the same to the byte: one whose logins come in another order is another record."""
    in_order = [*one.logins] == [*other.logins] and [*one.counts] == [*other.counts]
    return in_order and one == other
