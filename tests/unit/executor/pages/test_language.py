"""Which language a page has, and that every page has words in each."""

import pytest

from streams.executor.pages.language import Language, language_of
from streams.executor.pages.texts import TEXTS, Page


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("FR-CA", "fr"),
        ("de,fr;q=0.5", "fr"),
        ("en;q=0.1, es;q=0.2", "es"),
        ("fr, es", "fr"),
        ("es;q=0, fr;q=0.1", "fr"),
        ("de", "en"),
        ("*", "en"),
        ("es;q=many", "en"),
        ("es;level=1", "es"),
        (";;;,,,q=", "en"),
        ("x" * 100_000 + ",es", "en"),
    ],
)
def test_the_language_of_a_browser(accepted: str, language: str) -> None:
    """The one wanted most among ours; English where there is none, or it cannot be read."""
    assert language_of(accepted) == Language(language)


def test_every_page_has_words_in_every_language() -> None:
    """And no two pages of a language have the same title, nor two languages the same words."""
    assert set(TEXTS) == set(Language)
    for texts in TEXTS.values():
        assert set(texts) == set(Page)
        assert len({text.title for text in texts.values()}) == len(Page)
    for page in Page:
        assert len({texts[page].says for texts in TEXTS.values()}) == len(Language)
        assert len({texts[page].button for texts in TEXTS.values()}) == len(Language)
