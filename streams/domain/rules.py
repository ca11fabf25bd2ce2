"""What is in force: policy and catalogue, with the look-ups that every decision makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property

from schemas.catalogue import Catalogue, Kind, Remedy, Treatment
from schemas.commands import CONTACT_KINDS
from schemas.policy import Policy

FIX_KINDS = tuple(kind for kind in CONTACT_KINDS if kind is not Kind.CONSENT_RENEWAL)
"""The kinds that codes ask for."""
CASE_KINDS = (*CONTACT_KINDS, Kind.OTP_ESCALATION)
"""All kinds of a case."""
CHALLENGE = 185
"""The code that a security challenge gives: repeated, it is what R7 is about."""
CHALLENGES = (CHALLENGE, 187)
"""The codes that state a challenge as the reason of a command."""


class Rule(IntEnum):
    """The rules (streams/domain/README.md): told of by their names, and timers fire in the order of their numbers."""

    R1 = 1
    R3 = 3
    R4 = 4
    R5 = 5
    R6 = 6
    R7 = 7
    R8 = 8
    R9 = 9
    R10 = 10
    R11 = 11
    R12 = 12
    R13 = 13
    R14 = 14
    R15 = 15
    R16 = 16
    R17 = 17
    R18 = 18


@dataclass(frozen=True, eq=False)
class Rules:
    """The policy and the catalogue in force; `since` is when the log activated them, None for the shipped ones."""

    policy: Policy
    catalogue: Catalogue
    since: datetime | None = None

    @cached_property
    def key(self) -> str:
        """Tell these rules from others: the beginnings of the digests of policy and catalogue, 16 characters."""
        return self.policy.sha256[:8] + self.catalogue.sha256[:8]

    @property
    def policy_version(self) -> str:
        """The version that commands state."""
        return self.policy.version

    @property
    def catalogue_version(self) -> str:
        """The version that commands state."""
        return self.catalogue.version

    def treatment(self, code: int) -> Treatment:
        """Give the treatment of a code; `UNKNOWN` for one that the catalogue does not list."""
        return self._treatments.get(code, Treatment.UNKNOWN)

    def rank(self, code: int) -> int:
        """Give the rank of a code as a reason (R3): the larger is stated; 0 for codes without one."""
        return self._ranks.get(code, 0)

    def remedy(self, code: int | None) -> Remedy | None:
        """Give what mends a code that a customer can mend; None for any other (R2)."""
        return self._remedies.get(code)

    def speaks(self, code: int) -> bool:
        """Whether a code says something about the login: 0, what a customer can mend, and a confirmed OTP (R2)."""
        return code == 0 or code in self._remedies or code in self._otp_codes

    def says_anew(self, codes: Sequence[int]) -> bool:
        """Whether the last of an attempt's codes is the first of them to say something about the login."""
        return self.speaks(codes[-1]) and not any(map(self.speaks, codes[:-1]))

    def says_again(self, codes: Sequence[int]) -> bool:
        """Whether the last of an attempt's codes is what the attempt last said about the login already."""
        return next(filter(self.speaks, reversed(codes[:-1])), None) == codes[-1]

    def confirms_otp(self, code: int | None) -> bool:
        """Whether a code by itself says that the bank wants a one-time passcode at every connection (R7)."""
        return code in self._otp_codes

    def demands_otp(self, code: int | None) -> bool:
        """Whether a code opens nothing on a login that is marked OTP (R7)."""
        return code == CHALLENGE or code in self._otp_codes

    @cached_property
    def _otp_codes(self) -> frozenset[int | None]:
        return frozenset(code for code, treatment in self._treatments.items() if treatment is Treatment.OTP)

    @cached_property
    def _remedies(self) -> dict[int | None, Remedy]:
        fix_integrated = self.policy.fix_integrated
        every = {code: self.catalogue.remedy(code, fix_integrated=fix_integrated) for code in self._ranks}
        return {code: remedy for code, remedy in every.items() if remedy is not None}

    @cached_property
    def _treatments(self) -> dict[int, Treatment]:
        return {entry.code: entry.treatment for entry in self.catalogue.entries if entry.code is not None}

    @cached_property
    def _ranks(self) -> dict[int, int]:
        return {
            entry.code: entry.rank
            for entry in self.catalogue.entries
            if entry.code is not None and entry.rank is not None
        }
