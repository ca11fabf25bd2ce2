"""What a deployment takes: bytes on a broker's disk an event, by topic, and bytes of state an account.

Nights of each account are drained by both agents as they ship; then the files of the broker are weighed. Bytes go
straight up with events; what is compacted goes up with accounts.
"""

import argparse
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from streams.kafka import topics
from streams.kafka.embedded import FULL_SPEED, ClusterSpec, EmbeddedKafka
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS
from tests.bench.contest import POLL_SECONDS, STALL_SECONDS
from tests.bench.measure import running
from tests.bench.outside import Outside
from tests.bench.telling import end_on_sigterm, say
from tests.bench.traffic import Portfolio, history, tonight

SEED = 1
MILLION = 1_000_000
GIB = 1 << 30
DAY_MS = 86_400_000
LOGS = {AGENT: (EVENTS, "streams.agent.app"), INSTITUTIONS: (SIGNALS, "streams.institutions.app")}
QUIET_SECONDS = 5.0
"""Without a new record in any log: both agents have read all, what they wrote for each other included."""


def weighed(folder: Path) -> Counter[str]:
    """Give the bytes of records by topic, the same on each replica."""
    sizes = Counter[str]()
    for log in folder.rglob("*.log"):
        topic, dash, number = log.parent.name.rpartition("-")
        if dash and number.isdigit():
            sizes[topic] += log.stat().st_size
    return sizes


def drained(kafka: Outside) -> None:
    """Wait until both groups have read all of their logs, and nothing comes any more; raises TimeoutError."""
    before: tuple[int, ...] = ()
    moved_at = time.monotonic()
    while True:
        ends = tuple(sum(kafka.ends(log)) for log, _ in LOGS.values())
        read = tuple(kafka.committed(group, log) for group, (log, _) in LOGS.items())
        if (*ends, *read) != before:
            before, moved_at = (*ends, *read), time.monotonic()
        since = time.monotonic() - moved_at
        if read[0] >= ends[0] and since > QUIET_SECONDS:
            return
        if since > STALL_SECONDS:
            raise TimeoutError(f"read {read} of {ends}, and nothing moves any more")
        time.sleep(POLL_SECONDS * 10)


def measured(accounts: int, nights: int, partitions: int, codec: str) -> None:
    """Drain so many nights of the accounts, and print what they take."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="txpush-sizing-")))
        kafka = stack.enter_context(
            EmbeddedKafka(ClusterSpec(jvm_flags=FULL_SPEED, data_dir=folder / "kafka", keep=False))
        )
        outside = Outside(kafka.bootstrap, partitions)
        outside.compress((topic.name for topic in topics.contract()), codec)
        events = outside.seed(history(Portfolio(accounts, SEED), accounts * nights, tonight()))
        environment = {
            "TXPUSH_BOOTSTRAP": kafka.bootstrap,
            "TXPUSH_PARTITIONS": str(partitions),
            "TXPUSH_REPLICATION": "1",
            "TXPUSH_INSTANCE": "sizing-0",
            "TXPUSH_STATE_DIR": str(folder / "state"),
        }
        for group, (_, module) in LOGS.items():
            stack.enter_context(running(("-m", module), environment, folder / f"{group}.log"))
        drained(outside)
        report(weighed(folder / "kafka"), events, accounts, codec)


def report(sizes: Counter[str], events: int, accounts: int, codec: str) -> None:
    """Print what is kept by time a million events, and what is kept by key a million accounts."""
    say(f"## {events:,} events of {accounts:,} accounts, one replica, compression.type={codec}\n")
    say("| topic | kept days | bytes an event | GiB a million events |")
    say("|---|---|---|---|")
    total = 0.0
    compacted = 0
    for topic in topics.contract():
        kept_ms = topic.config.get("retention.ms")
        if kept_ms is None:
            compacted += sizes[topic.name]
            continue
        each = sizes[topic.name] / events
        total += each
        say(f"| `{topic.name}` | {int(kept_ms) // DAY_MS} | {each:.0f} | {each * MILLION / GIB:.2f} |")
    say(f"| all | | {total:.0f} | {total * MILLION / GIB:.2f} |\n")
    say(f"- compacted topics, not cleaned yet: {compacted / events:.0f} bytes an event")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--nights", type=int, default=5)
    parser.add_argument("--partitions", type=int, default=3)
    parser.add_argument("--compression", default="producer", help="compression.type of the topics, zstd for example")
    options = parser.parse_args()
    end_on_sigterm()
    measured(options.accounts, options.nights, options.partitions, options.compression)


if __name__ == "__main__":
    main()
