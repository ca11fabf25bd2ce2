"""FinBank's test users: what each password does at the bank (legacy docs, "Test the APIs"; domain 7)."""

from dataclasses import dataclass
from enum import StrEnum

ANSWER_AGAIN = "mfa"
"""Answer of `tfa_text` that brings another question."""
ANSWER_WRONG = "fail"
"""Answer that the bank refuses: code 187."""
BAD_CREDENTIALS = 103
SLOW_USER = "discovertimeout"


class Challenge(StrEnum):
    """What sort of question the bank asks on a device that it does not know."""

    TEXT = "text"
    IMAGE = "image"
    CHOICE = "choice"
    IMAGE_CHOICE = "image_choice"
    PASSCODE = "passcode"


@dataclass(frozen=True, slots=True)
class Opening:
    """An account that a user has at the bank."""

    type: str
    name: str
    balance: float
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A user of the bank; `code` is what signing in gives where it fails."""

    username: str
    password: str
    openings: tuple[Opening, ...] = ()
    challenge: Challenge | None = None
    code: int | None = None


_USUAL = (
    Opening("checking", "Checking", 2512.34),
    Opening("savings", "Savings", 22327.3),
    Opening("creditCard", "Credit Card", -1952.71),
)
_RICH = (
    *_USUAL,
    Opening("moneyMarket", "Money Market", 9005.12),
    Opening("cd", "Certificate of Deposit", 15000.5),
    Opening("ira", "IRA", 7030.25),
    Opening("401k", "401K", 90051.9),
    Opening("mortgage", "Mortgage", -245012.41),
)
_PROFILES = (
    Profile("demo", "go", _USUAL),
    *(Profile("demo", str(code), code=code) for code in (123, 125, 127, 128, 130)),
    Profile("invalid_user", "go", code=BAD_CREDENTIALS),
    Profile("tfa_text", "go", _USUAL, Challenge.TEXT),
    Profile("tfa_image", "go", _USUAL, Challenge.IMAGE),
    Profile("tfa_choice", "go", _USUAL, Challenge.CHOICE),
    Profile("tfa_multi", "go", _USUAL, Challenge.IMAGE_CHOICE),
    Profile("demo", "imagechoice", _USUAL, Challenge.IMAGE_CHOICE),
    Profile("demo", "imagechoice2", _USUAL, Challenge.IMAGE_CHOICE),
    Profile(SLOW_USER, "go", _USUAL),
    Profile("profile_03", "profile_03", _RICH),
)
_BY_CREDENTIALS = {(profile.username, profile.password): profile for profile in _PROFILES}


def sign_in(username: str, password: str) -> Profile:
    """Give what the bank makes of these credentials; unknown ones are bad ones."""
    known = _BY_CREDENTIALS.get((username, password))
    return known or Profile(username, password, code=BAD_CREDENTIALS)
