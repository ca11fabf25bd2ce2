"""TxPUSH: verification of listeners, subscriptions, what is sent when, its signature, and its repetition."""

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response

from streams.sandbox import SandboxSettings
from streams.signatures import Strategy, txpush_signature
from streams.testing.clock import VirtualClock
from tests.component.sandbox.bench import START, TXPUSH, Bench, Listener, bench_with

TRANSACTION = {"amount": -4.25, "description": "a testing transaction", "transactionDate": 1_772_000_000}


async def test_a_subscription_is_verified_first(bench: Bench) -> None:
    """The listener is asked with a code beside its own query, and two records come back, each with its key."""
    _customer, login = await bench.connected()
    records = await bench.subscribe(bench.sandbox.accounts_of(login)[0], f"{TXPUSH}?mine=1")
    assert [record["type"] for record in records] == ["account", "transaction"]
    assert len({record["signingKey"] for record in records}) == len({record["id"] for record in records}) == 2
    assert {len(record["signingKey"]) for record in records} == {250}
    assert records[0]["callbackUrl"] == f"{TXPUSH}?mine=1"
    assert len(bench.listener.verified) == 2


@pytest.mark.parametrize(
    "echo",
    [
        PlainTextResponse("something else"),
        PlainTextResponse("", 404),
        Response("{}", media_type="application/json"),
    ],
)
async def test_a_listener_that_does_not_echo_gets_nothing(bench: Bench, echo: Response) -> None:
    """400, and no subscription."""
    customer, login = await bench.connected()
    account = bench.sandbox.accounts_of(login)[0]
    bench.sandbox.world.unsubscribe(account)
    bench.listener.echo = echo
    path = f"/aggregation/v1/customers/{customer}/accounts/{account}/txpush"
    answer = await bench.api.post(path, json={"callbackUrl": TXPUSH})
    assert (answer.status_code, answer.json()["code"]) == (400, "10010")
    assert bench.sandbox.world.subscriptions == {}


async def test_a_listener_that_does_not_answer_gets_nothing(bench: Bench) -> None:
    """Waiting has an end."""
    customer, login = await bench.connected()
    bench.listener.stuck = True
    path = f"/aggregation/v1/customers/{customer}/accounts/{bench.sandbox.accounts_of(login)[0]}/txpush"
    answer = await bench.api.post(path, json={"callbackUrl": TXPUSH})
    assert "did not answer" in answer.json()["message"]


@pytest.mark.parametrize(
    ("url", "kind", "status"),
    [
        ("http://hooks.example.com/txpush", "testing", 201),
        ("https://hooks.example.com:443/txpush", "testing", 201),
        ("http://hooks.example.com:8080/txpush", "testing", 400),
        ("http://localhost:8080/txpush", "testing", 201),
        ("http://[::1]:8080/txpush", "testing", 201),
        ("http://hooks.example.com/txpush", "active", 400),
        ("https://hooks.example.com/txpush", "active", 201),
        ("ftp://hooks.example.com/txpush", "testing", 400),
        ("http://host:port", "testing", 400),
        ("no url", "testing", 400),
    ],
)
async def test_addresses_that_the_vendor_would_call(bench: Bench, url: str, kind: str, status: int) -> None:
    """Ports 80 and 443, HTTPS for real accounts; a listener on this machine may have any port."""
    customer = bench.sandbox.add_customer(kind=kind)
    account = bench.sandbox.accounts_of(bench.sandbox.add_login(customer, "102105", "demo", "go").id)[0]
    path = f"/aggregation/v1/customers/{customer}/accounts/{account}/txpush"
    assert (await bench.api.post(path, json={"callbackUrl": url})).status_code == status


async def test_a_new_subscription_replaces_the_old_one(bench: Bench) -> None:
    """With new keys and ids; one notification goes out, not two."""
    _, login = await bench.connected()
    account = bench.sandbox.accounts_of(login)[0]
    first, second = await bench.subscribe(account), await bench.subscribe(account)
    assert first[0]["signingKey"] != second[0]["signingKey"]
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    assert bench.listener.words() == ["185"]


async def test_subscriptions_end(bench: Bench) -> None:
    """One class by its id, or all of an account; what is not there has its code."""
    customer, login = await bench.connected()
    account = bench.sandbox.accounts_of(login)[0]
    of_accounts, _ = await bench.subscribe(account)
    base = f"/aggregation/v1/customers/{customer}"
    assert (await bench.api.delete(f"{base}/subscriptions/{of_accounts['id']}")).status_code == 204
    for number in (of_accounts["id"], "x"):
        again = await bench.api.delete(f"{base}/subscriptions/{number}")
        assert (again.status_code, again.json()["code"]) == (404, "60013")
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    assert bench.listener.received == []
    assert (await bench.api.delete(f"{base}/accounts/{account}/txpush")).status_code == 204
    twice = await bench.api.delete(f"{base}/accounts/{account}/txpush")
    assert (twice.status_code, twice.json()["code"]) == (404, "60007")


