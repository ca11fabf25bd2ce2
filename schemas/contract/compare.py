"""Tells what one version of a JSON Schema may write that another could not read, in the part of JSON Schema used here.

No library does: jsonsubschema and its forks know draft 4 only, or one Python version only, and none says what to mend.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Schema = Mapping[str, Any]


class Break(StrEnum):
    """What is wrong, each with what to do."""

    REMOVED = "keep the field; a new meaning needs a field of its own"
    MISSING = "give the reader a default, or go on writing the field"
    CLOSED = "let the reader ignore unknown fields"
    TYPE = "keep the type; a new one needs a field of its own"
    VALUE = "keep the values as they are, or list the enum in OPEN_ENUMS before its first release"
    LIMIT = "keep the limit, or widen it on the reading side only"
    DEFAULT = "keep the default: records without the field would change their meaning"
    UNKNOWN = "teach schemas/contract/compare.py this keyword, or do without it"


@dataclass(frozen=True, slots=True)
class Problem:
    """One break: the field with dots between, `*` for items and values, and what happened to it."""

    field: str
    what: str
    kind: Break

    def __str__(self) -> str:
        """Say it in words, with what to do."""
        return f"{self.field or 'the message'} {self.what}: {self.kind}"


_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "default", "examples", "x-extensible-enum", "deprecated"}
)
_LOWER = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_UPPER = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_EQUAL = frozenset({"pattern", "format", "uniqueItems", "multipleOf", "propertyNames"})
_STRUCTURE = frozenset(
    {
        "type",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "$ref",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
    }
)
_KNOWN = _ANNOTATIONS | _LOWER | _UPPER | _EQUAL | _STRUCTURE
_TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def problems(writer: Schema, reader: Schema, *, old_writes: bool, exact: bool = False) -> list[Problem]:
    """Give everything that a record by `writer` may hold and a reader by `reader` would refuse, or lose.

    Args:
        writer: the schema of who writes.
        reader: the schema of who reads.
        old_writes: the writer is the older of the two; fields that only the older one knows were removed.
        exact: the writer writes the fields of its schema and no others, even where the schema would allow more.
    """
    comparison = _Comparison(writer, reader, old_writes, exact)
    return list(dict.fromkeys(comparison.node(writer, reader, "")))


@dataclass(slots=True)
class _Comparison:
    writer: Schema
    reader: Schema
    old_writes: bool
    exact: bool
    under_way: set[tuple[int, int]] = field(default_factory=set)

    def node(self, writer: Schema, reader: Schema, path: str) -> Iterator[Problem]:
        """Every branch of the writer needs a branch of the reader that takes it."""
        takers = list(_branches(reader, self.reader))
        for branch in _branches(writer, self.writer):
            if (pair := (id(branch), id(reader))) in self.under_way:
                continue
            self.under_way.add(pair)
            refusals = [list(self.branch(branch, taker, path)) for taker in takers]
            self.under_way.discard(pair)
            yield from min(refusals, key=lambda found: _distance(found, path), default=[])

    def branch(self, writer: Schema, reader: Schema, path: str) -> Iterator[Problem]:
        """Compare two schemas without alternatives."""
        for keyword in sorted((writer.keys() | reader.keys()) - _KNOWN):
            yield Problem(path, f"has the keyword {keyword}", Break.UNKNOWN)
        written, read = _types(writer), _types(reader)
        if read and not (written and written <= (read | {"integer"} if "number" in read else read)):
            yield Problem(path, f"is written as {_names(written)} and read as {_names(read)}", Break.TYPE)
            return
        yield from _values(writer, reader, path)
        yield from _limits(writer, reader, path)
        if "items" in reader:
            yield from self.node(writer.get("items", {}), reader["items"], f"{path}.*".lstrip("."))
        yield from self.positions(writer.get("prefixItems", []), reader.get("prefixItems", []), path)
        yield from self.fields(writer, reader, path)

    def positions(self, written: list[Schema], read: list[Schema], path: str) -> Iterator[Problem]:
        """Compare two records that are written as arrays; how many are needed is a limit."""
        for place, (one, other) in enumerate(zip(written, read, strict=False)):
            yield from _absence(one, other, f"{path}.{place}".lstrip("."), needed=False)
            yield from self.node(one, other, f"{path}.{place}".lstrip("."))
        for place in range(len(read), len(written)):
            yield from self.only_written({}, f"{path}.{place}".lstrip("."))
        for place in range(len(written), len(read)):
            yield from self.only_read(f"{path}.{place}".lstrip("."), needed=False)

    def fields(self, writer: Schema, reader: Schema, path: str) -> Iterator[Problem]:
        """Compare two objects."""
        written, read = writer.get("properties", {}), reader.get("properties", {})
        yield from self.others(writer, reader, path)
        for name in written.keys() | read.keys():
            place = f"{path}.{name}".lstrip(".")
            if name not in read:
                yield from self.only_written(reader, place)
            elif name not in written:
                yield from self.only_read(place, needed=name in reader.get("required", ()))
            else:
                needed = name in reader.get("required", ()) and name not in writer.get("required", ())
                yield from _absence(written[name], read[name], place, needed=needed)
                yield from self.node(written[name], read[name], place)

    def only_written(self, reader: Schema, place: str) -> Iterator[Problem]:
        """Judge a field that the reader does not know."""
        if reader.get("additionalProperties", True) is False:
            yield Problem(place, "is refused by a reader that does not know it", Break.CLOSED)
        elif self.old_writes:
            yield Problem(place, "is no longer read", Break.REMOVED)

    def only_read(self, place: str, *, needed: bool) -> Iterator[Problem]:
        """Judge a field that the writer does not know."""
        if needed:
            yield Problem(place, "is needed and may be missing", Break.MISSING)
        elif not self.old_writes:
            yield Problem(place, "is no longer written", Break.REMOVED)

    def others(self, writer: Schema, reader: Schema, path: str) -> Iterator[Problem]:
        """Judge fields beside the named ones: the values of a mapping, or what a writer may add."""
        more, taken = writer.get("additionalProperties", True), reader.get("additionalProperties", True)
        if isinstance(more, Mapping) and taken is not True:
            if isinstance(taken, Mapping):
                yield from self.node(more, taken, f"{path}.*".lstrip("."))
            else:
                yield Problem(path, "is a mapping and read without its values", Break.TYPE)
        elif more is True and not self.exact and taken is False and "object" in _types(writer):
            yield Problem(path, "may hold more fields, and the reader refuses them", Break.CLOSED)


def _branches(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Follow references and take alternatives apart."""
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from _branches(target, root)
    elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
        for alternative in alternatives:
            yield from _branches(alternative, root)
    else:
        yield schema


