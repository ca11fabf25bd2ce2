"""Measures how long a killed agent is silent, by the size of its state, with and without the state on local disk."""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from streams.kafka.embedded.machine import free_ports
from tests.bench.contest import AGENT_WORKER, POLL_SECONDS, Contest, contest
from tests.bench.drain import drain
from tests.bench.measure import Contestant, peak_mb
from tests.bench.restarts.grown import grow
from tests.bench.restarts.restart import PER_SECOND, restart, traffic
from tests.bench.telling import end_on_sigterm, say
from tests.bench.traffic import ACCOUNTS, Portfolio, history, tonight

SEED = 1
SIZES = (1_000, 100_000, 2_000_000)
OPEN_SECONDS = 900.0
READ = re.compile(r'^txpush_agent_restored_records_total{place="(\w+)"} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Restart:
    """One SIGKILL and the start after it."""

    first_seconds: float
    """To the first event committed."""
    all_seconds: float
    """To the last partition opened."""
    read: str
    """Records by where they were read."""


def measured(place: Contest, accounts: int, kills: int, *, on_disk: bool) -> tuple[list[Restart], int]:
    """Restart an agent with so much state several times, and give its peak memory in MB."""
    portfolio, folder, port = Portfolio(accounts, SEED), place.folder / "state", free_ports(1).clients[0]
    grow(place.kafka.bootstrap, place.kafka.partitions, portfolio)
    settings = {"TXPUSH_ADMIN_PORT": str(port), **_settings(folder, on_disk=on_disk)}
    with place.running(AGENT_WORKER, **settings) as worker, traffic(place, portfolio):
        _until(lambda: _is_ready(port), "all partitions")
        if on_disk:
            _until(lambda: len(list(folder.glob("*/*.head"))) == place.kafka.partitions, "the state to be written")
        return [_killed(place, worker, port) for _ in range(kills)], peak_mb(worker.pid)


def _killed(place: Contest, worker: Contestant, port: int) -> Restart:
    first_seconds = restart(place, worker)
    killed_at = time.perf_counter() - first_seconds
    _until(lambda: _is_ready(port), "all partitions")
    all_seconds = time.perf_counter() - killed_at
    counts = {source: int(float(count)) for source, count in READ.findall(_asked(port, "/metrics"))}
    return Restart(first_seconds, all_seconds, ", ".join(f"{n:,} {source}" for source, n in counts.items() if n))


def _is_ready(port: int) -> bool:
    return _asked(port, "/readyz").startswith("ready\n")


def _asked(port: int, path: str) -> str:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5.0).text
    except httpx.HTTPError:
        return ""


def _until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + OPEN_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {OPEN_SECONDS:.0f} s for {what}")
        time.sleep(POLL_SECONDS)


def report(sizes: Sequence[int], kills: int, partitions: int) -> None:
    """Print a row for each size, without and with the state on disk."""
    say(f"## SIGKILL to the first committed event at {PER_SECOND} events/s, {partitions} partitions, {kills} kills\n")
    say("| accounts | state on disk | first event s, median (worst) | all partitions open s | records read | peak MB |")
    say("|---|---|---|---|---|---|")
    for accounts in sizes:
        for on_disk in (False, True):
            with contest(partitions) as place:
                runs, rss_mb = measured(place, accounts, kills, on_disk=on_disk)
            first, whole = [run.first_seconds for run in runs], [run.all_seconds for run in runs]
            say(
                f"| {accounts:,} | {'yes' if on_disk else 'no'} | {median(first):.1f} ({max(first):.1f}) "
                f"| {median(whole):.1f} | {runs[-1].read} | {rss_mb:,} |"
            )


def costs(size: int, rounds: int, partitions: int) -> None:
    """Print what a drain costs without and with the state on disk, in turn."""
    say(f"## Drain of {size:,} events of {ACCOUNTS:,} accounts, {partitions} partitions\n")
    say("| state on disk | events/s | CPU µs/event | peak MB | others, cores |")
    say("|---|---|---|---|---|")
    with contest(partitions) as place:
        place.kafka.seed(history(Portfolio(ACCOUNTS, SEED), size, tonight()))
        for number in range(2 * rounds):
            on_disk = bool(number % 2)
            run = drain(place, AGENT_WORKER, size, **_settings(place.folder / str(number), on_disk=on_disk))
            say(
                f"| {'yes' if on_disk else 'no'} | {run.events_per_second:,.0f} | {run.cpu_micros:.1f} | {run.rss_mb} "
                f"| {run.others_cores:.2f} |"
            )


def _settings(folder: Path, *, on_disk: bool) -> dict[str, str]:
    return {"TXPUSH_STATE_DIR": str(folder)} if on_disk else {}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=["restart", "drain"], default=["restart", "drain"])
    parser.add_argument("--accounts", type=int, nargs="*", default=SIZES, help="sizes of the state")
    parser.add_argument("--kills", type=int, default=3, help="restarts of each")
    parser.add_argument("--partitions", type=int, default=12)
    parser.add_argument("--size", type=int, default=500_000, help="events of a drain")
    parser.add_argument("--rounds", type=int, default=2, help="drains without and with the state on disk")
    options = parser.parse_args()
    end_on_sigterm()
    if "restart" in options.what:
        report(options.accounts, options.kills, options.partitions)
    if "drain" in options.what:
        costs(options.size, options.rounds, options.partitions)


if __name__ == "__main__":
    main()
