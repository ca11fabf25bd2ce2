"""The records of the agents' state as JSON Schema, with the version that a partition carries."""

import json

import msgspec

import schemas.state
from schemas.contract.messages import Document
from schemas.state import Record
from schemas.state.partitions import STATE_VERSION


def state_document() -> Document:
    """Give the schema of every state record, without its words, under one version."""
    exported = [getattr(schemas.state, name) for name in schemas.state.__all__]
    records = [one for one in exported if isinstance(one, type) and issubclass(one, Record)]
    _, definitions = msgspec.json.schema_components(records)
    plain: Document = json.loads(json.dumps(definitions, sort_keys=True))
    for one in plain.values():
        one.pop("description", None)
    return {"version": STATE_VERSION, "$defs": plain}
