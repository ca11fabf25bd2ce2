"""What released versions promised, and whether the present contract keeps all of it (full transitive compatibility)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.contract import compare
from schemas.contract.asyncapi import document
from schemas.contract.messages import READ, WRITTEN, Document, schema_of, taken
from schemas.contract.records import state_document

FOLDER = Path(__file__).parents[1] / "released"
STATE, ASYNCAPI = "state.json", "asyncapi.json"


@dataclass(frozen=True, slots=True)
class Contract:
    """A version of the contract: schemas by message, state records with their version, and the AsyncAPI document.

    `taken` is what its own readers take: for the present contract only, a release keeps what it published.
    """

    version: str
    messages: Mapping[str, Document]
    state: Document
    asyncapi: Document
    taken: Mapping[str, Document]

    @classmethod
    def present(cls) -> "Contract":
        """Give what the code says now."""
        names = [*READ, *WRITTEN]
        return cls(
            "now",
            {name: schema_of(name) for name in names},
            state_document(),
            document(),
            {name: taken(name) for name in names},
        )

    @classmethod
    def released(cls, folder: Path) -> "Contract":
        """Read a release."""
        messages = {path.name.removesuffix(".schema.json"): _read(path) for path in folder.glob("json/*.schema.json")}
        return cls(folder.name, messages, _read(folder / STATE), _read(folder / ASYNCAPI), {})


def _read(path: Path) -> Document:
    content: Document = json.loads(path.read_text("utf-8"))
    return content


def releases(folder: Path = FOLDER) -> list[Contract]:
    """Give every release that is kept, oldest first."""
    found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return [Contract.released(path) for path in sorted(found, key=lambda path: _order(path.name))]


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def broken_promises(now: Contract, kept: list[Contract]) -> list[str]:
    """Give everything in which the present contract breaks one that was released, in words."""
    found = [line for release in kept for line in (*_messages(now, release), *_channels(now, release))]
    found += [line for release in kept for line in _state(now, release)]
    if kept and now.state["$defs"] != kept[-1].state["$defs"] and now.state["version"] <= kept[-1].state["version"]:
        found.append(
            f"state: its records differ from those of {kept[-1].version}, which is of the same state version "
            f"{now.state['version']}: raise STATE_VERSION in schemas/state/partitions.py, or, if nobody has that "
            "release yet, run `python -m schemas.release --again`"
        )
    return found


def _messages(now: Contract, old: Contract) -> Iterator[str]:
    for name, schema in sorted(old.messages.items()):
        if name not in now.messages:
            yield f"message {name} of {old.version} is gone: keep it; logs hold it, and readers wait for it"
            continue
        written = name in WRITTEN
        for one in compare.problems(schema, now.taken[name], old_writes=True, exact=written):
            yield f"message {name} as {old.version} wrote it cannot be read any more: {one}"
        if written:
            for one in compare.problems(now.messages[name], schema, old_writes=False):
                yield f"message {name} cannot be read by a reader of {old.version}: {one}"


def _channels(now: Contract, old: Contract) -> Iterator[str]:
    for address, was in sorted(old.asyncapi["channels"].items()):
        becomes: dict[str, Any] | None = now.asyncapi["channels"].get(address)
        if becomes is None:
            yield f"topic {address} of {old.version} is gone: keep it; others read or write it"
            continue
        for gone in sorted(was["messages"].keys() - becomes["messages"].keys()):
            yield f"topic {address}: message {gone} of {old.version} is gone: keep it; logs hold it"
        for what, before, after in _facts(was, becomes):
            if before != after:
                yield f"topic {address}: its {what} was {before} in {old.version} and is {after}: keep it, or migrate"


def _facts(was: Document, becomes: Document) -> Iterator[tuple[str, object, object]]:
    yield "key", was["x-key"], becomes["x-key"]
    for what in ("partitions", "topicConfiguration"):
        yield what, was["bindings"]["kafka"][what], becomes["bindings"]["kafka"][what]


def _state(now: Contract, old: Contract) -> Iterator[str]:
    for name in sorted(old.state["$defs"].keys() & now.state["$defs"].keys()):
        writer, reader = ({"$ref": f"#/$defs/{name}", "$defs": one.state["$defs"]} for one in (old, now))
        for one in compare.problems(writer, reader, old_writes=True, exact=True):
            yield f"state record {name} as {old.version} wrote it cannot be read any more: {one}"
