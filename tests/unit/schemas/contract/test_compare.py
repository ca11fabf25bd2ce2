"""The comparer itself: alternatives, references, mappings, and what it does not know."""

from typing import Any

import pytest

from schemas.contract.compare import Break, problems

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
TREE: Schema = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"t": {"$ref": "#/$defs/T"}}}}}


CLOSED: Schema = {"type": "object", "additionalProperties": False}
OPEN: Schema = {"type": "object", "additionalProperties": True}


PAIR: Schema = {"type": "array", "prefixItems": [TEXT, NUMBER], "minItems": 2}


def mapping(values: Schema) -> Schema:
    """Give an object with values of one kind."""
    return {"type": "object", "additionalProperties": values}


READABLE: list[tuple[Schema, Schema]] = [
    (TEXT, {}),
    ({}, {}),
    (NUMBER, {"type": "number"}),
    (TEXT, {"anyOf": [NUMBER, TEXT]}),
    ({"anyOf": [TEXT, {"type": "null"}]}, {"anyOf": [{"type": "null"}, TEXT]}),
    ({"oneOf": [TEXT, NUMBER]}, {"anyOf": [TEXT, NUMBER]}),
    ({"const": "a"}, {"enum": ["a", "b"]}),
    ({"enum": ["a"]}, TEXT),
    ({"type": "string", "x-extensible-enum": ["a", "b"]}, {"type": "string", "x-extensible-enum": ["a"]}),
    ({"type": "string", "x-extensible-enum": ["a"]}, {"type": "string", "enum": ["a", "b"]}),
    (mapping(NUMBER), mapping({"type": "number"})),
    (mapping(NUMBER), {"type": "object"}),
    ({"type": "array", "items": NUMBER}, {"type": "array"}),
    ({"type": "string", "minLength": 2, "maxLength": 3}, {"type": "string", "minLength": 1, "maxLength": 4}),
    (PAIR, PAIR),
    (TREE, TREE),
]


@pytest.mark.parametrize(("writer", "reader"), READABLE)
@pytest.mark.parametrize("old_writes", [True, False])
def test_what_can_be_read(writer: Schema, reader: Schema, old_writes: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever the writer may write is taken, whichever of them is older."""
    assert problems(writer, reader, old_writes=old_writes) == []


UNREADABLE: list[tuple[Schema, Schema, str, Break]] = [
    ({}, TEXT, "", Break.TYPE),
    ({"type": "number"}, NUMBER, "", Break.TYPE),
    ({"anyOf": [TEXT, NUMBER]}, TEXT, "", Break.TYPE),
    (TEXT, {"enum": ["a"]}, "", Break.VALUE),
    ({"enum": ["a", "b"]}, {"const": "a"}, "", Break.VALUE),
    (mapping(TEXT), mapping(NUMBER), "*", Break.TYPE),
    (mapping(TEXT), CLOSED, "", Break.TYPE),
    (OPEN, CLOSED, "", Break.CLOSED),
    ({"type": "array"}, {"type": "array", "items": TEXT}, "*", Break.TYPE),
    ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT, "minItems": 1}, "", Break.LIMIT),
    (PAIR, PAIR | {"prefixItems": [TEXT, TEXT]}, "1", Break.TYPE),
    (PAIR, PAIR | {"prefixItems": [TEXT]}, "1", Break.REMOVED),
    (PAIR, PAIR | {"prefixItems": [TEXT, NUMBER, TEXT], "minItems": 3}, "", Break.LIMIT),
    (TEXT, {"type": "string", "contentEncoding": "base64"}, "", Break.UNKNOWN),
    ({"allOf": [TEXT]}, {"allOf": [TEXT]}, "", Break.UNKNOWN),
]


@pytest.mark.parametrize(("writer", "reader", "place", "kind"), UNREADABLE)
def test_what_cannot_be_read(writer: Schema, reader: Schema, place: str, kind: Break) -> None:
    """The problem is at its place and of its kind; a keyword that is not understood is one, never a pass."""
    assert [(one.field, one.kind) for one in problems(writer, reader, old_writes=True)] == [(place, kind)]


def test_a_record_as_an_array_grows_at_its_end() -> None:
    """A later version may bring one more place with a default: an old record lacks it."""
    assert problems(PAIR, PAIR | {"prefixItems": [TEXT, NUMBER, TEXT]}, old_writes=True) == []


def test_an_exact_writer_adds_nothing() -> None:
    """What we wrote ourselves had the fields of its schema, even where the published one leaves room for more."""
    writer, reader = {"type": "object", "properties": {"a": TEXT}}, CLOSED | {"properties": {"a": TEXT}}
    assert problems(writer, reader, old_writes=True, exact=True) == []
    assert [one.kind for one in problems(writer, reader, old_writes=True)] == [Break.CLOSED]


def test_the_nearest_alternative_is_told() -> None:
    """Of several alternatives the one of the same type says what is wrong."""
    writer = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
    reader = {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": NUMBER}, "required": ["a"]}]}
    assert str(*problems(writer, reader, old_writes=True)) == (
        f"a is written as string and read as integer: {Break.TYPE}"
    )