def _distance(found: list[Problem], path: str) -> tuple[bool, int]:
    """Order the refusals of several alternatives: that of the same type says most."""
    return (any(one.kind is Break.TYPE and one.field == path for one in found), len(found))


def _types(schema: Schema) -> frozenset[str]:
    given = schema.get("type")
    if given is not None:
        return frozenset([given] if isinstance(given, str) else given)
    return frozenset(_TYPE_NAMES[type(value)] for value in _listed(schema) or ())


def _names(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "anything"


def _listed(schema: Schema, *keywords: str) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return next((schema[keyword] for keyword in ("enum", *keywords) if keyword in schema), None)


def _values(writer: Schema, reader: Schema, path: str) -> Iterator[Problem]:
    read = _listed(reader)
    if read is None:
        return
    written = _listed(writer, "x-extensible-enum")
    if written is None:
        yield Problem(path, f"is written with any value and read as one of {read}", Break.VALUE)
    elif unknown := [value for value in written if value not in read]:
        yield Problem(path, f"may be {', '.join(map(str, unknown))}, which the reader does not know", Break.VALUE)


def _limits(writer: Schema, reader: Schema, path: str) -> Iterator[Problem]:
    if _listed(writer) is not None:
        return
    for keyword in sorted((_LOWER | _UPPER | _EQUAL) & reader.keys()):
        limit, kept = reader[keyword], writer.get(keyword)
        holds = kept is not None and (
            kept == limit or (keyword in _LOWER and kept >= limit) or (keyword in _UPPER and kept <= limit)
        )
        if not holds:
            given = "without" if kept is None else f"with {kept}"
            yield Problem(path, f"is read with {keyword} {limit} and written {given}", Break.LIMIT)


def _absence(written: Schema, read: Schema, path: str, *, needed: bool) -> Iterator[Problem]:
    if needed:
        yield Problem(path, "is needed and may be missing", Break.MISSING)
    elif "default" in written and "default" in read and written["default"] != read["default"]:
        was, becomes = written["default"], read["default"]
        yield Problem(path, f"has the default {was} on one side and {becomes} on the other", Break.DEFAULT)
