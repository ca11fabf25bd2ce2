"""What a terminal shows of eight stories: the screens in `screens/` are what a person reads."""

import re

import pytest

from tests.unit.explain.draw import FOLDER, STORIES, drawn
from tests.unit.explain.stories import screen, told, two_mails

ID = re.compile(r"[0-9a-f]{64}:0|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?::\d+)?")


@pytest.mark.parametrize("name", STORIES)
def test_a_story_reads_so(name: str) -> None:
    """Line by line; draw.py draws them anew."""
    assert drawn(name) == (FOLDER / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", STORIES)
def test_eighty_columns_hold_it(name: str) -> None:
    """No line is wider: it reads in any terminal, and in a pipe."""
    assert [line for line in drawn(name).splitlines() if len(line) > 80] == []


def test_the_answer_fits_a_screen() -> None:
    """Why two mails went out is said before anything else, in the 24 lines that any terminal has."""
    lines = screen(told(two_mails()))
    assert lines.index("HOW THINGS STAND") <= 24


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_ids_are_whole(width: int) -> None:
    """Whatever the width, what is copied from a line is an id and no part of one."""
    story = told(two_mails())
    shown = set(ID.findall("\n".join(screen(story, width))))
    known = {entry.came.event_id for entry in story.entries if entry.came}
    known |= {sent.message_id.removeprefix("lookup:") for entry in story.entries for sent in entry.sent}
    assert {one for one in known if ID.fullmatch(one)} <= shown


def test_what_could_move_a_cursor_is_not_shown() -> None:
    """Words of others go to a terminal without what it would obey."""
    story = told(two_mails())
    entry = story.entries[0].model_copy(update={"says": "\x1b[2Jgone"})
    assert not any("\x1b" in line for line in screen(story.model_copy(update={"entries": (entry,)})))


def test_the_readme_shows_a_real_screen() -> None:
    """The page of the command has the answer as it is."""
    readme = (FOLDER.parents[3] / "streams" / "explain" / "README.md").read_text()
    shown = readme.split("```\n")[1]
    assert shown.rstrip() == drawn("two_mails").partition("\nHOW THINGS STAND")[0].rstrip()
