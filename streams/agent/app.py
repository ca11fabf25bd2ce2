"""The agent as a Faust application: `faust -A streams.agent.app agents` and `tables` show what runs.

The agent takes one event a poll of one partition and decides on its records in order; what it decided, the tables and
the offset then become one transaction (`streams.transport`).
"""

import logging
from typing import Any, NoReturn

from schemas.events import Source
from schemas.state import AccountState, CustomerState, LoginState, Surroundings
from streams.agent.decider import AgentDecider
from streams.agent.tables import AgentTables
from streams.fold.intake import EVENT_SOURCES
from streams.kafka.topics import AGENT, EVENTS
from streams.links import links_of
from streams.observe.logs import log_to_stderr
from streams.settings import read_settings
from streams.worker.program import FoldProgram

log = logging.getLogger(__name__)

program = FoldProgram(AGENT, EVENTS, read_settings())
app = program.app
tables = AgentTables(
    accounts=program.table("accounts", AccountState, "each account, as it was last heard of"),
    logins=program.table("logins", LoginState, "each login's case: its episodes and open commands"),
    customers=program.table("customers", CustomerState, "each customer's clock, accounts and recent events"),
    surroundings=program.table(
        "surroundings", Surroundings, "what holds for all customers of a partition: incidents, silences"
    ),
)


@app.agent(program.source, name="remediation")
async def remediation(stream: Any) -> None:  # noqa: ANN401 - Faust ships no usable types for streams
    """Classify every account event and decide on commands, signals and health."""
    async for event in stream.events():
        event.message.poll.decide()


def main() -> NoReturn:
    """Run the agent until SIGTERM; raises SettingsError for half of what links need."""
    log_to_stderr(program.log_options)
    links = links_of(program.settings)
    if links is None:
        log.info("commands carry no fix_url: set TXPUSH_LINK_URL and TXPUSH_LINK_KEYS to have them carry one")
    program.run(AgentDecider(tables, program.fold.partitions, links), Source.AGENT, EVENT_SOURCES)


if __name__ == "__main__":
    main()
