"""The client against the vendor's OpenAPI file, where that is at hand: every operation used, both ways."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator

from streams.observe.labels import VendorCall
from streams.vendor import FixRequest, Vendor, VendorError
from streams.vendor.calls import AUTHENTICATION, ENDPOINTS
from tests.component.vendor.double import ACCOUNT, CUSTOMER, INSTITUTION, LOGIN, Client, Reply, Seen

FILE = Path(__file__).parents[4] / "shared" / "reference" / "openbanking-us.yaml"
CALLBACK = "https://hooks.example.com/token/txpush"
FIX = FixRequest(
    CUSTOMER,
    LOGIN,
    webhook="https://hooks.example.com/token/connect",
    webhook_data={"command_id": "c"},
    redirect_uri="https://app.example.com/back",
    language="es",
    experience="default",
)
OPERATIONS: dict[VendorCall, tuple[str, Callable[[Vendor], Awaitable[object]]]] = {
    VendorCall.ACCOUNT: ("GetCustomerAccount", lambda vendor: vendor.account(CUSTOMER, ACCOUNT)),
    VendorCall.ACCOUNT_SIMPLE: ("GetCustomerAccountSimple", lambda vendor: vendor.account_simple(CUSTOMER, ACCOUNT)),
    VendorCall.CUSTOMER_ACCOUNTS: ("GetCustomerAccounts", lambda vendor: vendor.customer_accounts(CUSTOMER)),
    VendorCall.LOGIN_ACCOUNTS: (
        "GetCustomerAccountsByInstitutionLogin",
        lambda vendor: vendor.login_accounts(CUSTOMER, LOGIN),
    ),
    VendorCall.FIX_URL: ("GenerateFixConnectUrl", lambda vendor: vendor.fix_url(FIX)),
    VendorCall.SUBSCRIBE: (
        "SubscribeToTxPushNotifications",
        lambda vendor: vendor.subscribe(CUSTOMER, ACCOUNT, CALLBACK),
    ),
    VendorCall.UNSUBSCRIBE: ("DisableTxPushNotifications", lambda vendor: vendor.unsubscribe(CUSTOMER, ACCOUNT)),
    VendorCall.DELETE_SUBSCRIPTION: (
        "DeleteTxPushSubscription",
        lambda vendor: vendor.delete_subscription(CUSTOMER, "17"),
    ),
    VendorCall.INSTITUTION: ("GetInstitution", lambda vendor: vendor.institution(INSTITUTION)),
    VendorCall.AUTHORIZATION_DETAILS: (
        "getCustomerAuthorizationDetails",
        lambda vendor: vendor.authorization_details(LOGIN),
    ),
}
"""The operation of each call by its id in the file."""

KNOWN = {
    "code: is not of type 'object'": "the file says object and means, in words, a number or a string",
    "'accountNickname' is a required property": "the file requires it of every account and describes it nowhere",
}
"""Violations that are the file's own, with the reason; anything else fails."""

Spec = dict[str, Any]


@cache
def specification() -> Spec:
    """Read the file; it is large."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = yaml.load(FILE.read_text("utf-8"), Loader=loader)  # noqa: S506 - both are safe loaders
    as_json: Spec = json.loads(json.dumps(read, default=str))  # YAML makes times of texts that look like it
    return as_json


@pytest.fixture
def spec() -> Spec:
    if not FILE.is_file():
        pytest.skip(f"{FILE} is not here: requests and answers are checked against the tests' own samples only")
    return specification()


def resolved(spec: Spec, node: Any) -> Any:  # noqa: ANN401 - any part of the file
    """Follow references."""
    while isinstance(node, dict) and "$ref" in node:
        target = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def sample(spec: Spec, node: Any) -> Any:  # noqa: ANN401 - any value
    """Make a value of a schema out of the examples in it, with every field that has one."""
    schema = resolved(spec, node)
    if "example" in schema:
        return schema["example"]
    if schema.get("type") == "array":
        return [sample(spec, schema["items"])]
    fields = {name: sample(spec, part) for name, part in schema.get("properties", {}).items()}
    return {name: value for name, value in fields.items() if value not in ({}, [], [{}])}


def violations(spec: Spec, name: str, node: Any, value: Any) -> list[str]:  # noqa: ANN401 - any value
    """Check a value, and give what is wrong and not known to be the file's own fault."""
    schema = {"allOf": [node], "components": spec["components"]}
    errors = Draft202012Validator(schema).iter_errors(value)
    found = [f"{name}: {'.'.join(map(str, one.path))}: {_without_value(one.message)}" for one in errors]
    return [one for one in found if not one.endswith(tuple(KNOWN))]


def _without_value(message: str) -> str:
    return re.sub(r"^.* (is not of type|is not valid)", r"\1", message)


def operations(spec: Spec) -> Iterator[tuple[str, str, Spec]]:
    """Give method, path and content of every operation."""
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "delete", "patch"):
                yield method.upper(), path, operation


