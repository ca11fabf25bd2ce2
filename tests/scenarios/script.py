"""What a scenario's steps are as events, and what messages are in its words; both ways of playing one share it."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from schemas.catalogue import Catalogue
from schemas.cloudevents import from_record, to_headers, to_value
from schemas.events import Event, EventType, PolicyActivated, Source
from schemas.policy import Policy
from schemas.times import parse_rfc3339, to_epoch_ms
from streams.fold.effects import OutRecord
from streams.fold.inforce import InForce
from tests.scenarios.notation.model import DEFAULT_CUSTOMER, Again, Heard, Rules, Told

CATALOGUE = Catalogue.load()


@lru_cache(64)
def in_force(policy: Policy, catalogue: Catalogue) -> InForce:
    """Make the lookups of a policy and a catalogue, once."""
    return InForce.of(policy, catalogue)


class Script:
    """Numbers the events of one scenario and remembers the ids of its commands, so that events can answer them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._number = 0
        self._events: list[tuple[str, Event]] = []
        self._commands: dict[tuple[str, str, str], str] = {}

    def next_id(self) -> str:
        """Give an id that no other event of the scenario has."""
        self._number += 1
        return f"id-{self._number}"

    def event(self, step: Heard | Again | Rules) -> Event:
        """Give a step as the event that is written to the log."""
        if isinstance(step, Rules):
            return self._activation(step)
        return self._repeated(step) if isinstance(step, Again) else self._heard(step)

    def _activation(self, step: Rules) -> Event:
        rules = in_force(step.policy, self._catalogue)
        data = PolicyActivated(
            policy=step.policy,
            policy_sha256=rules.policy_sha256,
            catalogue=self._catalogue,
            catalogue_sha256=rules.catalogue_sha256,
            engine_version=rules.engine_version,
        )
        return Event(self.next_id(), EventType.POLICY_ACTIVATED, Source.OPERATOR, step.time, data)

    def _heard(self, step: Heard) -> Event:
        data: dict[str, Any] = dict(step.data)
        if step.answers is not None:
            *path, last = step.answered_as
            inner = data
            for name in path:
                inner = inner.setdefault(name, {})
            inner[last] = self._commands.get(step.answers, f"no-{'-'.join(step.answers)}")
        event_id = f"id-{step.name}" if step.name else self.next_id()
        event = Event(event_id, step.type, step.source, step.time, data, None, step.key)
        self._events.append((step.name, event))
        return event

    def _repeated(self, step: Again) -> Event:
        event = next(event for name, event in reversed(self._events) if step.name in ("", name))
        return Event(event.id, event.type, event.source, step.time, event.data, None, event.partition_key)

    def told(self, data: Mapping[str, Any], at: datetime) -> Told:
        """Give a message by the names that scenarios use, and remember its command."""
        if "command_id" in data and "customer_id" in data:
            self._commands[data["kind"], data["customer_id"], data["institution_login_id"]] = data["command_id"]
        return Told(_parts(data, at))


def to_record(event: Event) -> OutRecord:
    """Give an event as it is written to a log."""
    key = None if event.partition_key is None else event.partition_key.encode()
    return OutRecord(key, to_value(event.data), to_headers(event), to_epoch_ms(event.time))


def as_read(event: Event) -> Event:
    """Give an event as a reader of the log has it: its data read, not as the scenario has put them together."""
    record = to_record(event)
    return from_record(record.headers, record.key, record.value, record.timestamp_ms or 0)


def _parts(value: Mapping[str, Any], at: datetime) -> dict[str, Any]:
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
