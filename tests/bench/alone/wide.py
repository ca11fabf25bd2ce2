"""What an event about a whole partition costs it: an incident that opens, and the stop button. No Kafka.

The state is that of the accounts after a night, as bytes, which is how a partition holds it after a restart; "prepared"
has looked at every timer before, as it has some seconds later.
"""

import argparse
import gc
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import process_time

from schemas.catalogue import Catalogue
from schemas.events import Event, EventType, Incident, Override, OverrideAction, Source
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.fold.logfold import LogFold
from streams.testing.applications import AGENT_APPLICATION
from streams.testing.broker import Record
from streams.testing.clock import VirtualClock
from streams.testing.workers import as_record
from streams.transport.state.values import PartitionValues
from tests.bench.restarts.grown import customers, values
from tests.bench.telling import say
from tests.bench.traffic import Portfolio

SEED = 1
PARTITION = 0
OFFSET = 1_000_000
"""Behind all that the state knows."""

State = Mapping[str, Mapping[str, bytes]]
"""Values by table and key."""


def grown(accounts: int) -> tuple[State, str, datetime]:
    """Give the state of so many accounts, one of their institutions, and a time after all of it."""
    state: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    institution, latest = "", datetime.min.replace(tzinfo=UTC)
    for customer in customers(Portfolio(accounts, SEED)):
        latest = max(latest, customer.state.event_time)
        institution = next(iter(customer.accounts.values())).institution_id or institution
        for table, key, value in values(customer):
            state[table][key] = value
    return state, institution, latest + timedelta(minutes=1)


def restored(state: State, *, prepared: bool) -> LogFold:
    """Give a fold whose partition has this state, right after its restore or once all timers were looked at."""
    shipped = InForce.of(Policy.load(), Catalogue.load())
    fold = AGENT_APPLICATION.fold(shipped, VirtualClock(datetime.now(UTC)), 1)
    for table in fold.tables:
        table.take(PARTITION, PartitionValues(dict(state.get(table.name, {})), table.decode))
    fold.opened(PARTITION)
    while prepared and not fold.prepare(PARTITION):
        pass
    gc.collect()
    return fold


def seconds(fold: LogFold, event: Event) -> float:
    """Give the CPU time that a partition takes for an event."""
    out = as_record(event, None)
    record = Record(OFFSET, out.timestamp_ms or 0, out.key, out.value, out.headers)
    began = process_time()
    fold.fold(PARTITION, [record])
    return process_time() - began


def main() -> None:
    """Grow the state, and print what each event takes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alone.wide", description=__doc__)
    parser.add_argument("--accounts", type=int, default=500_000, help="of one partition")
    accounts = parser.parse_args().accounts
    state, institution, at = grown(accounts)
    opened = Incident(institution_id=institution, code=185, sequence=1, opened_at=at, logins_failing=20, logins_seen=20)
    silence = Override(action=OverrideAction.SILENCE, all=True, who="ann", why="wrong letters")
    events = {
        "an incident opens": Event("incident:1", EventType.INCIDENT_OPENED, Source.INSTITUTIONS, at, opened),
        "silence --all": Event("silence:1", EventType.OPERATOR_OVERRIDE, Source.OPERATOR, at, silence),
    }
    say(f"## Events about a partition of {accounts:,} accounts, s of CPU\n")
    say("| event | right after a restart | prepared |")
    say("|---|---|---|")
    for name, event in events.items():
        took = [seconds(restored(state, prepared=prepared), event) for prepared in (False, True)]
        say(f"| {name} | {took[0]:.2f} | {took[1]:.2f} |")


if __name__ == "__main__":
    main()
