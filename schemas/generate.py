"""Writes the JSON Schema of every message into `schemas/json`: run `python -m schemas.generate` after a change."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from schemas.audit import AuditRecord, DeadLetter
from schemas.catalogue import Catalogue
from schemas.commands import Command, Lookup, Ticket
from schemas.events import (
    SCHEMA_VERSION,
    AccountChallenged,
    AccountSnapshot,
    CommandReported,
    ConnectEvent,
    CustomerForgotten,
    Incident,
    Override,
    PolicyActivated,
)
from schemas.health import AccountHealth, InstitutionHealth
from schemas.policy import Policy
from schemas.signals import HealthyLogins, Signal, TicketWanted

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).parent / "json"

READ: dict[str, type[BaseModel]] = {
    "account-snapshot": AccountSnapshot,
    "connect-event": ConnectEvent,
    "account-challenged": AccountChallenged,
    "command-reported": CommandReported,
    "incident": Incident,
    "override": Override,
    "customer-forgotten": CustomerForgotten,
    "policy-activated": PolicyActivated,
    "policy": Policy,
    "catalogue": Catalogue,
}
"""What others may write: the schema says what is taken."""

WRITTEN: dict[str, type[BaseModel]] = {
    "command": Command,
    "ticket": Ticket,
    "signal": Signal,
    "healthy-logins": HealthyLogins,
    "ticket-wanted": TicketWanted,
    "lookup": Lookup,
    "account-health": AccountHealth,
    "institution-health": InstitutionHealth,
    "audit-record": AuditRecord,
    "dead-letter": DeadLetter,
}
"""What only we write: the schema says what is sent."""


def documents() -> dict[str, str]:
    """Give the text of every schema by its file's name."""
    return {
        **{f"{name}.schema.json": _document(name, model, "validation") for name, model in READ.items()},
        **{f"{name}.schema.json": _document(name, model, "serialization") for name, model in WRITTEN.items()},
    }


def _document(name: str, model: type[BaseModel], mode: Literal["validation", "serialization"]) -> str:
    head = {"$schema": DIALECT, "$id": f"urn:txpush-remediation:{SCHEMA_VERSION}:{name}"}
    return json.dumps(head | model.model_json_schema(mode=mode), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write what has changed, and remove schemas of messages that are gone."""
    FOLDER.mkdir(exist_ok=True)
    current = documents()
    for name, text in current.items():
        (FOLDER / name).write_text(text, "utf-8")
    for stale in {path.name for path in FOLDER.glob("*.schema.json")} - current.keys():
        (FOLDER / stale).unlink()


if __name__ == "__main__":
    main()
