"""The words of every page, in every language, from `texts.toml` beside this file."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from streams.executor.pages.language import Language

FILE = Path(__file__).with_name("texts.toml")


class Page(StrEnum):
    """Which page, by its name in the file."""

    BUTTON = "button_page"
    MENDED = "mended"
    CALLED_OFF = "called_off"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    TOO_OFTEN = "too_often"
    LATER = "later"
    NOT_SOON = "not_soon"
    SUPPORT = "support"
    THANKS = "thanks"
    LEFT = "left"
    FAILED = "failed"


class Text(NamedTuple):
    """Title and heading, one paragraph, and what stands on the button where the page has one."""

    title: str
    says: str
    button: str


def _texts(language: Mapping[str, Any]) -> Mapping[Page, Text]:
    return {page: Text(button=language["button"], **language[page]) for page in Page}


TEXTS: Mapping[Language, Mapping[Page, Text]] = {
    Language(name): _texts(language) for name, language in tomllib.loads(FILE.read_text(encoding="utf-8")).items()
}
