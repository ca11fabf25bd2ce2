"""The state that the agents keep in their tables."""

from schemas.state.customers import AccountState, Consent, CustomerState, EpisodeState, LoginState, OtpMark
from schemas.state.institutions import (
    CodeMark,
    GatheredLogin,
    GatheringState,
    IncidentState,
    InstitutionState,
    StandingState,
    TicketState,
    WindowLogin,
    WindowState,
)
from schemas.state.partitions import ControlState, IncidentMark, Silence, Surroundings
from schemas.state.record import Record, encode, field, replace

__all__ = [
    "AccountState",
    "CodeMark",
    "Consent",
    "ControlState",
    "CustomerState",
    "EpisodeState",
    "GatheredLogin",
    "GatheringState",
    "IncidentMark",
    "IncidentState",
    "InstitutionState",
    "LoginState",
    "OtpMark",
    "Record",
    "Silence",
    "StandingState",
    "Surroundings",
    "TicketState",
    "WindowLogin",
    "WindowState",
    "encode",
    "field",
    "replace",
]
