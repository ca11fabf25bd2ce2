"""How commands stand: the highest sequence counts, and what no link leads to any more is forgotten."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from schemas.commands import Action
from streams.executor.fixing.standing import ClosedCommand, Commands, Ending, OpenCommand
from streams.links import LIFETIME
from tests.unit.executor.double import AT, BANK, COMMAND, CUSTOMER, LOGIN, OTHER, HandClock, heard, message


class World:
    """Commands with a clock, and a count of what could not be read."""

    def __init__(self, limit: int = 1000) -> None:
        self.clock = HandClock()
        self.unreadable = 0
        self.commands = Commands(self.clock, self.count, limit)

    def count(self) -> None:
        self.unreadable += 1


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("action", [Action.ISSUE, Action.UPDATE, Action.REMIND])
def test_an_open_command(world: World, action: Action) -> None:
    """Whatever its last message asks for, it is known what a session is made from."""
    world.commands.hear(heard(message(sequence=3, action=action)))
    found = world.commands.find(COMMAND)
    assert isinstance(found, OpenCommand)
    assert (found.customer_id, found.institution_login_id, found.institution_id) == (CUSTOMER, LOGIN, BANK)


@pytest.mark.parametrize(
    ("action", "reason", "ending"),
    [
        (Action.COMPLETE, None, Ending.MENDED),
        (Action.WITHDRAW, "healed", Ending.MENDED),
        (Action.WITHDRAW, "released", Ending.MENDED),
        (Action.WITHDRAW, "superseded", Ending.SUPERSEDED),
        *((Action.WITHDRAW, reason, Ending.CALLED_OFF) for reason in ("otp", "deleted", "expired")),
        *((Action.WITHDRAW, reason, Ending.CALLED_OFF) for reason in ("operator", "forgotten", None)),
    ],
)
def test_an_ended_command(world: World, action: Action, reason: str | None, ending: Ending) -> None:
    """Of an ended command only that and how are kept: no customer, no login."""
    world.commands.hear(heard(message()))
    world.commands.hear(heard(message(sequence=1, action=action, withdraw_reason=reason)))
    found = world.commands.find(COMMAND)
    assert isinstance(found, ClosedCommand)
    assert found.ending is ending
    assert CUSTOMER not in repr(found)


def test_the_highest_sequence_counts(world: World) -> None:
    """A message read again, or late, changes nothing."""
    world.commands.hear(heard(message(sequence=2, action=Action.COMPLETE)))
    for sequence in (0, 1, 2):
        world.commands.hear(heard(message(sequence=sequence)))
    assert isinstance(world.commands.find(COMMAND), ClosedCommand)


def test_what_is_not_known(world: World) -> None:
    """A command of which nothing was heard is not there."""
    assert world.commands.find(COMMAND) is None
    assert len(world.commands) == 0


def test_messages_older_than_links_are_passed_by(world: World) -> None:
    """No link of theirs opens: 400 days of commands take no memory."""
    world.commands.hear(heard(message(), AT - LIFETIME))
    assert len(world.commands) == 0
    world.commands.hear(heard(message(), AT - LIFETIME + timedelta(milliseconds=1)))
    assert len(world.commands) == 1


def test_nothing_that_counts_is_older_than_where_reading_begins(world: World) -> None:
    """A view that begins there hears all that is kept, by a clock that is a day off as well."""
    world.commands.hear(heard(message(), world.commands.heard_since() + timedelta(days=1)))
    assert len(world.commands) == 0
    world.clock.at = AT + timedelta(days=400)
    assert world.commands.heard_since() == AT + timedelta(days=400) - LIFETIME - timedelta(days=1)


def test_what_no_link_leads_to_is_forgotten(world: World) -> None:
    """Open or closed, nine days after the last message, with the next one that is heard."""
    world.commands.hear(heard(message()))
    world.commands.hear(heard(message(OTHER, action=Action.COMPLETE)))
    world.clock.move(days=5)
    world.commands.hear(heard(message(sequence=1, action=Action.REMIND), world.clock.at))
    world.clock.move(days=4)
    world.commands.hear(heard(message("2" * 8 + COMMAND[8:]), world.clock.at))
    assert world.commands.find(OTHER) is None
    assert world.commands.find(COMMAND) is not None
    assert len(world.commands) == 2


def test_the_memory_has_a_limit() -> None:
    """Past it the command unheard of for longest goes."""
    world = World(limit=2)
    names = [f"{number}{COMMAND[1:]}" for number in range(3)]
    for name in (*names[:2], names[0], names[2]):
        world.commands.hear(heard(message(name, sequence=len(world.commands))))
    assert [world.commands.find(name) is not None for name in names] == [True, False, True]


def test_a_tombstone_is_no_message(world: World) -> None:
    """A record without a value says nothing."""
    world.commands.hear(heard(None))
    assert (len(world.commands), world.unreadable) == (0, 0)


@pytest.mark.parametrize("value", [b"{", b"[]", b'{"command_id": "Jane Doe"}', b'{"data":' + b"[" * 3000])
def test_a_record_that_cannot_be_read(world: World, value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted, its place is logged, its content is not; the next one is heard."""
    with caplog.at_level(logging.ERROR):
        world.commands.hear(heard(value, offset=7))
    assert world.unreadable == 1
    assert [one.getMessage() for one in caplog.records] == ["remediation.connect-fix/1/7 is no command message"]
    world.commands.hear(heard(message()))
    assert len(world.commands) == 1


LATER: list[dict[str, Any]] = [{"action": "merge"}, {"action": Action.WITHDRAW, "withdraw_reason": "merged"}]


@pytest.mark.parametrize("later", LATER)
def test_a_message_of_a_later_release(world: World, later: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """What this release does not know closes the command: nobody is led on by mistake. It is counted and told."""
    world.commands.hear(heard(message()))
    with caplog.at_level(logging.ERROR):
        world.commands.hear(heard(message(sequence=1, **later), offset=7))
    found = world.commands.find(COMMAND)
    assert isinstance(found, ClosedCommand)
    assert (found.ending, world.unreadable) == (Ending.CALLED_OFF, 1)
    assert "remediation.connect-fix/1/7 is a command message of a later release" in caplog.text
