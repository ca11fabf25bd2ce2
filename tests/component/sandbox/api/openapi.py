"""The vendor's OpenAPI file as a judge of requests and responses."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).parents[5] / "shared" / "reference" / "openbanking-us.yaml"
MISSING = f"the vendor's OpenAPI file is not at {FILE}: it is at hand where this project is developed, and in CI"
ROOT = "openapi"
METHODS = ("get", "post", "put", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the file."""

    id: str
    method: str
    path: str
    content: Mapping[str, Any] = field(repr=False)

    def fits(self, method: str, path: str) -> bool:
        """Say whether a call is of this operation."""
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", self.path)
        return method == self.method and re.fullmatch(pattern, path) is not None

    @property
    def shape(self) -> tuple[str, str]:
        """Give method and path with unnamed parameters."""
        return self.method, re.sub(r"\{[^}]+\}", "{}", self.path)


class OpenApi:
    """The file."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._registry: Registry[Any] = Registry().with_resource(
            ROOT, Resource.from_contents(content, default_specification=DRAFT202012)
        )
        self.operations = [
            Operation(one["operationId"], method.upper(), path, one)
            for path, methods in content["paths"].items()
            for method, one in methods.items()
            if method in METHODS
        ]

    def operation(self, method: str, path: str) -> Operation | None:
        """Give the operation of a call; the one with the fewest parameters where several fit."""
        fitting = [one for one in self.operations if one.fits(method, path)]
        return min(fitting, key=lambda one: one.path.count("{"), default=None)

    def problems(self, response: httpx.Response) -> Iterator[str]:
        """Say where a call and its answer are not as the file has them."""
        request = response.request
        operation = self.operation(request.method, request.url.path)
        if operation is None:
            yield f"no operation {request.method} {request.url.path}"
            return
        sent = self._followed(operation.content.get("requestBody", {}))
        if response.is_success and sent:
            yield from self._body(f"{operation.id} request", sent, "application/json", request.content)
        declared = self._followed(operation.content["responses"].get(str(response.status_code)))
        if declared is None:
            yield f"{operation.id}: status {response.status_code} is not declared"
            return
        kind = response.headers.get("content-type", "").partition(";")[0]
        yield from self._body(f"{operation.id} {response.status_code}", declared, kind, response.content)

    def _body(self, place: str, declared: Mapping[str, Any], kind: str, body: bytes) -> Iterator[str]:
        contents = declared.get("content", {})
        if not contents and not body:
            return
        if kind not in contents:
            yield f"{place}: content type {kind!r} is not declared"
            return
        value = orjson.loads(body) if kind == "application/json" else body.decode()
        schema = _absolute(contents[kind]["schema"])
        for error in Draft202012Validator(schema, registry=self._registry).iter_errors(value):
            yield f"{place}: {'.'.join(map(str, error.absolute_path))}: {error.validator} {error.validator_value!r}"
        yield from (f"{place}: {name} is not declared" for name in self._undeclared(schema, value))

    def _undeclared(self, schema: Mapping[str, Any], value: object) -> Iterator[str]:
        """Give the fields that no schema names."""
        schema = self._merged(schema)
        if isinstance(value, list):
            for one in value:
                yield from self._undeclared(schema.get("items", {}), one)
        named = schema.get("properties", {})
        if isinstance(value, dict) and named:
            for name, inner in value.items():
                if name in named:
                    yield from self._undeclared(named[name], inner)
                else:
                    yield name

    def _merged(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        schema = self._followed(schema) or {}
        properties = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            properties |= self._merged(part).get("properties", {})
        return {**schema, "properties": properties}

    def _followed(self, node: Any) -> Any:  # noqa: ANN401 - any node of the file
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self._content
            for part in node["$ref"].partition("#/")[2].split("/"):
                target = target[part]
            node = target
        return node


def _absolute(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Let references start from the file, wherever the schema stands."""
    text = orjson.dumps(schema).replace(b'"$ref":"#/', f'"$ref":"{ROOT}#/'.encode())
    absolute: dict[str, Any] = orjson.loads(text)
    return absolute


@cache
def read() -> OpenApi:
    """Read the file once."""
    with FILE.open("rb") as file:
        return OpenApi(yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - safe ones