def operation_of(spec: Spec, seen: Seen) -> tuple[Spec, dict[str, str]]:
    """Find the operation that a request is, and what stands in its path."""
    for method, path, operation in operations(spec):
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        found = re.fullmatch(pattern, seen.path)
        if method == seen.method and found is not None:
            return operation, found.groupdict()
    raise AssertionError(f"{seen.method} {seen.path} is no operation of the file")


def check_request(spec: Spec, seen: Seen, operation: Spec, in_path: dict[str, str]) -> None:
    """Hold that path, headers and body are what the operation asks for, and nothing else."""
    parameters = [resolved(spec, one) for one in operation.get("parameters", [])]
    needed = {one["name"]: one["schema"] for one in parameters if one.get("required")}
    assert in_path.keys() == needed.keys()
    for name, schema in needed.items():
        value = int(in_path[name]) if resolved(spec, schema).get("type") == "integer" else in_path[name]
        assert violations(spec, name, schema, value) == []
    security = operation["security"] if "security" in operation else spec["security"]
    for scheme in [name for one in security for name in one]:
        assert seen.headers[spec["components"]["securitySchemes"][scheme]["name"].lower()]
    check_body(spec, seen, operation)


def check_body(spec: Spec, seen: Seen, operation: Spec) -> None:
    """Hold that the body fits its schema and has no field that the file does not know."""
    if "requestBody" not in operation:
        assert (seen.body, seen.headers.get("content-type")) == (b"", None)
        return
    assert seen.headers["content-type"] == "application/json"
    schema = resolved(spec, operation["requestBody"])["content"]["application/json"]["schema"]
    body = orjson.loads(seen.body)
    assert violations(spec, operation["operationId"], schema, body) == []
    assert body.keys() <= resolved(spec, schema)["properties"].keys()


def good_answer(spec: Spec, operation: Spec) -> tuple[int, Any, Any]:
    """Give status, schema and a sample of the answer to an operation that succeeds."""
    status, response = next((status, one) for status, one in operation["responses"].items() if status.startswith("2"))
    content = resolved(spec, response).get("content")
    if content is None:
        return int(status), None, None
    schema = content["application/json"]["schema"]
    return int(status), schema, sample(spec, schema)


def by_id(spec: Spec, name: str) -> Spec:
    """Find an operation by its id."""
    return next(operation for _, _, operation in operations(spec) if operation["operationId"] == name)


def test_every_call_is_an_operation(spec: Spec) -> None:
    """Every call of the client has its operation in the file, and none is marked as going away."""
    assert OPERATIONS.keys() == ENDPOINTS.keys()
    assert not [name for name, _ in OPERATIONS.values() if by_id(spec, name).get("deprecated")]


async def test_authentication(spec: Spec, client: Client) -> None:
    """The credentials are sent as the file says, and its sample of a token is taken."""
    status, schema, body = good_answer(spec, by_id(spec, "CreateToken"))
    assert violations(spec, "AccessToken", schema, body) == []
    client.upstream.default_token = Reply(status, body)
    await client.vendor.authenticate()
    (seen,) = client.upstream.seen
    operation, in_path = operation_of(spec, seen)
    assert (seen.path, operation["operationId"]) == (AUTHENTICATION, "CreateToken")
    check_request(spec, seen, operation, in_path)


@pytest.mark.parametrize("call", VendorCall)
async def test_a_call(spec: Spec, client: Client, call: VendorCall) -> None:
    """The request fits its operation; the file's own samples fit their schema and are read to the end."""
    name, make = OPERATIONS[call]
    status, schema, body = good_answer(spec, by_id(spec, name))
    if schema is not None:
        assert violations(spec, name, schema, body) == []
    client.upstream.default = Reply(status, b"" if body is None else body)
    result = await make(client.vendor)
    assert (result is None) is (body is None)
    assert result != []
    (seen,) = client.upstream.calls
    operation, in_path = operation_of(spec, seen)
    assert operation["operationId"] == name
    check_request(spec, seen, operation, in_path)


def error_examples(spec: Spec, operation: Spec) -> Iterator[tuple[int, Any, Any]]:
    """Give status, schema and body of every sample of an error that an operation may answer with."""
    for status, response in operation["responses"].items():
        content = resolved(spec, response).get("content", {}).get("application/json")
        if not status.startswith("2") and content is not None:
            for example in content.get("examples", {}).values():
                yield int(status), content["schema"], resolved(spec, example)["value"]


@pytest.mark.parametrize("call", VendorCall)
async def test_errors_of_a_call(spec: Spec, client: Client, call: VendorCall) -> None:
    """Every sample of an error in the file fits its schema, but for what is known, and is one of ours with its code."""
    name, make = OPERATIONS[call]
    count = 0
    for status, schema, body in error_examples(spec, by_id(spec, name)):
        assert violations(spec, "ErrorMessage", schema, body) == []
        client.upstream.default = Reply(status, body)
        client.clock.forward(minutes=2)
        try:
            assert await make(client.vendor) is None
        except VendorError as error:
            assert str(body["code"]) == str(error.code)  # noqa: PT017 - None is good too
        count += 1
    assert count >= 5
