"""Writes `schemas/json` and `schemas/asyncapi.json`: run `python -m schemas.generate` after a change of a message."""

import json
from pathlib import Path

from schemas.contract import asyncapi
from schemas.contract.messages import READ, WRITTEN, Document, schema_of

PLACE = Path(__file__).parent
FOLDER = "json"
ASYNCAPI = "asyncapi.json"


def documents() -> dict[str, str]:
    """Give the text of every document by its path within `schemas`."""
    schemas = {f"{FOLDER}/{name}.schema.json": as_text(schema_of(name)) for name in [*READ, *WRITTEN]}
    return schemas | {ASYNCAPI: as_text(asyncapi.document())}


def as_text(document: Document) -> str:
    """Write a document as it is kept: indented, with a last line end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write what has changed, and remove schemas of messages that are gone."""
    (PLACE / FOLDER).mkdir(exist_ok=True)
    current = documents()
    for path, text in current.items():
        (PLACE / path).write_text(text, "utf-8")
    kept = {Path(path).name for path in current}
    for stale in (PLACE / FOLDER).glob("*.schema.json"):
        if stale.name not in kept:
            stale.unlink()


if __name__ == "__main__":
    main()
