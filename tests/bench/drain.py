"""Draining a backlog: what a contestant makes of it per second, at what cost, and whether all decided alike."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from streams.kafka.topics import AGENT, EVENTS, changelog
from tests.bench.contest import COMMANDS, Contest
from tests.bench.measure import peak_mb

STATE_TABLES = ("accounts", "logins", "customers")


@dataclass(frozen=True, slots=True)
class Drained:
    """One drain; rates count from the first offset that moved to the last one committed."""

    name: str
    events: int
    events_per_second: float
    cpu_micros: float
    broker_micros: float
    others_cores: float
    start_seconds: float
    rss_mb: int
    command_ids: frozenset[str]
    commands: int


def drain(contest: Contest, name: str, size: int, **settings: str) -> Drained:
    """Have a contestant work off the first `size` events of the log, from nothing."""
    contest.kafka.reset()
    launched = time.perf_counter()
    with contest.running(name, **settings) as contestant:
        first = contest.wait_committed(contestant, lambda committed: committed > 0)
        began = contest.clocks(contestant)
        last = contest.wait_committed(contestant, lambda committed: committed >= size)
        took, rss_mb = contest.clocks(contestant).since(began), peak_mb(contestant.pid)
    ids = list(command_ids(contest))
    events = last - first
    return Drained(
        name=name,
        events=last,
        events_per_second=events / took.wall,
        cpu_micros=took.process / events * 1e6,
        broker_micros=took.broker / events * 1e6,
        others_cores=took.others,
        start_seconds=began.wall - launched,
        rss_mb=rss_mb,
        command_ids=frozenset(ids),
        commands=len(ids),
    )


def command_ids(contest: Contest) -> Iterable[str]:
    """Give the id of every command message that a committed reader sees and that events of the log led to.

    The agent's clock ticks while it drains, so that reminders follow that are due since the log's end; no other
    contestant has a clock.
    """
    heard = contest.kafka.last_heard
    return (record.id for topic in COMMANDS for record in contest.kafka.read(topic) if record.time <= heard[record.key])


def state_bytes(contest: Contest) -> float:
    """Give the bytes of keys and values that the last state of an account takes, its share of the rest included."""
    sizes, accounts = {}, 0
    for table in STATE_TABLES:
        topic = changelog(AGENT, table)
        latest = {record.key: record.value for record in contest.kafka.read(topic)}
        kept = {key: value for key, value in latest.items() if value is not None}
        sizes[table] = sum(len(key) + len(value) for key, value in kept.items())
        accounts = len(kept) if table == "accounts" else accounts
    return sum(sizes.values()) / accounts


def seeded(contest: Contest) -> int:
    """Give the number of events in the log."""
    return sum(contest.kafka.ends(EVENTS))
