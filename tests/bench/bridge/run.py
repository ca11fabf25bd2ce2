"""Measures the bridge: requests a second, latency, CPU per request, and that every 200 is in the log."""

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from streams.kafka.topics import EVENTS
from tests.bench.bridge.load import Bodies, Load, Tally
from tests.bench.contest import Contest, contest
from tests.bench.latency import quantile
from tests.bench.measure import Contestant, cpu_seconds, descendants, peak_mb, running
from tests.processes import free_port

TOKEN = "bench-token-0123456789"  # noqa: S105 - opens nothing but this bench
PARTITIONS = 3
WARM_UP_SECONDS = 3.0
START_SECONDS = 30.0
SERVER_CORE, OTHER_CORE = 0, 1


@dataclass(frozen=True, slots=True)
class Served:
    """One run; `missing` are answers 200 whose event is not in the log."""

    requests_per_second: float
    milliseconds: tuple[float, ...]
    cpu_micros: float
    server_cores: float
    load_cores: float
    rss_mb: int
    refused: dict[str, int]
    stored: int
    missing: int


def pin(pid: int, core: int) -> None:
    """Keep a process and its threads on one core, where there are two."""
    if (os.cpu_count() or 1) > OTHER_CORE:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})


def serve(place: Contest, workers: int, connections: int, seconds: float) -> Served:
    """Start a bridge, load it, and look every 200 up in the log."""
    port, bodies = free_port(), Bodies(f"/{TOKEN}/txpush")
    environment = {
        "TXPUSH_BOOTSTRAP": place.kafka.bootstrap,
        "TXPUSH_PARTITIONS": str(PARTITIONS),
        "TXPUSH_REPLICATION": "1",
        "TXPUSH_CALLBACK_TOKENS": TOKEN,
        "TXPUSH_SIGNATURES": "log",
        "TXPUSH_BRIDGE_PORT": str(port),
        "TXPUSH_BRIDGE_WORKERS": str(workers),
    }
    with running(("-m", "streams.cli", "bridge"), environment, place.folder / "bridge.log") as bridge:
        if workers == 1:
            pin(bridge.pid, SERVER_CORE)
            pin(place.broker_pid, OTHER_CORE)
            pin(os.getpid(), OTHER_CORE)
        wait_for(bridge, port, bodies)
        warm_up = Tally(bodies)
        uvloop.run(Load(port, connections, WARM_UP_SECONDS).run(warm_up))
        return measured(place, bridge, Load(port, connections, seconds), Tally(bodies, sent=warm_up.sent))


def measured(place: Contest, bridge: Contestant, load: Load, tally: Tally) -> Served:
    """Load a bridge that is warm."""
    family = descendants(bridge.pid)
    before, own_before = sum(map(cpu_seconds, family)), time.process_time()
    took = uvloop.run(load.run(tally))
    cpu, own = sum(map(cpu_seconds, family)) - before, time.process_time() - own_before
    ordered, stored = sorted(tally.seconds), len(tally.stored)
    in_log = {record.id for record in place.kafka.read(EVENTS)}
    return Served(
        requests_per_second=stored / took,
        milliseconds=tuple(quantile(ordered, share) * 1000 for share in (0.5, 0.95, 0.99, 1.0)),
        cpu_micros=cpu / max(stored, 1) * 1e6,
        server_cores=cpu / took,
        load_cores=own / took,
        rss_mb=sum(map(peak_mb, family)),
        refused=tally.refused,
        stored=stored,
        missing=sum(tally.bodies.event_id(number) not in in_log for number in tally.stored),
    )


def wait_for(bridge: Contestant, port: int, bodies: Bodies) -> None:
    """Wait until the bridge stores a notification."""
    until = time.monotonic() + START_SECONDS
    while True:
        _ = bridge.pid
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as connection:
            connection.sendall(bodies.request(0))
            if connection.recv(1024).startswith(b"HTTP/1.1 200 "):
                return
        if time.monotonic() > until:
            raise TimeoutError(f"the bridge stores nothing after {START_SECONDS:.0f} s: see {bridge.log}")
        time.sleep(0.1)


def show(run: Served, workers: int, connections: int) -> None:
    """Print a row, and whatever was not a 200."""
    p50, p95, p99, longest = run.milliseconds
    every = "every one" if not run.missing else f"MISSING {run.missing:,}"
    sys.stdout.write(
        f"| {workers} | {connections} | {run.requests_per_second:,.0f} | {p50:.1f} | {p95:.1f} | {p99:.1f} "
        f"| {longest:.0f} | {run.cpu_micros:.0f} | {run.server_cores:.2f} | {run.load_cores:.2f} | {run.rss_mb} "
        f"| {every} of {run.stored:,} |\n"
    )
    for answer, times in run.refused.items():
        sys.stdout.write(f"\n- {times:,} times {answer}\n")
    sys.stdout.flush()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 64, 256])
    parser.add_argument("--workers", type=int, nargs="+", default=[1], help="bridge processes on one port")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that the bridge is ended, too
    sys.stdout.write("## Bridge (targets at 64 connections: 10,000/s a core, p99 20 ms, 90 µs CPU a request)\n\n")
    sys.stdout.write(
        "| processes | connections | requests/s | p50 ms | p95 ms | p99 ms | max ms | CPU µs/request | server cores "
        "| load cores | MB | 200s in the log |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    with contest(PARTITIONS) as place:
        for _ in range(options.runs):
            for workers in options.workers:
                for connections in options.connections:
                    show(serve(place, workers, connections, options.seconds), workers, connections)


if __name__ == "__main__":
    main()
