"""Measures the agent against plain loops and stock Faust, and prints tables with ratios."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.contest import AGENT_WORKER, UNOBSERVED, contest
from tests.bench.drain import Drained, drain, state_bytes
from tests.bench.latency import latency, seed
from tests.bench.restarts.restart import restarts
from tests.bench.telling import end_on_sigterm, say
from tests.bench.traffic import ACCOUNTS, Portfolio, history, tonight

REFERENCES = ("reference_loop", "reference_tx")
STOCK = "stock_faust"
SEED = 1
STOCK_NIGHTS = 15
MEASURABLE = 50_000
"""Fewer events are a handful of polls, over before a rate can be told; stock Faust needs a minute for them."""
RESTART_EVENTS = 100_000
OBSERVING_ROUNDS = 3
"""In turn: what observing costs is less than two drains of the same differ by."""
PARTS = ("drain", "observing", "latency", "restart")


@dataclass(frozen=True, slots=True)
class Log:
    """A log to be seeded: as many nights of the accounts as it takes."""

    events: int
    accounts: int


def drains(names: Sequence[str], log: Log, rounds: int, partitions: int) -> list[Drained]:
    """Drain a log with every contestant in turn, as often as there are rounds, and print what came of it."""
    with contest(partitions) as place:
        size = place.kafka.seed(history(Portfolio(log.accounts, SEED), log.events, tonight()))
        say(f"## Drain of {size:,} events of {log.accounts:,} accounts, {partitions} partitions\n")
        say("| contestant | events/s | CPU µs/event | broker µs/event | peak MB | start s | commands | others, cores |")
        say("|---|---|---|---|---|---|---|---|")
        runs = []
        for name in [name for turn in range(rounds) for name in (names if turn % 2 == 0 else names[::-1])]:
            runs.append(drain(place, name, size))
            if size >= MEASURABLE or name == STOCK:
                row(runs[-1])
        say(f"\n- commands: {agreement(runs)}")
        say(f"- state: {state_bytes(place):,.0f} bytes an account (target 1,000 at most)\n")
    return runs


def all_drains(size: int, stock_size: int, rounds: int, partitions: int) -> None:
    """Drain the long log, and one that stock Faust can drain in a minute, and print the ratios."""
    runs = drains((*REFERENCES, AGENT_WORKER), Log(size, ACCOUNTS), rounds, partitions)
    if stock_size:
        few = max(1, stock_size // STOCK_NIGHTS)
        stock = drains((STOCK, AGENT_WORKER), Log(stock_size, few), 1, partitions)
        runs += [run for run in stock if run.name == STOCK]
    verdict(runs)


def observing(size: int, rounds: int, partitions: int) -> None:
    """Drain the long log with the agent as it ships and with one that shows nothing, and print what observing costs."""
    runs = drains((AGENT_WORKER, UNOBSERVED), Log(size, ACCOUNTS), rounds, partitions)
    rate, cost = (
        middle(runs, AGENT_WORKER, measure) / middle(runs, UNOBSERVED, measure)
        for measure in ("events_per_second", "cpu_micros")
    )
    say(f"- metrics and logs: {rate:.3f} times the events/s, {cost:.3f} times the CPU (target 0.95 at least)\n")


def row(run: Drained) -> None:
    """Print one drain."""
    say(
        f"| {run.name} | {run.events_per_second:,.0f} | {run.cpu_micros:.1f} | {run.broker_micros:.1f} | {run.rss_mb} "
        f"| {run.start_seconds:.1f} | {run.commands:,} | {run.others_cores:.2f} |"
    )


def verdict(runs: Sequence[Drained]) -> None:
    """Print ratios of medians; an event costs stock Faust the same in any log."""
    names = {run.name for run in runs} - {AGENT_WORKER}
    speed = {name: middle(runs, name, "events_per_second") for name in (*names, AGENT_WORKER)}
    cost = {name: middle(runs, name, "cpu_micros") for name in (*names, AGENT_WORKER)}
    for name in sorted(names):
        faster, dearer = speed[AGENT_WORKER] / speed[name], cost[AGENT_WORKER] / cost[name]
        targets = "15 at least" if name == STOCK else "0.6 at least, CPU 1.7 at most"
        say(f"- agent to {name}: {faster:.2f} times the events/s, {dearer:.2f} times the CPU (target {targets})")
    say()


def middle(runs: Sequence[Drained], name: str, measure: str) -> float:
    """Give the median of a measure over the drains of one contestant."""
    return float(median(getattr(run, measure) for run in runs if run.name == name))


def agreement(runs: Sequence[Drained]) -> str:
    """Say whether no command was lost, doubled or made up by anyone."""
    expected = runs[0].command_ids
    doubled = [run.name for run in runs if run.commands != len(run.command_ids)]
    differing = [run.name for run in runs if run.command_ids != expected]
    if doubled or differing:
        return f"NOT the same: doubled by {doubled or 'nobody'}, others from {differing or 'nobody'}"
    return f"the same {len(expected):,} ids from all, none twice"


def latencies(partitions: int) -> None:
    """Print latency at a steady rate, of the agent and of the loop with transactions."""
    with contest(partitions) as place:
        portfolio = seed(place)
        for name in (*REFERENCES, AGENT_WORKER):
            run = latency(place, name, portfolio)
            say(
                f"| {name} | {partitions} | {run.commands:,} | {run.p50_ms:.0f} | {run.p95_ms:.0f} | {run.p99_ms:.0f} "
                f"| {run.max_ms:.0f} | {run.cores:.2f} | {run.others_cores:.2f} |"
            )


def all_latencies() -> None:
    """Print latency on the embedded and on the full number of partitions."""
    say("## Event to command at 1,000 events/s (target p99 100 ms with 3 partitions on an idle machine)\n")
    say("| contestant | partitions | commands | p50 ms | p95 ms | p99 ms | max ms | cores used | others, cores |")
    say("|---|---|---|---|---|---|---|---|---|")
    for partitions in (3, 12):
        latencies(partitions)
    say()


def all_restarts(partitions: int) -> None:
    """Print how long a killed worker's partitions are silent."""
    with contest(partitions) as place:
        portfolio = Portfolio(ACCOUNTS, SEED)
        place.kafka.seed(history(portfolio, RESTART_EVENTS, tonight()))
        seconds = restarts(place, portfolio)
    say(f"## SIGKILL to the next committed event, state of {RESTART_EVENTS:,} events\n")
    each = ", ".join(f"{one:.1f}" for one in seconds)
    say(f"- median {median(seconds):.1f} s of {each} (target 4 s at most)\n")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*PARTS, "all"], default="all")  # no list: Python 3.11 refuses it
    parser.add_argument("--size", type=int, default=1_000_000, help="events in the log")
    parser.add_argument("--stock-size", type=int, default=30_000, help="events for stock Faust; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=1, help="drains of each contestant")
    parser.add_argument("--partitions", type=int, default=3, help="of drains and restarts")
    options = parser.parse_args()
    what = PARTS if "all" in options.what else options.what
    end_on_sigterm()
    if "drain" in what:
        all_drains(options.size, options.stock_size, options.rounds, options.partitions)
    if "observing" in what:
        observing(options.size, max(OBSERVING_ROUNDS, options.rounds), options.partitions)
    if "latency" in what:
        all_latencies()
    if "restart" in what:
        all_restarts(options.partitions)


if __name__ == "__main__":
    main()
