"""Events of the user's own services, from the request to the log."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from schemas.cloudevents import from_record
from schemas.events import AccountChallenged, CanarySent, CommandReported, Event
from streams.bridge.services.callers import Caller, Callers
from streams.bridge.services.events import MAX_EVENT_BYTES
from streams.kafka.log import LogFull, LogUnavailable
from tests.unit.bridge.bench import SETTINGS, TOKEN, Bench, bench_with
from tests.unit.bridge.signed import SIGNING

MAILER_TOKEN, APP_TOKEN, CANARY_TOKEN = (f"{name}-token-0123456789" for name in ("mailer", "app", "canary"))
CALLERS = Callers(
    tuple(
        (hashlib.sha256(token.encode()).hexdigest().encode(), caller)
        for token, caller in (
            (MAILER_TOKEN, Caller("mailer", frozenset({"command.reported"}))),
            (APP_TOKEN, Caller("app", frozenset({"account.challenged", "command.reported"}))),
            (CANARY_TOKEN, Caller("canary", frozenset({"canary.sent"}))),
        )
    )
)
SERVING = replace(SETTINGS, callers=CALLERS, signing=SIGNING, max_body_bytes=1 << 20)
REPORT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "report-1",
    "type": "command.reported",
    "source": "/services/mailer",
    "time": "2026-11-01T03:00:00Z",
    "partitionkey": "7000000042",
    "datacontenttype": "application/json",
    "data": {"command_id": "5b0c", "report": "delivered", "customerId": "7000000042", "reference": "message-1"},
}
CHALLENGE = REPORT | {
    "type": "account.challenged",
    "data": {"customerId": "7000000042", "accountId": "5900000001", "institutionLoginId": "7100000007"},
}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with bench_with(SERVING) as made:
        yield made


async def post(
    bench: Bench,
    event: Mapping[str, Any] | bytes,
    token: str | None = APP_TOKEN,
    content_type: str = "application/cloudevents+json",
) -> httpx.Response:
    """Post an event as a service does."""
    headers = {"content-type": content_type} | ({"authorization": f"Bearer {token}"} if token else {})
    content = event if isinstance(event, bytes) else orjson.dumps(event)
    return await bench.client.post("/v1/events", content=content, headers=headers)


def stored(bench: Bench) -> Event:
    """Give the only event of the log, as a reader has it."""
    (record,) = bench.log.records
    assert record.timestamp_ms is not None
    return from_record(record.headers, record.key, record.value, record.timestamp_ms)


async def test_a_report_is_stored(bench: Bench) -> None:
    """200 means in the log: keyed by customer, from the bridge, at the time of receipt."""
    answer = await post(bench, REPORT, MAILER_TOKEN)
    event = stored(bench)
    assert (answer.status_code, answer.content) == (200, b"")
    assert event.data == CommandReported(
        command_id="5b0c", report="delivered", customer_id="7000000042", reference="message-1"
    )
    assert (event.type, event.source, event.subject) == ("command.reported", "/remediation/bridge", "commands/5b0c")
    assert (event.partition_key, event.time.year > 2000) == ("7000000042", True)
    assert bench.count("records_stored", type="command.reported") == 1
    assert bench.count("requests", route="events", outcome="stored") == 1


async def test_a_challenge_is_stored(bench: Bench) -> None:
    """A live call was challenged: the account, the login, or both."""
    assert (await post(bench, CHALLENGE)).status_code == 200
    event = stored(bench)
    assert event.subject == "accounts/5900000001"
    assert event.data == AccountChallenged(
        customer_id="7000000042", account_id="5900000001", institution_login_id="7100000007"
    )


async def test_a_canary_is_stored(bench: Bench) -> None:
    """A sign of life, counted under its own type: `other` is what nobody foresaw."""
    data = {"customerId": "canary-0", "canary_id": "c1"}
    canary = REPORT | {"type": "canary.sent", "partitionkey": "canary-0", "data": data}
    assert (await post(bench, canary, CANARY_TOKEN)).status_code == 200
    event = stored(bench)
    assert (event.data, event.subject) == (CanarySent(customer_id="canary-0", canary_id="c1"), "canaries/c1")
    assert [bench.count("records_stored", type=name) for name in ("canary.sent", "other")] == [1, 0]


@pytest.mark.parametrize(
    "data",
    [
        {"customerId": "7000000042", "canary_id": "c1"},
        {"customerId": "canary-7000000042a", "canary_id": "c1"},
        {"customerId": "canary-0", "canary_id": "5b0c:0"},
        {"customerId": "canary-0", "canary_id": "c1\n"},
    ],
    ids=["a customer", "no number", "an id of a message", "a line"],
)
async def test_a_canary_is_about_nobody(bench: Bench, data: dict[str, str]) -> None:
    """Whoever has the canary's token writes nothing under the key of a customer, and no id that others have."""
    canary = REPORT | {"type": "canary.sent", "partitionkey": data["customerId"], "data": data}
    assert (await post(bench, canary, CANARY_TOKEN)).status_code == 400
    assert bench.log.records == []


