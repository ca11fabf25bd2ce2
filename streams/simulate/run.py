"""A simulation from its first event to its end: as a function on events, and over the lines of a file."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import takewhile
from typing import Any

from schemas.catalogue import Catalogue
from schemas.events import Event, Incident
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.simulate.exports import events_of_export, is_export
from streams.simulate.files import UnreadableFile, lines
from streams.simulate.ledger import Message
from streams.simulate.lines import UnreadableLine, read_line
from streams.simulate.simulation import Simulation


def simulate(
    events: Iterable[Event],
    *,
    policy: Policy | None = None,
    catalogue: Catalogue | None = None,
    until: datetime | None = None,
    derives_incidents: bool = True,
) -> Iterator[dict[str, Any]]:
    """Give every command, ticket and lookup that events lead to, as CloudEvents in structured mode, in order.

    The events are taken one by one as the messages are, in the order given; it ends with the first one after `until`,
    else with the last, timers of that very time included.

    Args:
        events: of the inbound log; `policy.activated` among them changes the rules only where no `policy` is given.
        policy: the shipped one by default.
        catalogue: the same.
        until: aware UTC; timers fire up to it, inclusive.
        derives_incidents: as the institution agent would, besides those among the events (R9).
    """
    simulation = Simulation(
        InForce.of(policy or Policy.load(), catalogue or Catalogue.load()),
        derives_incidents=derives_incidents,
        follows_activations=policy is None,
    )
    for message in run(simulation, up_to(until, events), until):
        yield message.structured()


def up_to(until: datetime | None, events: Iterable[Event]) -> Iterator[Event]:
    """Give the events before the first one that is later."""
    return takewhile(lambda event: until is None or event.time <= until, events)


def run(simulation: Simulation, events: Iterable[Event], until: datetime | None) -> Iterator[Message]:
    """Let a simulation hear events, and time pass to its end."""
    for event in events:
        yield from simulation.hear(event)
    end = until or simulation.clock
    if end is not None:
        yield from simulation.advance(end)


def events_of(file: str, simulation: Simulation, note: Callable[[str], None]) -> Iterator[Event]:
    """Read the events of a file or an export one by one, and have incidents derived as the file asks for it.

    Incidents that are recorded are taken as given, so they are derived for captures only, and no more once one was
    read. `note` takes what live would put into the dead letter, in words with the place.

    Raises:
        UnreadableFile: a line is no event and no capture, or the file cannot be read; with file and line.
    """
    simulation.derives_incidents, has_recorded = False, False
    if is_export(file):
        for event in events_of_export(file, note):
            yield event
            for aside in simulation.take_asides():
                note(f"{file}: {aside}")
        return
    for number, text in lines(file):
        try:
            read = read_line(text)
        except UnreadableLine as error:
            raise UnreadableFile(f"{file}:{number}: {error}") from None
        for refused in read.refused:
            note(f"{file}:{number}: {refused}")
        for event in read.events:
            has_recorded = has_recorded or isinstance(event.data, Incident)
            simulation.derives_incidents = not has_recorded and (simulation.derives_incidents or read.is_capture)
            yield event
            for aside in simulation.take_asides():
                note(f"{file}:{number}: {aside}")
