"""The ASGI application against a log in memory that can be told to fail."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry

from streams.bridge.answers import Message
from streams.bridge.app import Bridge
from streams.kafka.log import LogFull, LogUnavailable
from tests.unit.bridge.bench import (
    CONNECT,
    OTHER_TOKEN,
    SETTINGS,
    TOKEN,
    TXPUSH,
    Bench,
    FakeLog,
    bench_with,
    bridge_with,
    sample,
)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with bench_with() as made:
        yield made


async def test_a_notification_is_stored(bench: Bench) -> None:
    """200 with an empty body, and every record is in the log by then, in order."""
    answer = await bench.client.post(TXPUSH, content=sample("txpush-account-modified-945-multi-record"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert [dict(record.headers)["ce_subject"] for record in bench.log.records] == [
        b"accounts/5900000001",
        b"accounts/5900000002",
    ]
    assert bench.count("requests", route="txpush", outcome="stored") == 1
    assert bench.count("records_stored", type="txpush.account.modified") == 2
    assert 0 < bench.last_stored() <= time.time()


async def test_a_large_notification_is_stored_whole_while_others_are_answered() -> None:
    """All accounts that a body of 1 MiB holds are events, in order, and reducing them leaves the loop to others."""
    one = orjson.loads(sample("txpush-account-modified-185"))["event"]
    ids = {"customerId": "7000000042", "institutionId": "102105", "aggregationStatusCode": 185}
    records = [{"id": str(5_900_000_000 + number), **ids} for number in range(8_000)]
    body = orjson.dumps({"event": one | {"records": records}})
    async with bench_with(replace(SETTINGS, max_body_bytes=1 << 20, max_held_bytes=1 << 20)) as bench:
        large = asyncio.create_task(bench.client.post(TXPUSH, content=body))
        meanwhile = 0
        while not large.done():
            await asyncio.sleep(0)
            answer = await bench.client.get(TXPUSH, params={"txpush_verification_code": "abc"})
            meanwhile += answer.status_code == 200
    assert (await large).status_code == 200
    assert meanwhile > 1
    subjects = [dict(record.headers)["ce_subject"] for record in bench.log.records]
    assert subjects == [f"accounts/{record['id']}".encode() for record in records]


async def test_a_data_connect_event_is_stored(bench: Bench) -> None:
    """The other route takes the other kind of body."""
    answer = await bench.client.post(CONNECT, content=sample("dataconnect-done"))
    assert answer.status_code == 200
    assert [record.key for record in bench.log.records] == [b"7000000042"]
    assert bench.count("records_stored", type="connect") == 1


@pytest.mark.parametrize(
    ("path", "name", "amount"), [(TXPUSH, "txpush-transaction-created", 1), (CONNECT, "dataconnect-ping", 1)]
)
async def test_what_is_not_stored_is_answered_and_counted(bench: Bench, path: str, name: str, amount: int) -> None:
    """Transactions and pings are answered 200 even while the log is away."""
    bench.log.failure = LogUnavailable("away")
    answer = await bench.client.post(path, content=sample(name))
    assert (answer.status_code, bench.log.records) == (200, [])
    route = path.rpartition("/")[2]
    assert bench.count("requests", route=route, outcome="not_stored") == 1
    assert bench.count("records_not_stored", route=route) == amount


@pytest.mark.parametrize(
    ("failure", "outcome"), [(LogUnavailable("away"), "log_unavailable"), (LogFull("full"), "overloaded")]
)
async def test_503_while_the_log_cannot_be_written(bench: Bench, failure: Exception, outcome: str) -> None:
    """The vendor is asked to come again, and nothing counts as stored."""
    bench.log.failure = failure
    answer = await bench.client.post(TXPUSH, content=sample("txpush-account-modified-185"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert bench.count("requests", route="txpush", outcome=outcome) == 1
    assert bench.count("records_stored", type="txpush.account.modified") == 0
    assert bench.last_stored() == 0


async def test_no_200_for_a_dead_letter_that_is_not_stored(bench: Bench) -> None:
    """A body that cannot be read waits for its dead letter like any other record."""
    bench.log.failure = LogUnavailable("away")
    assert (await bench.client.post(TXPUSH, content=b"not json")).status_code == 503
    assert bench.count("dead_letters", reason="unreadable_body") == 0


async def test_an_unreadable_body_is_answered_once_set_aside(bench: Bench) -> None:
    """Sending it again would not help: 200, a dead letter, and a count."""
    answer = await bench.client.post(TXPUSH, content=b"not json")
    assert (answer.status_code, bench.log.records[0].topic) == (200, "aggregation.dead-letter")
    assert bench.count("requests", route="txpush", outcome="dead_letter") == 1
    assert bench.count("dead_letters", reason="unreadable_body") == 1


async def test_xml_has_a_count_of_its_own(bench: Bench) -> None:
    """Only a new subscription helps against XML, so it must be seen."""
    answer = await bench.client.post(TXPUSH, content=b"<event/>", headers={"content-type": "application/xml"})
    assert answer.status_code == 200
    assert bench.count("xml_bodies") == 1


async def test_counts_of_what_the_vendor_sends(bench: Bench) -> None:
    """Refused records, unreadable dates and unknown types are counted beside what is stored."""
    records = b'[{"id":"5","customerId":"7","lastUpdatedDate":0},{"id":"6"}]'
    await bench.client.post(TXPUSH, content=b'{"event":{"class":"account","type":"modified","records":%b}}' % records)
    await bench.client.post(CONNECT, content=b'{"customerId":"7","eventType":"somethingNew"}')
    await bench.client.post(TXPUSH, content=b'{"event":{"class":"x","type":"y","records":[{"customerId":"7"}]}}')
    assert bench.count("dead_letters", reason="no_account") == 1
    assert bench.count("unreadable_dates") == 1
    assert bench.count("unknown_event_types") == 2
    assert bench.count("records_stored", type="other") == 1


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/txpush",
        f"/{TOKEN}",
        f"/{TOKEN}/",
        f"/{TOKEN}/other",
        f"/{TOKEN}/txpush/",
        f"/{TOKEN[:-1]}x/txpush",
        f"/{TOKEN}%00/txpush",
        "/%F0%9F%98%80/txpush",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_without_the_token_there_is_nothing(bench: Bench, path: str, method: str) -> None:
    """A wrong token and an unknown path get the same answer, whatever the method."""
    answer = await bench.client.request(method, path, content=sample("dataconnect-done"))
    assert (answer.status_code, answer.content, dict(answer.headers)) == (404, b"", {"content-length": "0"})
    assert bench.log.records == []


async def test_two_tokens_while_they_are_exchanged(bench: Bench) -> None:
    """The second token opens the same routes."""
    answer = await bench.client.post(f"/{OTHER_TOKEN}/connect", content=sample("dataconnect-done"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", TXPUSH, "GET, POST"),
        ("DELETE", TXPUSH, "GET, POST"),
        ("GET", CONNECT, "POST"),
        ("HEAD", TXPUSH, "GET, POST"),
    ],
)
async def test_other_methods(bench: Bench, method: str, path: str, allow: str) -> None:
    """405 names the methods that there are."""
    answer = await bench.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("code", ["a", "Az09._~-", "x" * 256])
async def test_verification_echoes_the_code(bench: Bench, code: str) -> None:
    """The answer is the code and nothing else, as plain text."""
    answer = await bench.client.get(TXPUSH, params={"txpush_verification_code": code})
    assert (answer.status_code, answer.text) == (200, code)
    assert answer.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "other=1",
        "txpush_verification_code=",
        "txpush_verification_code=a%20b",
        "txpush_verification_code=a%0Ab",
        "txpush_verification_code=%3Cscript%3E",
        "txpush_verification_code=%C3%A9",
        "txpush_verification_code=a&txpush_verification_code=b",
        "txpush_verification_code=" + "x" * 257,
        "&".join(f"a{n}=1" for n in range(20)) + "&txpush_verification_code=a",
    ],
)
async def test_verification_reflects_nothing_else(bench: Bench, query: str) -> None:
    """Whatever is not one short plain code is answered 400 and not repeated."""
    answer = await bench.client.get(f"{TXPUSH}?{query}")
    assert (answer.status_code, answer.content) == (400, b"")


async def test_an_empty_body(bench: Bench) -> None:
    """Nothing sent is nothing to keep."""
    assert (await bench.client.post(TXPUSH, content=b"")).status_code == 400


async def test_a_declared_body_that_is_too_large(bench: Bench) -> None:
    """The declared length is enough to refuse."""
    assert (await bench.client.post(TXPUSH, content=b"x" * 4097)).status_code == 413


async def test_a_counted_body_that_is_too_large(bench: Bench) -> None:
    """Without a declared length the bytes are counted while they come."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 1000

    assert (await bench.client.post(TXPUSH, content=parts())).status_code == 413
    assert bench.log.records == []