async def test_a_challenge_of_a_login(bench: Bench) -> None:
    """Without an account the login is what it is about."""
    data = {"customerId": "7000000042", "institutionLoginId": "7100000007"}
    assert (await post(bench, CHALLENGE | {"data": data})).status_code == 200
    assert stored(bench).subject == "logins/7100000007"


async def test_a_report_on_a_ticket_has_no_customer(bench: Bench) -> None:
    """It goes anywhere, as it is about an institution."""
    event = {name: value for name, value in REPORT.items() if name != "partitionkey"}
    data = {"command_id": "5b0c", "report": "ticket_opened"}
    assert (await post(bench, event | {"data": data})).status_code == 200
    assert stored(bench).partition_key is None


async def test_the_time_of_a_service_is_not_the_log_s(bench: Bench) -> None:
    """A clock that is a year ahead must not move the customer's: the log has the time of receipt."""
    assert (await post(bench, REPORT | {"time": "2199-01-01T00:00:00Z"})).status_code == 200
    assert stored(bench).time.year < 2199


async def test_the_same_event_again_is_the_same_record(bench: Bench) -> None:
    """Caller, source and id are its identity: posted again it counts once, whatever its time or content."""
    ids = []
    for event, token in [
        (REPORT, MAILER_TOKEN),
        (REPORT | {"time": "2026-11-01T04:00:00Z"}, MAILER_TOKEN),
        (REPORT, APP_TOKEN),
        (REPORT | {"source": "/services/other"}, MAILER_TOKEN),
        (REPORT | {"id": "report-2"}, MAILER_TOKEN),
    ]:
        assert (await post(bench, event, token)).status_code == 200
        ids.append(stored(bench).id)
        bench.log.records.clear()
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


async def test_what_is_not_asked_for_is_dropped(bench: Bench) -> None:
    """Fields that the log does not know never get there."""
    data = REPORT["data"] | {"name": "Jane Doe", "balance": 401.26}
    assert (await post(bench, REPORT | {"data": data, "traceparent": "Jane"})).status_code == 200
    record = bench.log.records[0]
    assert b"Jane" not in record.value + b"".join(value for _, value in record.headers)


@pytest.mark.parametrize("token", [None, "wrong", TOKEN, ""])
async def test_without_a_token_of_the_file(bench: Bench, token: str | None) -> None:
    """401 in words, before the body is looked at; the path token of the callbacks is none."""
    answer = await post(bench, b"not json", token)
    assert (answer.status_code, bench.log.records) == (401, [])
    assert "Authorization: Bearer" in answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert bench.count("requests", route="events", outcome="unauthenticated") == 1


