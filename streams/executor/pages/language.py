"""Which of our languages a browser asks for."""

from enum import StrEnum

MAX_HEADER = 256
"""Longer lists of languages are cut: the first ones count most anyway."""


class Language(StrEnum):
    """The languages of the vendor's own pages (domain 3.2)."""

    ENGLISH = "en"
    SPANISH = "es"
    FRENCH = "fr"


_OURS = frozenset(language.value for language in Language)


def language_of(accepted: str) -> Language:
    """Choose by an Accept-Language header; English where nothing of ours is asked for or it cannot be read."""
    ranked = sorted(map(_ranked, accepted[:MAX_HEADER].split(",")), key=lambda one: -one[1])  # sorting keeps the order
    for tag, quality in ranked:
        if quality > 0 and tag in _OURS:
            return Language(tag)
    return Language.ENGLISH


def _ranked(part: str) -> tuple[str, float]:
    """Give the language of `es-MX;q=0.8` and how much it is wanted."""
    tag, _, weight = part.strip().lower().partition(";")
    name, _, quality = weight.strip().partition("=")
    try:
        return tag.partition("-")[0], float(quality) if name.strip() == "q" else 1.0
    except ValueError:
        return "", 0.0
