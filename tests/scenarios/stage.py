"""The stage of a scenario: both agents' folds, one partition each, joined as the topics join them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from schemas.catalogue import Catalogue
from schemas.cloudevents import to_headers, to_value
from schemas.commands import COMMAND_TOPICS
from schemas.events import ClockTick, Event, EventType, PolicyActivated, Source
from schemas.policy import Policy
from schemas.times import parse_rfc3339, to_epoch_ms
from streams.fold.effects import OutRecord
from streams.fold.inforce import InForce
from streams.fold.logfold import LogFold
from streams.kafka.topics import DEAD_LETTER, EVENTS, HEALTH, LOOKUP, SIGNALS
from streams.testing.applications import AGENT_APPLICATION, INSTITUTION_APPLICATION, Application
from streams.testing.clock import VirtualClock
from tests.scenarios.notation.model import DEFAULT_CUSTOMER, Again, Heard, Rules, Step, Tick, Told
from tests.scenarios.notation.times import DAY_ONE

MESSAGES = {*COMMAND_TOPICS.values(), LOOKUP, DEAD_LETTER}
CATALOGUE = Catalogue.load()
PARTITION = 0


@lru_cache(64)
def in_force(policy: Policy, catalogue: Catalogue) -> InForce:
    """Make the lookups of a policy and a catalogue, once."""
    return InForce.of(policy, catalogue)


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
        self.catalogue = catalogue
        self.told: list[Told] = []
        self.health: dict[str, Mapping[str, Any] | None] = {}
        shipped = in_force(policy, catalogue)
        self._agent = Side(AGENT_APPLICATION, shipped)
        self._institutions = Side(INSTITUTION_APPLICATION, shipped)
        self._events: list[tuple[str, Event]] = []
        self._commands: dict[tuple[str, str, str], str] = {}

    def hear(self, steps: list[Step]) -> list[Told]:
        """Take the steps of a line, one after the other, and give what they led to."""
        before = len(self.told)
        for step in steps:
            self._take(step)
        return self.told[before:]

    def _take(self, step: Step) -> None:
        if isinstance(step, Tick):
            self._to_agent(self._tick(step.time, Source.AGENT))
            self._to_institutions(to_record(self._tick(step.time, Source.INSTITUTIONS)))
        elif isinstance(step, Rules):
            self._activate(step)
        else:
            self._to_agent(self._repeated(step) if isinstance(step, Again) else self._heard(step))

    def _tick(self, at: datetime, source: Source) -> Event:
        return Event(f"tick-{self._next}", EventType.CLOCK_TICK, source, at, ClockTick())

    @property
    def _next(self) -> int:
        self._number += 1
        return self._number

    _number = 0

    def _activate(self, step: Rules) -> None:
        rules = in_force(step.policy, self.catalogue)
        data = PolicyActivated(
            policy=step.policy,
            policy_sha256=rules.policy_sha256,
            catalogue=self.catalogue,
            catalogue_sha256=rules.catalogue_sha256,
            engine_version=rules.engine_version,
        )
        event = Event(f"policy-{self._next}", EventType.POLICY_ACTIVATED, Source.OPERATOR, step.time, data)
        self._to_agent(event)
        self._to_institutions(to_record(event))

    def _heard(self, step: Heard) -> Event:
        data: dict[str, Any] = dict(step.data)
        if step.answers is not None:
            *path, last = step.answered_as
            inner = data
            for name in path:
                inner = inner.setdefault(name, {})
            inner[last] = self._commands.get(step.answers) or _missing(step.answers)
        event_id = f"id-{step.name}" if step.name else f"id-{self._next}"
        event = Event(event_id, step.type, step.source, step.time, data, None, step.key)
        self._events.append((step.name, event))
        return event

    def _repeated(self, step: Again) -> Event:
        event = next(event for name, event in reversed(self._events) if step.name in ("", name))
        return Event(event.id, event.type, event.source, step.time, event.data, None, event.partition_key)

    # -- the topics between the two

    def _to_agent(self, event: Event) -> None:
        self._deliver(self._agent.hear(to_record(event)))

    def _to_institutions(self, record: OutRecord) -> None:
        self._deliver(self._institutions.hear(record))

    def _deliver(self, out: list[tuple[str, OutRecord]]) -> None:
        """Show readers their messages first, then bring each agent what the other has for it."""
        for topic, record in out:
            if topic in MESSAGES:
                self._tell(topic, record)
            elif topic == HEALTH:
                self.health[(record.key or b"").decode()] = None if record.value is None else orjson.loads(record.value)
        for topic, record in out:
            if topic == SIGNALS:
                self._to_institutions(record)
            elif topic == EVENTS:
                self._deliver(self._agent.hear(record))

    def _tell(self, topic: str, record: OutRecord) -> None:
        value: dict[str, Any] = orjson.loads(record.value or b"null")
        if topic == DEAD_LETTER:
            self.told.append(Told({"what": "dead-letter", "who": value.get("reason"), "action": value.get("detail")}))
            return
        headers = dict(record.headers)
        self.told.append(Told(_parts(value, parse_rfc3339(headers["ce_time"].decode()))))
        if "command_id" in value and "customer_id" in value:
            self._commands[value["kind"], value["customer_id"], value["institution_login_id"]] = value["command_id"]


def _missing(answers: tuple[str, str, str]) -> str:
    """Give an id that no command has: what the scenario waited for did not come."""
    return f"no-{'-'.join(answers)}"


def to_record(event: Event) -> OutRecord:
    """Give an event as it is written to a log."""
    key = None if event.partition_key is None else event.partition_key.encode()
    return OutRecord(key, to_value(event.data), to_headers(event), to_epoch_ms(event.time))


def _parts(value: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Give a message by the names that scenarios use."""
    customer, login = value.get("customer_id"), value.get("institution_login_id") or "?"
    episode, reason = value.get("episode", {}), value.get("reason", {})
    return {
        "what": value["kind"],
        "who": value["institution_id"] if customer is None else _shown(customer, login),
        "action": value["action"],
        "why": value.get("withdraw_reason"),
        "code": reason.get("code"),
        "cause": value.get("cause"),
        "steps": tuple(value.get("steps", ())),
        "at": at,
        "ordinal": episode.get("ordinal"),
        "relapses": episode.get("relapses"),
        "opened": _time(value.get("opened_at") or episode.get("opened_at")),
        "until": _time(value.get("not_after")),
        "first": _time(value.get("first_seen")),
        "last": _time(value.get("last_seen")),
        "sequence": value.get("sequence"),
        "accounts": tuple(value.get("account_ids", ())),
        "codes": tuple(str(code) for code in value.get("codes", ())),
        "samples": tuple(value.get("sample_ids", ())),
        "logins": value.get("logins_affected"),
        "bank": value.get("institution_id"),
        "policy": value.get("policy_version"),
    }


def _shown(customer: str, login: str) -> str:
    return login if customer == DEFAULT_CUSTOMER else f"{customer}/{login}"


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)