async def call(app: Bridge, receive: Callable[[], "asyncio.Future[Message]"], **scope: object) -> int:
    """Send one POST with a body that comes as `receive` says; give the status."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    whole = {"type": "http", "method": "POST", "path": TXPUSH, "headers": [], "query_string": b"", **scope}
    await app(whole, receive, send)
    return int(sent[0]["status"])


async def test_a_body_that_does_not_come(bench: Bench) -> None:
    """A client that sends nothing holds a place for the read deadline and no longer."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    assert await call(bench.app, lambda: never) == 408
    assert bench.count("requests", route="txpush", outcome="too_slow") == 1


async def test_a_client_that_leaves(bench: Bench) -> None:
    """A connection that breaks off within the body stores nothing."""
    gone: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    gone.set_result({"type": "http.disconnect"})
    assert await call(bench.app, lambda: gone) == 400
    assert bench.log.records == []


async def test_a_length_that_is_no_number(bench: Bench) -> None:
    """A declared length that cannot be read does not count; the bytes do."""
    body: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    body.set_result({"type": "http.request", "body": sample("txpush-account-modified-185"), "more_body": False})
    assert await call(bench.app, lambda: body, headers=[(b"content-length", b"many")]) == 200


@pytest.mark.parametrize(("length", "status"), [(b"9" * 5000, 413), (b"0" * 5000 + b"1", 200), (b"0", 200)])
async def test_a_length_of_many_digits(bench: Bench, length: bytes, status: int) -> None:
    """However a length is written, it is compared with the limit."""
    body: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    body.set_result({"type": "http.request", "body": sample("txpush-account-modified-185"), "more_body": False})
    assert await call(bench.app, lambda: body, headers=[(b"content-length", length)]) == status


async def test_a_fault_of_ours_is_no_200(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever breaks, the vendor sends again; the log says what and where, without the message."""
    bench.log.failure = ValueError("Jane Doe")
    with caplog.at_level(logging.ERROR):
        answer = await bench.client.post(TXPUSH, content=sample("txpush-account-modified-185"))
    assert answer.status_code == 500
    assert bench.count("requests", route="txpush", outcome="failed") == 1
    assert "ValueError at" in caplog.text
    assert "Jane" not in caplog.text


async def test_other_protocols_are_ignored(bench: Bench) -> None:
    """The application speaks HTTP; a lifespan call of another server does no harm."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await bench.app({"type": "lifespan"}, lambda: never, send)
    assert sent == []
    assert (await bench.client.post(TXPUSH, content=sample("txpush-account-modified-185"))).status_code == 200


async def test_retry_after_is_a_setting() -> None:
    """The hint of a 503 is what the settings say."""
    log = FakeLog(failure=LogUnavailable("away"))
    app = bridge_with(log, CollectorRegistry(), replace(SETTINGS, retry_after_seconds=7))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bridge") as client:
        answer = await client.post(CONNECT, content=sample("dataconnect-done"))
    assert answer.headers["retry-after"] == "7"
