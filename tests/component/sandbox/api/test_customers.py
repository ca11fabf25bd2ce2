"""Customers: enrolled, listed, deleted, and what is refused."""

import pytest

from tests.component.sandbox.bench import Bench

TESTING, ACTIVE, ALL = (
    "/aggregation/v2/customers/testing",
    "/aggregation/v2/customers/active",
    "/aggregation/v1/customers",
)


async def test_a_customer_is_enrolled_and_found(bench: Bench) -> None:
    """201 with an id; the record says of which kind the customer is."""
    made = (await bench.api.post(TESTING, json={"username": "rosalind", "firstName": "Rosalind"})).json()
    assert set(made) == {"id", "username", "createdDate"}
    found = await bench.get(f"{ALL}/{made['id']}")
    assert (found["type"], found["firstName"], found["createdDate"]) == (
        "testing",
        "Rosalind",
        str(made["createdDate"]),
    )
    await bench.api.post(ACTIVE, json={"username": "beatrice"})
    assert [one["username"] for one in (await bench.get(ALL))["customers"]] == ["rosalind", "beatrice"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "10005"),
        ({"username": 7}, 400, "10010"),
        ({"username": "short"}, 400, "110039"),
        ({"username": "rosalind", "phone": 1}, 400, "10010"),
        ({"username": "taken-name"}, 409, "110002"),
    ],
)
async def test_what_is_no_customer(bench: Bench, body: dict[str, object], status: int, code: str) -> None:
    """Refused with the vendor's code."""
    bench.sandbox.add_customer("taken-name")
    answer = await bench.api.post(TESTING, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("content", [b"", b"no json", b"[1]", b'{"webhookData":' + b"[" * 64 + b"]" * 64 + b"}"])
async def test_a_body_that_is_no_object(bench: Bench, content: bytes) -> None:
    """400 and 14020."""
    answer = await bench.api.post(TESTING, content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, "14020")


async def test_a_body_that_is_too_large(bench: Bench) -> None:
    """Bodies have a limit."""
    answer = await bench.api.post(TESTING, content=b"x" * 100_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "14020")


async def test_pages_and_filters(bench: Bench) -> None:
    """`start` counts from 1; search, kind and exact name narrow the list."""
    for number in range(5):
        bench.sandbox.add_customer(f"customer-{number}")
    bench.sandbox.add_customer("beatrice", kind="active")
    page = await bench.get(f"{ALL}?start=2&limit=2")
    assert [one["username"] for one in page["customers"]] == ["customer-1", "customer-2"]
    assert (page["found"], page["displaying"], page["moreAvailable"]) == (6, 2, True)
    assert (await bench.get(f"{ALL}?type=active"))["found"] == 1
    assert (await bench.get(f"{ALL}?username=customer-3"))["found"] == 1
    assert (await bench.get(f"{ALL}?search=STOMER"))["found"] == 5


@pytest.mark.parametrize("query", ["start=0", "limit=0", "limit=1001", "start=x"])
async def test_pages_that_are_none(bench: Bench, query: str) -> None:
    """Numbers out of range are refused."""
    assert (await bench.api.get(f"{ALL}?{query}")).status_code == 400


async def test_a_deleted_customer_is_gone_with_everything(bench: Bench) -> None:
    """Listeners hear of the accounts, and the name is free again."""
    customer, _ = await bench.connected()
    assert (await bench.api.delete(f"{ALL}/{customer}")).status_code == 204
    await bench.sandbox.settle()
    assert bench.listener.words() == ["deleted"]
    gone = await bench.api.get(f"{ALL}/{customer}")
    assert (gone.status_code, gone.json()["code"]) == (404, "14001")
    assert (bench.sandbox.truth(), bench.sandbox.world.logins, bench.sandbox.world.subscriptions) == ([], {}, {})
