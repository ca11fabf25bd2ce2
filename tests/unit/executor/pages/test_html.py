"""The pages as documents: whole, accessible, and with nothing from anywhere else."""

import base64
import hashlib
from html.parser import HTMLParser

import pytest

from streams.executor.pages.html import STYLE, WITH_BUTTON, headers, html
from streams.executor.pages.language import Language
from streams.executor.pages.texts import TEXTS, Page

EVERY = [(page, language) for page in Page for language in Language]


class Reader(HTMLParser):
    """The elements of a page with their attributes, and their text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, str] = {}
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize(("page", "language"), EVERY)
def test_a_page_is_accessible(page: Page, language: Language) -> None:
    """It says its language, has a title, one heading, a main part, and fits a small screen; every element is closed."""
    read = Reader(html(page, language))
    assert read.open == []
    assert read.all("html") == [{"lang": language.value}]
    assert read.text["title"] == read.text["h1"] == TEXTS[language][page].title
    assert len(read.all("h1")) == len(read.all("main")) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in read.all("meta")


@pytest.mark.parametrize(("page", "language"), EVERY)
def test_a_page_has_nothing_from_elsewhere(page: Page, language: Language) -> None:
    """No script, image, font, link or address at all: it posts to where it is."""
    document = html(page, language)
    read = Reader(document)
    kinds = {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "form", "button"}
    assert {tag for tag, _ in read.elements} <= kinds
    names = {name for _, attributes in read.elements for name in attributes}
    assert not names & {"src", "href", "action", "style"}
    assert "://" not in document
    assert "url(" not in document


@pytest.mark.parametrize("page", Page)
def test_a_button_where_it_helps(page: Page) -> None:
    """A form that posts, with a button that has words; other pages have none."""
    read = Reader(html(page, Language.SPANISH))
    assert read.all("form") == ([{"method": "post"}] if page in WITH_BUTTON else [])
    if page in WITH_BUTTON:
        assert read.text["button"] == "Reconectar mi cuenta"


def test_a_button_shows_its_focus() -> None:
    """Whoever goes by keyboard sees where they are."""
    assert "button:focus-visible{outline:3px" in STYLE


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    """By its hash; the form may lead to us and, with the redirect, to the vendor over TLS."""
    policy = headers("https://api.finicity.com")["content-security-policy"]
    allowed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{allowed}'",
        "form-action 'self' https:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]


def test_a_sandbox_may_be_led_to() -> None:
    """One on plain HTTP is named: a browser would not follow the redirect else."""
    policy = headers("http://127.0.0.1:8095")["content-security-policy"]
    assert "form-action 'self' https: http://127.0.0.1:8095;" in policy
