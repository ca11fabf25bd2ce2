"""The kill test as a command: `python -m tests.chaos.run --notifications 20000 --kills 20 --stops 5 --seed 7`."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.kafka import topics
from streams.kafka.embedded import ClusterSpec, EmbeddedKafka
from streams.kafka.embedded.machine import free_ports
from streams.kafka.topics import AGENT, AUDIT, INSTITUTIONS, Layout
from tests.chaos.check import markers
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import unread
from tests.chaos.check.verdict import AGENT as AGENT_SIDE
from tests.chaos.check.verdict import INSTITUTIONS as INSTITUTION_SIDE
from tests.chaos.check.verdict import Check, Claims
from tests.chaos.clock import BOOTSTRAP, PORT, ScaledClock
from tests.chaos.feed import Feed
from tests.chaos.processes import DEATHS_FILE, Opening, Worker, stop_all
from tests.chaos.schedule import Chaos, Done, Plan
from tests.chaos.traffic import Traffic

PARTITIONS = 4
SPAN = timedelta(days=6)
"""The vendor's time that passes in a run: below the week for which lookups are kept."""
POLICY = """
version = "chaos"
[ticket]
quiet_days = 1
[state]
forget_days = 1
dedupe_days = 1
"""
BEFORE_SECONDS = 15.0
"""From the start of the clock to the first notification, about."""
START_SECONDS = 60.0
DRAIN_SECONDS = 180.0
QUIET_SECONDS = 3.0
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Options:
    """What to run; `session_seconds` is the silence after which the group gives a worker's partitions away."""

    notifications: int = 20_000
    seed: int = 7
    kills: int = 20
    stops: int = 5
    bridge_kills: int = 2
    agents: int = 2
    brokers: int = 3
    agent_module: str = "streams.agent.app"
    session_seconds: float = 6.0
    sleep_seconds: float = 7.0
    local_state: bool = False
    """Have each worker keep its state on disk."""
    keep: Path | None = None

    @property
    def plan(self) -> Plan:
        """Give what the schedule is drawn from."""
        return Plan(self.seed, self.kills, self.stops, self.bridge_kills, self.sleep_seconds)

    @property
    def seconds(self) -> float:
        """How long the disturbances take, about."""
        return 6.0 * (self.kills + self.stops + self.bridge_kills)


