"""A story as a page: whole by itself, in light and dark and on paper, with nothing that could be run or followed."""

import re
from html.parser import HTMLParser

import pytest

from streams.explain.showing.page import page
from tests.unit.explain.draw import STORIES
from tests.unit.explain.stories import screen, told, two_mails

VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Reads a page: what is open, which tags there are, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def outline(text: str) -> Outline:
    """Read a page to its end."""
    found = Outline()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


@pytest.mark.parametrize("name", STORIES)
def test_a_page_says_what_the_screen_says(name: str) -> None:
    """Every id and every time of the screen is on the page; tags close in order."""
    story = told(STORIES[name]())
    text = outline(page(story)).text
    words = {one.strip(",;:.()") for line in screen(story) for one in line.split()}
    told_words = {one for one in words if re.search(r"\d{4}-\d{2}-\d{2}T|[0-9a-f]{8}-|\d{10}", one)}
    assert {one for one in told_words if one not in text} == set()


def test_nothing_comes_from_elsewhere_and_nothing_leads_there() -> None:
    """No script, image, link or address."""
    text = page(told(two_mails()))
    found = outline(text)
    assert found.tags & {"script", "img", "a", "link", "iframe", "form"} == set()
    assert found.attributes & {"href", "src", "onclick", "style"} == set()
    assert "://" not in text
    assert "url(" not in text


def test_light_dark_and_paper() -> None:
    """As the reader has it, and black on white where it is printed."""
    text = page(told(two_mails()))
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


def test_words_of_others_are_no_markup() -> None:
    """What somebody has written is text."""
    story = told(two_mails())
    entry = story.entries[0].model_copy(update={"says": "<script>alert(1)</script>"})
    assert "<script>" not in page(story.model_copy(update={"entries": (entry,)}))
