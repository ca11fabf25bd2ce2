"""The stage of a scenario: both agents' folds, one partition each, joined as the topics join them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from schemas.catalogue import Catalogue
from schemas.commands import COMMAND_TOPICS
from schemas.events import ClockTick, Event, EventType, Source
from schemas.policy import Policy
from schemas.times import parse_rfc3339
from streams.fold.effects import OutRecord
from streams.fold.inforce import InForce
from streams.fold.logfold import LogFold
from streams.kafka.topics import DEAD_LETTER, EVENTS, HEALTH, LOOKUP, SIGNALS
from streams.testing.applications import AGENT_APPLICATION, INSTITUTION_APPLICATION, Application
from streams.testing.clock import VirtualClock
from tests.scenarios.notation.model import Rules, Step, Tick, Told
from tests.scenarios.notation.times import DAY_ONE
from tests.scenarios.script import CATALOGUE, Script, in_force, to_record

MESSAGES = {*COMMAND_TOPICS.values(), LOOKUP, DEAD_LETTER}
PARTITION = 0


@dataclass(frozen=True)
class LogRecord:
    """A record of a log, in the shape in which aiokafka gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Any


class Side:
    """One of the two agents, on tables in memory."""

    def __init__(self, application: Application, shipped: InForce) -> None:
        self._fold: LogFold = application.fold(shipped, VirtualClock(DAY_ONE), 1)
        self._seen = 0
        for table in self._fold.tables:
            table.take(PARTITION, {})
        self._fold.opened(PARTITION)

    def hear(self, record: OutRecord) -> list[tuple[str, OutRecord]]:
        """Fold one record and give what goes out, topic by topic, and at last what is announced."""
        place = LogRecord(self._seen, record.timestamp_ms or 0, record.key, record.value, record.headers)
        effects = self._fold.fold(PARTITION, [place])
        for table, changes in effects.changes.items():
            table.apply(PARTITION, changes)
        self._fold.committed(PARTITION, effects)
        self._seen += 1
        sent = [(topic, one) for (topic, _), records in effects.outbox.records.items() for one in records]
        return sent + [(log, to_record(event)) for log, event in effects.announced]


class Stage:
    """Plays a scenario, line by line."""

    def __init__(self, policy: Policy, catalogue: Catalogue = CATALOGUE) -> None:
        self.told: list[Told] = []
        self.health: dict[str, Mapping[str, Any] | None] = {}
        self._script = Script(catalogue)
        shipped = in_force(policy, catalogue)
        self._agent = Side(AGENT_APPLICATION, shipped)
        self._institutions = Side(INSTITUTION_APPLICATION, shipped)

    def hear(self, steps: list[Step]) -> list[Told]:
        """Take the steps of a line, one after the other, and give what they led to."""
        before = len(self.told)
        for step in steps:
            self._take(step)
        return self.told[before:]

    def _take(self, step: Step) -> None:
        if isinstance(step, Tick):
            self._to_agent(to_record(self._tick(step.time, Source.AGENT)))
            self._to_institutions(to_record(self._tick(step.time, Source.INSTITUTIONS)))
            return
        record = to_record(self._script.event(step))
        self._to_agent(record)
        if isinstance(step, Rules):
            self._to_institutions(record)

    def _tick(self, at: datetime, source: Source) -> Event:
        return Event(self._script.next_id(), EventType.CLOCK_TICK, source, at, ClockTick())

    # -- the topics between the two

    def _to_agent(self, record: OutRecord) -> None:
        self._deliver(self._agent.hear(record))

    def _to_institutions(self, record: OutRecord) -> None:
        self._deliver(self._institutions.hear(record))

    def _deliver(self, out: list[tuple[str, OutRecord]]) -> None:
        """Show readers their messages first, then bring each agent what the other has for it."""
        for topic, record in out:
            if topic in MESSAGES:
                self.told.append(self._read(topic, record))
            elif topic == HEALTH:
                self.health[(record.key or b"").decode()] = None if record.value is None else orjson.loads(record.value)
        for topic, record in out:
            if topic == SIGNALS:
                self._to_institutions(record)
            elif topic == EVENTS:
                self._to_agent(record)

    def _read(self, topic: str, record: OutRecord) -> Told:
        value: dict[str, Any] = orjson.loads(record.value or b"null")
        if topic == DEAD_LETTER:
            return Told({"what": "dead-letter", "who": value.get("reason"), "action": value.get("detail")})
        return self._script.told(value, parse_rfc3339(dict(record.headers)["ce_time"].decode()))