@pytest.mark.parametrize("event", [CHALLENGE, REPORT | {"type": "txpush.account.modified"}, REPORT | {"type": "x"}])
async def test_a_type_that_is_not_the_caller_s(bench: Bench, event: dict[str, Any]) -> None:
    """403 says what the caller may send; nobody may send what the vendor or an operator sends."""
    answer = await post(bench, event, MAILER_TOKEN)
    assert (answer.status_code, bench.log.records) == (403, [])
    assert answer.text == "mailer may send command.reported only: see the callers' file\n"
    assert bench.count("requests", route="events", outcome="not_allowed") == 1


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (b"not json", "the body is not JSON"),
        (b"[]", "the body: "),
        (b"{}", "specversion: Field required"),
        (REPORT | {"specversion": "0.3"}, "specversion: "),
        (REPORT | {"id": ""}, "id: "),
        (REPORT | {"id": 7}, "id: "),
        (REPORT | {"source": "x" * 257}, "source: "),
        (REPORT | {"time": "yesterday"}, "time: not an RFC 3339 time"),
        (REPORT | {"datacontenttype": "text/plain"}, "datacontenttype: "),
        (REPORT | {"data": "text"}, "data: "),
        (REPORT | {"data": {"report": "delivered"}}, "data.command_id: Field required"),
        (REPORT | {"data": REPORT["data"] | {"report": "x" * 65}}, "data.report: "),
        (REPORT | {"data": REPORT["data"] | {"customerId": 7000000042}}, "data.customerId: "),
        (REPORT | {"data": REPORT["data"] | {"customerId": "7/0"}}, "data.customerId: "),
        (REPORT | {"partitionkey": "7000000043"}, "partitionkey: has to be the customerId"),
        (CHALLENGE | {"data": {"customerId": "7000000042"}}, "data: accountId or institutionLoginId is needed"),
    ],
)
async def test_what_is_no_event_is_told_in_words(bench: Bench, event: dict[str, Any] | bytes, words: str) -> None:
    """400 names the field and what it should be; nothing is stored, not even a dead letter."""
    answer = await post(bench, event)
    assert (answer.status_code, bench.log.records) == (400, [])
    assert words in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_words_quote_no_value(bench: Bench) -> None:
    """What was sent may name somebody; the answer may end in a log."""
    event = REPORT | {"data": {"command_id": ["Jane Doe"], "report": "Jane Doe" * 20, "customerId": "Jane Doe"}}
    answer = await post(bench, event)
    assert answer.status_code == 400
    assert "Jane" not in answer.text


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents-batch+json", "", "text/plain"])
async def test_other_media_types(bench: Bench, content_type: str) -> None:
    """415 says which one it has to be: an event in binary mode or a batch must not be misread."""
    answer = await post(bench, REPORT, content_type=content_type)
    assert (answer.status_code, bench.log.records) == (415, [])
    assert "application/cloudevents+json" in answer.text


async def test_a_charset_does_no_harm(bench: Bench) -> None:
    """Parameters of the media type are looked past."""
    assert (await post(bench, REPORT, content_type="Application/CloudEvents+JSON; charset=UTF-8")).status_code == 200


async def test_an_event_that_is_too_large(bench: Bench) -> None:
    """An event is small: 64 KiB, or less where bodies are limited to less."""
    event = REPORT | {"comment": "x" * MAX_EVENT_BYTES}
    assert (await post(bench, event)).status_code == 413
    assert (await post(bench, REPORT | {"comment": "x" * (MAX_EVENT_BYTES - 1000)})).status_code == 200


@pytest.mark.parametrize(
    ("failure", "outcome"), [(LogUnavailable("away"), "log_unavailable"), (LogFull("full"), "overloaded")]
)
async def test_503_while_the_log_cannot_be_written(bench: Bench, failure: Exception, outcome: str) -> None:
    """The same rule as for the vendor: no 200 before all replicas have it."""
    bench.log.failure = failure
    answer = await post(bench, REPORT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert bench.count("requests", route="events", outcome=outcome) == 1
    assert bench.count("records_stored", type="command.reported") == 0


async def test_other_methods(bench: Bench) -> None:
    """405 names the one that there is."""
    answer = await bench.client.get("/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/v1/events/", "/v1", "/v1/event", f"/{TOKEN}/events"])
async def test_other_paths(bench: Bench, path: str) -> None:
    """There is one address and no other."""
    assert (await bench.client.post(path, content=orjson.dumps(REPORT))).status_code == 404


async def test_without_callers_there_is_nothing() -> None:
    """No file, no endpoint: the same answer as any other unknown path."""
    async with bench_with() as bench:
        assert (await post(bench, REPORT)).status_code == 404


async def test_a_second_word_on_who_sends(bench: Bench) -> None:
    """401, and nothing is stored: one token would be right."""
    given = [("authorization", f"Bearer {token}") for token in (MAILER_TOKEN, APP_TOKEN)]
    headers = [("content-type", "application/cloudevents+json"), *given]
    answer = await bench.client.post("/v1/events", content=orjson.dumps(REPORT), headers=headers)
    assert (answer.status_code, bench.log.records) == (401, [])
