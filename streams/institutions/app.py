"""The institution agent as a Faust application: `faust -A streams.institutions.app agents` and `tables` show it."""

from typing import Any, NoReturn

from schemas.events import Source
from schemas.state import (
    GatheringState,
    IncidentState,
    InstitutionState,
    StandingState,
    TicketState,
    WindowState,
)
from streams.fold.intake import SIGNAL_SOURCES
from streams.institutions.tables import InstitutionTables
from streams.institutions.turn import InstitutionDecider
from streams.kafka.topics import INSTITUTIONS, SIGNALS
from streams.observe.logs import log_to_stderr
from streams.settings import read_settings
from streams.worker.program import FoldProgram

program = FoldProgram(INSTITUTIONS, SIGNALS, read_settings())
app = program.app
tables = InstitutionTables(
    tickets=program.table("tickets", TicketState, "the ticket of each institution and code"),
    standings=program.table("standings", StandingState, "logins that a ticket has counted"),
    gatherings=program.table("gatherings", GatheringState, "logins at a code that nobody knows, before its ticket"),
    incidents=program.table("incidents", IncidentState, "the incident of each institution and code"),
    windows=program.table("windows", WindowState, "the logins of each institution that were seen of late"),
    institutions=program.table("institutions", InstitutionState, "each institution's clock, tickets and incidents"),
)


@app.agent(program.source, name="tickets")
async def tickets(stream: Any) -> None:  # noqa: ANN401 - Faust ships no usable types for streams
    """Open and close incidents, and open, update and complete one support ticket per institution and code."""
    async for event in stream.events():
        event.message.poll.decide()


def main() -> NoReturn:
    """Run the institution agent until SIGTERM."""
    log_to_stderr(program.log_options)
    program.run(InstitutionDecider(tables), Source.INSTITUTIONS, SIGNAL_SOURCES)


if __name__ == "__main__":
    main()