LONG = Options(notifications=160_000, kills=60, stops=17, bridge_kills=6)
"""The long form: 300,000 events."""


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    findings: Findings
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give everything as one object."""
        verdict = "clean" if self.findings.clean else "FAILED"
        return {
            "verdict": verdict,
            "faults": dict(self.findings.faults),
            "compared": dict(self.findings.compared),
            **self.figures,
            "examples": self.findings.examples,
        }


class Run:
    """One run: a cluster, workers under a supervisor, a feed, a schedule, and the check at the end."""

    def __init__(self, options: Options, folder: Path, kafka: EmbeddedKafka) -> None:
        self._options = options
        self._folder = folder
        self._kafka = kafka
        self._clock = ScaledClock.over(SPAN, options.seconds + BEFORE_SECONDS)
        self._port = free_ports(1).clients[0]
        (folder / "policy.toml").write_text(POLICY)
        self._agents = [self._fold(f"agent-{n}", options.agent_module, AGENT) for n in range(options.agents)]
        self._institutions = [self._fold("institutions-0", "streams.institutions.app", INSTITUTIONS)]
        bridge = {BOOTSTRAP: kafka.bootstrap, PORT: str(self._port), **self._clock.environment()}
        self._bridge = Worker("bridge", "tests.chaos.clock", bridge, folder)
        groups = {"agents": self._agents, "institutions": self._institutions, "bridge": [self._bridge]}
        self._chaos = Chaos(options.plan, groups)
        self._feed = Feed(kafka.bootstrap, self._port, self._clock)

    def _fold(self, name: str, module: str, application: str) -> Worker:
        replication = min(3, self._options.brokers)
        environment = {
            BOOTSTRAP: self._kafka.bootstrap,
            "TXPUSH_PARTITIONS": str(PARTITIONS),
            "TXPUSH_REPLICATION": str(replication),
            "TXPUSH_SESSION_SECONDS": str(self._options.session_seconds),
            "TXPUSH_POLICY_FILE": str(self._folder / "policy.toml"),
            DEATHS_FILE: str(self._folder / f"{name}.deaths"),
        }
        if self._options.local_state:
            environment["TXPUSH_STATE_DIR"] = str(self._folder / f"{name}.state")
        return Worker(name, module, environment, self._folder, application)

    @property
    def _workers(self) -> list[Worker]:
        return [*self._agents, *self._institutions, self._bridge]

    async def run(self) -> Outcome:
        """Do it all; raises TimeoutError where the workers do not come to an end of the log."""
        began = time.monotonic()
        await topics.apply(self._kafka.bootstrap, Layout(PARTITIONS, min(3, self._options.brokers)))
        supervisor = asyncio.create_task(self._supervise())
        try:
            await self._started()
            await self._disturbed()
            chaos_ended = time.monotonic()
            await self._drained()
        finally:
            supervisor.cancel()
            await asyncio.to_thread(stop_all, self._workers)
        took = {"to_end_of_chaos_s": round(chaos_ended - began), "to_end_of_log_s": round(time.monotonic() - began)}
        findings = await asyncio.to_thread(self._check)
        return Outcome(findings, self._figures() | took | {"all_s": round(time.monotonic() - began)})

    async def _supervise(self) -> None:
        for worker in self._workers:
            worker.start()
        while True:
            for worker in self._workers:
                worker.tend()
            await asyncio.sleep(0.05)

    async def _started(self) -> None:
        """Wait until every partition of both logs is open, so that the rules in force come first in each."""
        wanted = {(application, number) for application in (AGENT, INSTITUTIONS) for number in range(PARTITIONS)}
        async with asyncio.timeout(START_SECONDS):
            while not wanted <= {(one.application, one.partition) for one in self._openings()}:  # noqa: ASYNC110 - files
                await asyncio.sleep(POLL_SECONDS)

    def _openings(self) -> list[Opening]:
        for worker in self._workers:
            worker.read_log()
        return [opening for worker in self._workers for opening in worker.openings]

    async def _disturbed(self) -> None:
        options = self._options
        traffic = Traffic(options.seed, options.notifications, self._clock.start, SPAN)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._feed.run(traffic, options.notifications, self._chaos.seconds_left))
            both.create_task(self._chaos.run())

    async def _drained(self) -> None:
        """Wait until both agents have read all of their logs and nothing new has come for some seconds."""
        quiet_since, last = time.monotonic(), self._unread()
        async with asyncio.timeout(DRAIN_SECONDS):
            while any(left for _, left in last) or time.monotonic() - quiet_since < QUIET_SECONDS:
                await asyncio.sleep(POLL_SECONDS)
                now = await asyncio.to_thread(self._unread)
                if now != last:
                    quiet_since, last = time.monotonic(), now

    def _unread(self) -> list[tuple[int, int]]:
        """Give how far both logs were read, and how much of them is left."""
        bootstrap = self._kafka.bootstrap
        sides = (AGENT_SIDE, INSTITUTION_SIDE)
        return [one for side in sides for one in unread(bootstrap, side.application, side.log, PARTITIONS)]

    def _check(self) -> Findings:
        sent = self._feed.sent
        return Check(self._kafka.bootstrap, PARTITIONS).run(Claims(sent.event_ids, sent.refused))

    def _figures(self) -> dict[str, Any]:
        done, openings = self._chaos.done, self._openings()
        cut, recovered, commits = [], {}, {}
        for side in (AGENT_SIDE, INSTITUTION_SIDE):
            own = (*side.outputs, side.health, AUDIT, *side.changelogs.values())
            found = list(markers.read_markers(self._kafka.log(1).parent / "data", own))
            mine = [opening for opening in openings if opening.application == side.application]
            disturbed = [one for one in done if one.application == side.application]
            cut += list(markers.cuts(found, side.application, mine, disturbed))
            control = [marker for marker in found if marker.topic == side.changelogs["control"]]
            commits[side.application] = sum(marker.committed for marker in control)
            recovered[side.application] = markers.figures(markers.recoveries(control, mine, disturbed))
        causes = {cause for one in cut if (cause := one.cause) is not None}
        return {
            "seed": self._options.seed,
            "kills": sum(one.kind == "SIGKILL" and bool(one.application) for one in done),
            "stops": sum(one.kind == "SIGSTOP" for one in done),
            "bridge_kills": sum(not one.application for one in done),
            "committed_transactions": commits,
            "aborted_transactions": len(cut),
            "inside_a_transaction": len(causes),
            "fences": sum(worker.fences() for worker in self._workers),
            "restores": dict(sum((worker.restores() for worker in self._workers), Counter[str]())),
            "exits": {worker.name: dict(worker.exits) for worker in self._workers},
            "recovery": recovered,
            "answers": dict(self._feed.sent.answers),
            "schedule": [_described(one) + (" inside a transaction" if one in causes else "") for one in done],
        }


def _described(done: Done) -> str:
    return f"{time.strftime('%H:%M:%S', time.localtime(done.at))} {done.kind} {done.worker}"


@contextmanager
def work_folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder for logs; it goes away unless it was named."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="txpush-chaos-") as made:
        yield Path(made)


def execute(options: Options) -> Outcome:
    """Run with a cluster of its own."""
    with work_folder(options.keep) as folder, EmbeddedKafka(ClusterSpec(brokers=options.brokers)) as kafka:
        return asyncio.run(Run(options, folder, kafka).run())


def main() -> int:
    """Run from the command line; 0 for a clean verdict, 1 for any other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="300,000 events, 60 kills, 17 sleeps")
    for name, value in asdict(Options()).items():
        if isinstance(value, bool):
            parser.add_argument(f"--{name.replace('_', '-')}", action="store_const", const=True, help="off without")
        elif isinstance(value, int | float):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), help=f"{value} unless said otherwise")
    parser.add_argument("--keep", type=Path, help="folder for the workers' logs")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    outcome = execute(replace(LONG if given.pop("long") else Options(), **given))
    _print(outcome)
    return 0 if outcome.findings.clean else 1


def _print(outcome: Outcome) -> None:
    table = Table("counter", "times")
    for name, times in outcome.findings.faults.items():
        table.add_row(name, str(times))
    Console(stderr=True).print(table)
    sys.stdout.write(json.dumps(outcome.as_json(), indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