async def test_a_test_transaction_gives_a_transaction_and_an_account_event(bench: Bench) -> None:
    """The second one because the balance has changed; the first is signed with the transactions' key."""
    customer, login = await bench.connected()
    account = bench.sandbox.accounts_of(login)[0]
    keys = {record["type"]: record["signingKey"] for record in await bench.subscribe(account)}
    path = f"/aggregation/v1/customers/{customer}/accounts/{account}/transactions"
    answer = await bench.api.post(path, json=TRANSACTION)
    assert answer.status_code == 201
    await bench.sandbox.settle()
    created, modified = bench.listener.received
    assert created.body["event"]["class"] == "transaction"
    assert created.body["event"]["records"][0]["id"] == answer.json()["id"]
    assert modified.body["event"]["records"][0]["balance"] == pytest.approx(2512.34 - 4.25)
    for received, key in ((created, keys["transaction"]), (modified, keys["account"])):
        signed = txpush_signature(
            Strategy.CONCAT_HEX, key, received.headers["content-type"], received.headers["host"], received.content
        )
        assert received.headers["x-txpush-signature"] == signed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": None}, "10005"),
        ({"amount": "much"}, "10010"),
        ({"amount": True}, "10010"),
        ({"description": None}, "10005"),
        ({"transactionDate": None}, "10005"),
        ({"status": "shadow"}, "10010"),
    ],
)
async def test_what_is_no_transaction(bench: Bench, change: dict[str, object], code: str) -> None:
    """Refused with the vendor's code, and nobody hears of it."""
    customer, login = await bench.connected()
    path = f"/aggregation/v1/customers/{customer}/accounts/{bench.sandbox.accounts_of(login)[0]}/transactions"
    answer = await bench.api.post(path, json={**TRANSACTION, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    await bench.sandbox.settle()
    assert bench.listener.received == []


async def test_real_accounts_have_no_test_transactions(bench: Bench) -> None:
    """Only testing customers may make them."""
    customer = bench.sandbox.add_customer(kind="active")
    account = bench.sandbox.accounts_of(bench.sandbox.add_login(customer, "102105", "demo", "go").id)[0]
    path = f"/aggregation/v1/customers/{customer}/accounts/{account}/transactions"
    assert (await bench.api.post(path, json=TRANSACTION)).status_code == 400


async def test_without_accept_json_notifications_are_xml(bench: Bench) -> None:
    """The format follows the `Accept` header of the subscribe call."""
    _, login = await bench.connected()
    bench.api.headers["accept"] = "*/*"
    await bench.subscribe(bench.sandbox.accounts_of(login)[0])
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    (received,) = bench.listener.received
    assert received.headers["content-type"] == "application/xml"
    assert b"<aggregationStatusCode>185</aggregationStatusCode>" in received.content


async def test_what_is_not_acknowledged_comes_again_for_six_hours(bench: Bench) -> None:
    """Every 30 minutes, 13 times in all, the same bytes; then it is lost for good."""
    _, login = await bench.connected()
    bench.listener.status = 503
    bench.sandbox.refresh(login)
    await bench.after(minutes=29)
    assert len(bench.listener.received) == 1
    await bench.after(minutes=1)
    assert len(bench.listener.received) == 2
    await bench.after(hours=5)
    await bench.after(hours=3)
    assert len(bench.listener.received) == 13
    assert len({one.content for one in bench.listener.received}) == 1
    assert len(bench.sandbox.agenda) == 0


@pytest.mark.parametrize("status", [201, 204, 302, 500])
async def test_only_200_acknowledges(bench: Bench, status: int) -> None:
    """Any other answer, a success included, brings it again."""
    _, login = await bench.connected()
    bench.listener.statuses = [status]
    bench.sandbox.refresh(login)
    await bench.after(minutes=30)
    assert bench.listener.words() == ["185", "185"]
    assert [(one.status, one.acknowledged) for one in bench.sandbox.tried()] == [(status, False), (200, True)]


async def test_an_unreachable_listener_is_tried_again(bench: Bench) -> None:
    """Nobody there, or nobody who answers in time, counts as no answer."""
    _, login = await bench.connected()
    bench.listener.stuck = True
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    bench.listener.stuck = False
    await bench.after(minutes=30)
    assert bench.listener.words() == ["185"]
    assert [one.status for one in bench.sandbox.tried()] == [0, 200]


async def test_an_error_of_the_connection_is_tried_again() -> None:
    """A refused connection is no reason to stop."""

    def refuse(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, text=request.url.params["txpush_verification_code"])
        raise httpx.ConnectError("refused", request=request)

    bench = bench_with(Listener(), SandboxSettings(), VirtualClock(START))
    bench.sandbox._client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    customer = bench.sandbox.add_customer()
    login = bench.sandbox.add_login(customer, "102105", "tfa_text", "go")
    account = bench.sandbox.world.of_login(login.id)[0]
    bench.sandbox.world.subscribe(account, TXPUSH, wants_xml=False)
    bench.sandbox.refresh(login.id)
    await bench.after(minutes=30)
    assert [one.status for one in bench.sandbox.tried()] == [0, 0]


async def test_the_queue_is_bounded() -> None:
    """Past its limit webhooks are dropped and counted."""
    listener = Listener(status=503)
    bench = bench_with(listener, SandboxSettings(max_pending=2), VirtualClock(START))
    login = bench.sandbox.add_login(bench.sandbox.add_customer(), "102105", "tfa_text", "go")
    for account in bench.sandbox.world.of_login(login.id):
        bench.sandbox.world.subscribe(account, TXPUSH, wants_xml=False)
    bench.sandbox.refresh(login.id)
    assert (len(bench.sandbox.agenda), bench.sandbox.agenda.dropped) == (2, 1)


async def test_one_attempt_date_more_is_no_news_unless_wished() -> None:
    """The same failure again is silent by default; `event_on_attempt` tells of it."""
    for wished, heard in ((False, ["185"]), (True, ["185", "185"])):
        bench = bench_with(Listener(), SandboxSettings(event_on_attempt=wished), VirtualClock(START))
        login = bench.sandbox.add_login(bench.sandbox.add_customer(), "102105", "tfa_text", "go", None)
        account, *_ = bench.sandbox.world.of_login(login.id)
        bench.sandbox.world.subscribe(account, TXPUSH, wants_xml=False)
        for _ in range(2):
            bench.sandbox.refresh(login.id)
            await bench.after(hours=1)
        assert bench.listener.words() == heard
