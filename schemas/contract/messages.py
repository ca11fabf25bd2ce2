"""Every message of the contract and its JSON Schema, as others should read or write it."""

from typing import Any, Literal

from pydantic import BaseModel

from schemas.audit import AuditRecord, DeadLetter, LetterRetried
from schemas.canary import CanarySeen
from schemas.catalogue import Catalogue
from schemas.commands import Command, Lookup, Ticket
from schemas.events import (
    SCHEMA_VERSION,
    AccountChallenged,
    AccountSnapshot,
    CanarySent,
    ClockTick,
    CommandReported,
    ConnectEvent,
    CustomerForgotten,
    Incident,
    Override,
    PolicyActivated,
    SnapshotMarked,
    SnapshotTaken,
)
from schemas.health import AccountHealth, InstitutionHealth
from schemas.policy import Policy
from schemas.signals import HealthyLogins, Signal, TicketWanted

DIALECT = "https://json-schema.org/draft/2020-12/schema"

READ: dict[str, type[BaseModel]] = {
    "account-snapshot": AccountSnapshot,
    "connect-event": ConnectEvent,
    "account-challenged": AccountChallenged,
    "command-reported": CommandReported,
    "canary-sent": CanarySent,
    "incident": Incident,
    "override": Override,
    "customer-forgotten": CustomerForgotten,
    "policy-activated": PolicyActivated,
    "clock-tick": ClockTick,
    "snapshot-marked": SnapshotMarked,
    "snapshot-taken": SnapshotTaken,
    "policy": Policy,
    "catalogue": Catalogue,
}
"""What the agents read: the schema says what is taken."""

WRITTEN: dict[str, type[BaseModel]] = {
    "command": Command,
    "ticket": Ticket,
    "signal": Signal,
    "healthy-logins": HealthyLogins,
    "ticket-wanted": TicketWanted,
    "lookup": Lookup,
    "canary-seen": CanarySeen,
    "account-health": AccountHealth,
    "institution-health": InstitutionHealth,
    "audit-record": AuditRecord,
    "dead-letter": DeadLetter,
    "dead-letter-retried": LetterRetried,
}
"""What only we write: the schema says what a reader must be ready for."""

OPEN_ENUMS = frozenset({"DeadLetterReason", "Kind", "Phase", "Step", "TicketCause", "WithdrawReason"})
"""Enums of written messages that may get more values: the schema takes any text and lists those known so far.

A reader treats a value that it does not know as "another one". `Kind` is open because each kind has a topic of its own:
a reader never meets one that it did not subscribe to. `Action` is closed: a reader has to know what each one asks for.
"""

Document = dict[str, Any]


def schema_of(name: str) -> Document:
    """Give the schema of a message as it is published: of READ what is taken, of WRITTEN what to be ready for."""
    if name in READ:
        return _headed(name, taken(name))
    return _headed(name, _opened(WRITTEN[name].model_json_schema(mode="serialization")))


def taken(name: str) -> Document:
    """Give what our own reader of a message takes, enums closed."""
    return _schema(READ | WRITTEN, name, "validation")


def _schema(models: dict[str, type[BaseModel]], name: str, mode: Literal["validation", "serialization"]) -> Document:
    return models[name].model_json_schema(mode=mode)


def _headed(name: str, schema: Document) -> Document:
    return {"$schema": DIALECT, "$id": f"urn:txpush-remediation:{SCHEMA_VERSION}:{name}"} | schema


def _opened(schema: Document) -> Document:
    """Leave room for later versions: readers ignore fields that they do not know, and open enums may grow."""
    definitions = {
        name: _open_enum(one) if name in OPEN_ENUMS else _opened(one) for name, one in schema.get("$defs", {}).items()
    }
    kept = {key: value for key, value in schema.items() if (key, value) != ("additionalProperties", False)}
    return kept | ({"$defs": definitions} if definitions else {})


def _open_enum(schema: Document) -> Document:
    return {("x-extensible-enum" if key == "enum" else key): value for key, value in schema.items()}
