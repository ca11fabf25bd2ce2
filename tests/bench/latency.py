"""Latency at a steady rate: from just before an event is produced to its command in a committed reader's hands."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from streams.clock import WallClock
from tests.bench.contest import COMMANDS, Contest
from tests.bench.drain import seeded
from tests.bench.outside import send
from tests.bench.traffic import Observation, Portfolio, history, tonight, written

PER_SECOND = 1000
SECONDS = 20
WARM_UP_SECONDS = 5
LINGER_SECONDS = 3.0
"""How long commands may still come after the last event."""
KNOWN_NIGHTS = 3
SEED = 2


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from event to command; `commands` is how many were measured."""

    name: str
    partitions: int
    commands: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    cores: float
    others_cores: float


@dataclass(slots=True)
class Reader:
    """Notes when the first command of each event is seen, in a thread of its own."""

    contest: Contest
    seen: dict[str, float] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Read from the present end until `ended`."""
        consumer = self.contest.kafka.tail(COMMANDS)
        while not self.ended.is_set():
            message = consumer.poll(0.05)  # one at a time: `consume` waits until it has as many as asked for
            now = time.perf_counter()
            if message is not None and message.error() is None:
                for event_id in json.loads(message.value() or b"{}").get("evidence", {}).get("event_ids", ()):
                    self.seen.setdefault(event_id, now)
        consumer.close()


def seed(contest: Contest) -> Portfolio:
    """Fill the log with a few nights of enough accounts for one live night, and give them."""
    accounts = PER_SECOND * (SECONDS + WARM_UP_SECONDS)
    portfolio = Portfolio(accounts, SEED)
    contest.kafka.seed(history(portfolio, KNOWN_NIGHTS * accounts, tonight()))
    return portfolio


def latency(contest: Contest, name: str, portfolio: Portfolio) -> Latency:
    """Have a contestant learn the accounts from the log, then send it a night at a thousand events a second."""
    contest.kafka.reset()
    size = seeded(contest)
    reader = Reader(contest)
    thread = threading.Thread(target=reader.run)
    with contest.running(name) as contestant:
        contest.wait_committed(contestant, lambda committed: committed >= size)
        thread.start()
        night = portfolio.night()
        send_steadily(contest, night, WARM_UP_SECONDS)
        began = contest.clocks(contestant)
        sent = send_steadily(contest, night, SECONDS)
        used = contest.clocks(contestant).since(began)
        time.sleep(LINGER_SECONDS)
        reader.ended.set()
        thread.join()
    took = sorted((reader.seen[event_id] - at) * 1000 for event_id, at in sent.items() if event_id in reader.seen)
    return Latency(
        name=name,
        partitions=contest.kafka.partitions,
        commands=len(took),
        p50_ms=quantile(took, 0.5),
        p95_ms=quantile(took, 0.95),
        p99_ms=quantile(took, 0.99),
        max_ms=quantile(took, 1.0),
        cores=used.process / used.wall,
        others_cores=used.others,
    )


def send_steadily(contest: Contest, night: Iterator[Observation], seconds: int) -> dict[str, float]:
    """Send events at the rate and give the time just before each."""
    producer, sent, clock = contest.kafka.producer(), {}, WallClock()
    began = time.perf_counter()
    for n, (login, account_id, code) in enumerate(islice(night, PER_SECOND * seconds)):
        wait = began + n / PER_SECOND - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        event = written(login, account_id, code, clock.now())
        sent[event.id] = time.perf_counter()
        send(producer, event)
    producer.flush(10)
    return sent


def quantile(ordered: Sequence[float], share: float) -> float:
    """Give the value that `share` of the ordered values do not exceed; NaN where there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
