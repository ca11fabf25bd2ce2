"""The state that the agents keep in their tables."""

from schemas.state.customers import AccountState, Consent, CustomerState, EpisodeState, LoginState, OtpMark
from schemas.state.institutions import InstitutionState, StandingState, TicketState
from schemas.state.partitions import ControlState, IncidentMark, Silence, Surroundings
from schemas.state.record import Record, encode, replace

__all__ = [
    "AccountState",
    "Consent",
    "ControlState",
    "CustomerState",
    "EpisodeState",
    "IncidentMark",
    "InstitutionState",
    "LoginState",
    "OtpMark",
    "Record",
    "Silence",
    "StandingState",
    "Surroundings",
    "TicketState",
    "encode",
    "replace",
]
