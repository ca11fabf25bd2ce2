"""The project's own fold of a log in structured mode, in one partition and in memory, for the oracle to judge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from schemas.catalogue import Catalogue
from schemas.events import Event, Incident, PolicyActivated
from schemas.policy import Policy
from schemas.times import parse_rfc3339, rfc3339, to_epoch_ms
from streams.fold import SourceRecord
from streams.fold.effects import Headers
from streams.fold.inforce import InForce
from streams.fold.logfold import LogFold
from streams.testing.applications import AGENT_APPLICATION, INSTITUTION_APPLICATION, Application
from streams.testing.clock import VirtualClock

PARTITION = 0
EXECUTOR = "/remediation/executor"
CATALOGUE = Catalogue.load()
SHIPPED = InForce.of(Policy(), CATALOGUE)
START = parse_rfc3339("2026-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of the log as a consumer gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


SIGNALS = (
    "institution.login.failing",
    "institution.login.left",
    "institution.logins.healthy",
    "institution.ticket.wanted",
)
PLACE = {"source_partition": 0, "source_offset": 0}
SOURCES = {
    "account.observed": "/remediation/sweep",
    "policy.activated": "/remediation/operator",
    "institution.incident.opened": "/remediation/institutions",
    "institution.incident.closed": "/remediation/institutions",
    "operator.override": "/remediation/operator",
    "customer.forgotten": "/remediation/operator",
    **dict.fromkeys(SIGNALS, "/remediation/agent"),
}
"""Who may write what; the bridge all else."""
ON_TOP: Mapping[str, dict[str, Any]] = {
    "institution.incident.opened": {"opened_at": "2026-01-01T00:00:00Z", "logins_failing": 20, "logins_seen": 20},
    "institution.incident.closed": {"opened_at": "2026-01-01T00:00:00Z", "logins_failing": 0, "logins_seen": 20},
    "operator.override": {"who": "somebody", "why": "a test"},
    "customer.forgotten": {"who": "somebody", "why": "a test"},
    **{kind: {**PLACE, "event_id": "e"} for kind in SIGNALS if kind != "institution.logins.healthy"},
    "institution.logins.healthy": PLACE,
}
"""What the messages have and no rule asks for."""


def log_record(offset: int, event: Mapping[str, Any], tick_source: str) -> LogRecord:
    """Write an event in structured mode as a record in binary mode, with what no rule asks for filled in."""
    at: datetime = parse_rfc3339(event["time"])
    kind = event["type"]
    source = tick_source if kind == "clock.tick" else SOURCES.get(kind, event["source"])
    if (kind, event["source"]) == ("account.observed", EXECUTOR):
        source = EXECUTOR
    attributes = {"id": event["id"], "type": kind, "source": source, "time": event["time"]}
    headers = [("ce_specversion", b"1.0"), *((f"ce_{name}", text.encode()) for name, text in attributes.items())]
    key = event.get("partitionkey")
    return LogRecord(offset, to_epoch_ms(at), key and key.encode(), value_of(kind, event["data"]), tuple(headers))


def value_of(kind: str, data: Mapping[str, Any]) -> bytes:
    """Write the data of an event, whole."""
    if kind != "policy.activated":
        return orjson.dumps({**ON_TOP.get(kind, {}), **data})
    policy = Policy.model_validate_json(orjson.dumps(data.get("policy", {})))
    catalogue = Catalogue.model_validate_json(orjson.dumps(data["catalogue"])) if data.get("catalogue") else CATALOGUE
    activation = PolicyActivated(
        policy=policy,
        policy_sha256=policy.sha256,
        catalogue=catalogue,
        catalogue_sha256=catalogue.sha256,
        engine_version="1",
    )
    return activation.model_dump_json().encode()


def open_fold(application: Application = AGENT_APPLICATION) -> LogFold:
    """Give a fold that owns the only partition, with nothing in its tables."""
    fold = application.fold(SHIPPED, VirtualClock(START), 1)
    for table in fold.tables:
        table.take(PARTITION, {})
    fold.opened(PARTITION)
    return fold


def folded(log: Iterable[Mapping[str, Any]], application: Application = AGENT_APPLICATION) -> list[tuple[str, Any]]:
    """Fold a log record by record and give (topic, record) of all that it wrote, in order."""
    fold = open_fold(application)
    written: list[tuple[str, Any]] = []
    for offset, event in enumerate(log):
        record: SourceRecord = log_record(offset, event, application.source)
        effects = fold.fold(PARTITION, [record])
        for table, changes in effects.changes.items():
            table.apply(PARTITION, changes)
        fold.committed(PARTITION, effects)
        written += [("announced", told) for _, told in effects.announced]
        for (topic, _), records in effects.outbox.records.items():
            written += [(topic, one) for one in records]
    return written


SAID = (
    "command_id",
    "sequence",
    "action",
    "kind",
    "customer_id",
    "institution_login_id",
    "institution_id",
    "account_ids",
    "steps",
    "episode",
    "not_after",
    "withdraw_reason",
)
"""What an oracle's message has of a command, the reason's code apart."""


def messages(log: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fold a customers' log and give its messages in the oracle's form."""
    written = folded(log)
    letters = [orjson.loads(record.value) for topic, record in written if topic == "aggregation.dead-letter"]
    assert not letters, letters[0]
    return [_message(topic, record) for topic, record in written if topic.startswith("remediation.")]


def _message(topic: str, record: Any) -> dict[str, Any]:  # noqa: ANN401 - a record as it goes out
    headers, data = dict(record.headers), orjson.loads(record.value)
    time = headers["ce_time"].decode()
    if topic == "remediation.lookup":
        return {"topic": topic, "time": time, "data": data}
    said = {name: data[name] for name in SAID if name in data}
    said["reason"] = {"code": data["reason"]["code"]}
    return {"topic": topic, "id": headers["ce_id"].decode(), "time": time, "data": said}


TICKET_SAID = ("command_id", "sequence", "action", "institution_id", "cause", "opened_at", "logins_affected")
INCIDENT_SAID = ("institution_id", "code", "sequence")


def tickets(log: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fold an institution's signals and give its tickets and incidents in the oracle's form."""
    keyed = [{"partitionkey": record["data"].get("institution_id"), **record} for record in log]
    written = folded(keyed, INSTITUTION_APPLICATION)
    letters = [orjson.loads(record.value) for topic, record in written if topic == "aggregation.dead-letter"]
    assert not letters, letters[0]
    return [_ticket(record) for topic, record in written if topic == "remediation.support-ticket"] + [
        _incident(told) for topic, told in written if topic == "announced"
    ]


def _ticket(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a record as it goes out
    headers, data = dict(record.headers), orjson.loads(record.value)
    said = {name: data[name] for name in TICKET_SAID} | {"reason": {"code": data["reason"]["code"]}}
    topic = "remediation.support-ticket"
    return {"topic": topic, "id": headers["ce_id"].decode(), "time": headers["ce_time"].decode(), "data": said}


def _incident(told: Event) -> dict[str, Any]:
    data = told.data
    assert isinstance(data, Incident)
    said = {name: getattr(data, name) for name in INCIDENT_SAID}
    return {"type": str(told.type), "time": rfc3339(told.time), "data": said}
