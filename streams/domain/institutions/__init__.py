"""The rules about institutions: incidents (R9) and support tickets (R10, R11, R14), as pure functions of signals."""

from streams.domain.institutions.decision import CHANGED_AT_ONCE, Timed, decide_signal, due, fire, fired_at
from streams.domain.institutions.health import institution_health
from streams.domain.institutions.view import InstitutionDecision, InstitutionView, Outcome, case_key, case_of
from streams.domain.institutions.window import Window, window_due

__all__ = [
    "CHANGED_AT_ONCE",
    "InstitutionDecision",
    "InstitutionView",
    "Outcome",
    "Timed",
    "Window",
    "case_key",
    "case_of",
    "decide_signal",
    "due",
    "fire",
    "fired_at",
    "institution_health",
    "window_due",
]
