"""Who was forgotten is in no output in clear, nor is anybody with `--pseudonyms`; links are in none at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from streams.explain import Story
from streams.explain.names import Names
from streams.explain.showing.page import page
from streams.links import FixLinks
from streams.pseudonyms import Kind
from streams.testing import Topology
from streams.testing.topology import START
from tests.unit.explain.draw import STORIES
from tests.unit.explain.stories import ACCOUNT, CUSTOMER, KEY, LOGIN, forgotten, notify, screen, told, two_mails


def outputs(story: Story) -> list[str]:
    """Give a story in all its forms."""
    return ["\n".join(screen(story)), story.model_dump_json(), page(story)]


def test_a_forgotten_customer_is_a_hash_also_in_what_came_before() -> None:
    """Neither ids nor the words of people are left, in any form, and the name is that of the log."""
    topology = forgotten()
    ids = {CUSTOMER, ACCOUNT, LOGIN, *(one["command_id"] for one in topology.commands("remediation.connect-fix"))}
    for at in (None, START + timedelta(hours=1)):
        story = told(topology, at=at)
        assert story.customer == KEY.name(Kind.CUSTOMER, CUSTOMER)
        for text in outputs(story):
            assert [one for one in ids if one in text] == []
            assert "asked for it" not in text


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_nobody_is_named_where_that_is_asked(story: Callable[[], Topology]) -> None:
    """With `--pseudonyms` no id of anybody is left, nor one that follows from theirs."""
    topology = story()
    clear, hashed = told(topology), told(topology, is_hashed=True)
    ids = {CUSTOMER, ACCOUNT, LOGIN, *(entry.came.event_id for entry in clear.entries if entry.came)}
    ids |= {sent.message_id.partition(":")[0] for entry in clear.entries for sent in entry.sent} - {"lookup"}
    if clear.names == "hashed":
        ids = {CUSTOMER, ACCOUNT, LOGIN}
    assert [one for text in outputs(hashed) for one in ids if one in text] == []
    assert [entry.at for entry in hashed.entries] == [entry.at for entry in clear.entries]


def test_links_are_never_shown() -> None:
    """The commands have one, and no form of the story does."""
    topology = Topology(links=FixLinks([bytes(32)], "https://fix.example.com"))
    with topology:
        notify(topology, 185)
        assert topology.commands("remediation.connect-fix")[0]["fix_url"]
    for text in outputs(told(topology)):
        assert "fix_url" not in text
        assert "example.com" not in text


def test_numbers_stand_for_what_follows_from_ids() -> None:
    """The same event has the same number throughout, in the order of events."""
    story = told(two_mails(), is_hashed=True)
    numbers = [entry.came.event_id for entry in story.entries if entry.came]
    assert numbers == ["#1", "#2", "#2", "#3", "#4", "#5"]
    names = Names(KEY)
    assert [names.message(one) for one in ("c:0", "c:1", "d:0", "lookup:e")] == ["#1:0", "#1:1", "#2:0", "lookup #1"]


def test_in_clear_ids_are_what_they_are() -> None:
    """No name is made up where nobody asked for it."""
    names = Names()
    assert [names.customer("7"), names.message("c:1"), names.message("lookup:e"), names.text("x")] == [
        "7",
        "c:1",
        "lookup:e",
        "x",
    ]
