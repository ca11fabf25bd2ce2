"""Has the simulated year decided by both agents, and keeps it as an export: what another policy would have led to.

Run it as `python -m tests.bench.replay.lived FOLDER [--customers 1000] [--days 365]`, then
`txpush replay --file FOLDER --policy FILE`. No Kafka; one partition, a record at a time, as customers react to each.
"""

import argparse
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from schemas.events import ClockTick, Event, EventType
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.effects import Effects
from streams.kafka.topics import CUSTOMER_COMMANDS, EVENTS, LOOKUP, SIGNALS, TICKETS
from streams.simulate import Message
from streams.testing.applications import AGENT_APPLICATION, INSTITUTION_APPLICATION
from tests.bench.replay.made import alone
from tests.bench.replay.recorder import Files, Recorder, write_whole
from tests.bench.telling import say
from tests.bench.year.play import Year
from tests.bench.year.progress import progress
from tests.bench.year.world import START

MESSAGES = (*CUSTOMER_COMMANDS, LOOKUP, TICKETS)
TO_MILLISECOND = timedelta(microseconds=999)


class Lived:
    """Both agents at work on one partition, their clock ticking as timers are due: stands for a simulation."""

    def __init__(self, files: Files) -> None:
        self._agent = Recorder(files, AGENT_APPLICATION, 1)
        self._institutions = Recorder(files, INSTITUTION_APPLICATION, 1)
        self._both = (self._agent, self._institutions)
        self._now = START
        for one in self._both:
            one.begin(START)

    def next_due(self) -> datetime | None:
        """Give when the next timer is due."""
        return min((at for one in self._both if (at := one.next_due()) is not None), default=None)

    def hear(self, event: Event) -> Iterator[Message]:
        """Let time pass until an event, decide on it, and give what is said."""
        while (due := self.next_due()) is not None and due < event.time:
            yield from self._tick(due)
        self._now = max(self._now, event.time)
        yield from self._settled(self._agent.hear([event]))

    def advance(self, until: datetime) -> Iterator[Message]:
        """Let time pass, timers due at `until` included."""
        while (due := self.next_due()) is not None and due <= until:
            yield from self._tick(due)
        self._now = max(self._now, until)

    def end(self) -> None:
        """Leave how far both have come."""
        for one in self._both:
            one.end(self._now)

    def _tick(self, due: datetime) -> Iterator[Message]:
        at = from_epoch_ms(to_epoch_ms(due + TO_MILLISECOND))
        self._now = now = max(self._now, at)
        for one in self._both:
            if (first := one.next_due()) is not None and first <= now:
                log, source = one.application.log, one.application.source
                tick = Event(f"tick:{log}/0/{to_epoch_ms(now)}", EventType.CLOCK_TICK, source, now, ClockTick())
                yield from self._settled(one.hear([tick]))

    def _settled(self, effects: Effects) -> Iterator[Message]:
        """Hand signals to the institutions' agent, and incidents to the customers', until nothing is left."""
        left = deque([effects])
        while left:
            one = left.popleft()
            yield from _messages(one)
            signals = one.outbox.records.get((SIGNALS, 0), ())
            if signals:
                parts = [(it.key, it.value, it.headers, it.timestamp_ms or 0) for it in signals]
                left.append(self._institutions.take(parts))
            if one.announced:
                left.append(self._agent.hear([event for log, event in one.announced if log == EVENTS]))


def _messages(effects: Effects) -> Iterator[Message]:
    for (topic, _), records in effects.outbox.records.items():
        if topic in MESSAGES:
            for one in records:
                yield Message(topic, (one.key or b"").decode(), one.headers, one.value or b"")


def live(folder: Path, customers: int, days: int, seed: int) -> None:
    """Let the year pass, and write the export."""
    folder.mkdir(parents=True)
    with Files(folder, 0) as files, progress(days) as day_over:
        lived = Lived(files)
        Year(customers, seed, lived).play(days, day_over)
        lived.end()
    write_whole(folder, 1)


def main() -> None:
    """Live it, and say what to do with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    alone()
    live(asked.folder, asked.customers, asked.days, asked.seed)
    say(f"txpush replay --file {asked.folder} --policy FILE")


if __name__ == "__main__":
    main()
