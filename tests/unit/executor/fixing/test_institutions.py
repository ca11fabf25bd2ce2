"""Which institutions a customer is known to have: those of the open commands."""

from datetime import timedelta

from schemas.commands import Action, Lookup, LookupAction
from streams.executor.fixing.standing import Commands
from streams.links import LIFETIME
from tests.unit.executor.double import AT, BANK, COMMAND, CUSTOMER, LOGIN, OTHER, HandClock, heard, message


def verify(customer_id: str, login_id: str | None) -> Lookup:
    """Give a look-up of a login."""
    return Lookup(action=LookupAction.VERIFY, customer_id=customer_id, institution_login_id=login_id, account_ids=())


def commands_of(clock: HandClock, *messages: bytes, limit: int = 1000) -> Commands:
    """Give commands that were heard of."""

    def never() -> None:
        raise AssertionError("a message could not be read")

    commands = Commands(clock, never, limit)
    for one in messages:
        commands.hear(heard(one))
    return commands


def test_those_of_open_commands() -> None:
    """Each once, however often a command is heard of; a command without one, or of another customer, has none."""
    commands = commands_of(
        HandClock(),
        message(),
        message(sequence=1, action=Action.REMIND),
        message(OTHER, institution_id="102106"),
        message("2", institution_id=None),
        message("3", customer_id="7000000043", institution_id="102107"),
    )
    assert commands.institutions_of(CUSTOMER) == {BANK, "102106"}
    assert commands.institutions_of("7000000044") == frozenset()


def test_that_of_a_login() -> None:
    """The one that an open command names for it; None where none does, and for another customer's."""
    commands = commands_of(
        HandClock(),
        message("1", institution_id=None),
        message(),
        message(OTHER, institution_id="102106", institution_login_id="7100000008"),
        message("2", institution_id="102107", institution_login_id="7100000009"),
        message("2", sequence=1, action=Action.COMPLETE),
    )
    asked = (LOGIN, "7100000008", "7100000009", None)
    assert [commands.institution_of(verify(CUSTOMER, one)) for one in asked] == [BANK, "102106", None, None]
    assert commands.institution_of(verify("7000000044", LOGIN)) is None


def test_an_ended_command_has_none() -> None:
    """Nor is anything kept of its customer."""
    commands = commands_of(HandClock(), message(), message(sequence=1, action=Action.COMPLETE))
    assert commands.institutions_of(CUSTOMER) == frozenset()
    assert commands._open_of == {}


def test_what_is_forgotten_has_none() -> None:
    """Past the time of links, or the number of commands."""
    clock = HandClock()
    commands = commands_of(clock, message(), message(OTHER, institution_id="102106"), limit=1)
    assert commands.institutions_of(CUSTOMER) == {"102106"}
    clock.at = AT + LIFETIME + timedelta(seconds=1)
    commands.hear(heard(message(COMMAND, customer_id="7000000043"), clock.at))
    assert commands.institutions_of(CUSTOMER) == frozenset()
    assert list(commands._open_of) == ["7000000043"]
