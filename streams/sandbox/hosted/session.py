"""One visit to the hosted page: where it stands and what it has learnt so far."""

from dataclasses import dataclass, field
from enum import StrEnum

from streams.sandbox.books.model import Institution, Login
from streams.sandbox.books.profiles import Challenge, Profile
from streams.sandbox.hosted.links import Link

MAX_MISTAKES = 5


class Step(StrEnum):
    """What the page asks for."""

    BANKS = "banks"
    CREDENTIALS = "credentials"
    CHALLENGE = "challenge"
    OAUTH = "oauth"
    ACCOUNTS = "accounts"
    FINISH = "finish"
    NOTHING = "nothing"
    TROUBLE = "trouble"
    OVER = "over"


class Ending(StrEnum):
    """How a visit ended, in the word that goes back with the redirect."""

    EXIT = "exit"
    COMPLETE = "complete"
    NOTHING = "nothing"
    ERROR = "error"
    TIMEOUT = "timeout"


RETURNED = {
    Ending.EXIT: ("exit", 100),
    Ending.COMPLETE: ("complete", 200),
    Ending.NOTHING: ("error", 201),
    Ending.ERROR: ("error", 500),
    Ending.TIMEOUT: ("timeout", 1440),
}
"""Reason and code of the redirect (domain 4.1)."""


@dataclass(slots=True)
class Session:
    """One visit.

    Attributes:
        bank: the bank that was chosen, or the login's.
        login: the login under repair; None while accounts are added.
        profile: whom the bank takes the visitor for, once it does.
        mistakes: wrong credentials and answers so far; five end the visit.
        round: which question of the bank this is.
        problem: what to tell the visitor about the last entry.
        code: the aggregation code that stands in the way.
        ending: how it ended, once it did.
    """

    id: str = field(repr=False)
    link: Link
    step: Step
    bank: Institution | None = None
    login: Login | None = None
    profile: Profile | None = None
    mistakes: int = 0
    round: int = 1
    problem: str = ""
    code: int = 0
    ending: Ending | None = None

    @property
    def challenge(self) -> Challenge:
        """Give the sort of question; a bank that asks everybody sends a passcode."""
        asked = None if self.profile is None else self.profile.challenge
        return asked or Challenge.PASSCODE

    @property
    def is_over(self) -> bool:
        """Say whether it has ended."""
        return self.ending is not None

    def mistake(self, problem: str) -> bool:
        """Count a wrong entry; True when it was the last one allowed."""
        self.mistakes += 1
        self.problem = problem
        if self.mistakes < MAX_MISTAKES:
            return False
        self.end(Ending.ERROR)
        return True

    def go(self, step: Step) -> None:
        """Go on."""
        self.step, self.problem = step, ""

    def end(self, ending: Ending) -> None:
        """End the visit."""
        self.step, self.ending = Step.OVER, ending
